"""Observers that every process has: the log, and a way to have several at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from contract.events import (
    Accepted,
    Cancelled,
    Delivered,
    Drawn,
    Event,
    Failed,
    Flagged,
    Observer,
    Refused,
    Stage,
    Started,
    Step,
    Throttled,
    Took,
)
from contract.jobs import Job

log = structlog.get_logger(__name__)


def log_event(event: Event) -> None:
    """One line an event, with what is asked of a log afterwards; single steps are left out."""
    match event:
        case Accepted(job, ahead, duplicate):
            log.info("accepted", **_about(job), ahead=ahead, duplicate=duplicate)
        case Refused(user_id, kind, None):
            log.info("refused", error=kind, user_id=str(user_id))
        case Refused(_, kind, Job() as job):
            log.info("refused", **_about(job), error=kind)
        case Flagged(job, rule, weight):
            log.info("flagged", **_about(job), rule=rule, weight=weight)
        case Started(job):
            log.info("started", **_about(job), wait_s=age_s(job))
        case Step():
            pass
        case Took(stage, seconds, job, model):
            about = {} if job is None else _about(job)
            log.debug("took", stage=str(stage), seconds=round(seconds, 4), **{"model": model, **about})
        case Throttled(scope):
            log.warning("Discord asks to slow down", scope=scope)
        case Drawn(job, gpu_s):
            log.info("drawn", **_about(job), gpu_s=gpu_s, **_size(job))
        case Delivered(job):
            log.info("delivered", **_about(job), after_s=age_s(job))
        case Failed(job, kind, reason, way):
            tell = log.warning if way is not None else log.error
            tell("failed", **_about(job), error=kind, reason=reason, told_by=way)
        case Cancelled(job):
            log.info("cancelled", **_about(job))


@contextmanager
def timed(observe: Observer, stage: Stage, job: Job | None = None, model: str = "") -> Iterator[None]:
    """Tell how long the block took, however it ends."""
    begun = time.perf_counter()
    try:
        yield
    finally:
        observe(Took(stage, time.perf_counter() - begun, job, model))


def all_of(*observers: Observer) -> Observer:
    """One observer that tells several. One that fails is logged, and neither the others nor the job suffer."""

    def tell(event: Event) -> None:
        for observer in observers:
            try:
                observer(event)
            except Exception:
                log.exception("an observer failed", seen=type(event).__name__)

    return tell


def age_s(job: Job) -> float:
    """Seconds since it was asked for; clocks of hosts differ a little, so it is never negative."""
    return round(max(0.0, time.time() - job.created_ms / 1000), 3)


def _about(job: Job) -> dict[str, Any]:
    guild = job.destination.guild_id
    return {
        "job_id": job.id,
        "kind": job.request.kind,
        "model": job.model,
        "user_id": str(job.user.id),
        **({"guild_id": str(guild)} if guild is not None else {}),
    }


def _size(job: Job) -> dict[str, int]:
    plan = job.plan
    return {} if plan is None else {"width": plan.width, "height": plan.height, "steps": plan.num_inference_steps}
