"""Observers that every process has: the log, and a way to have several at once."""

from __future__ import annotations

from typing import Any

import structlog

from contract.events import Accepted, Cancelled, Delivered, Drawn, Event, Failed, Observer, Refused, Started, Step
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
        case Started(job):
            log.info("started", **_about(job))
        case Step():
            pass
        case Drawn(job, gpu_s):
            log.info("drawn", **_about(job), gpu_s=gpu_s, **_size(job))
        case Delivered(job):
            log.info("delivered", **_about(job))
        case Failed(job, kind, reason, way):
            tell = log.warning if way is not None else log.error
            tell("failed", **_about(job), error=kind, reason=reason, told_by=way)
        case Cancelled(job):
            log.info("cancelled", **_about(job))


def all_of(*observers: Observer) -> Observer:
    """One observer that tells several. One that fails is logged, and neither the others nor the job suffer."""

    def tell(event: Event) -> None:
        for observer in observers:
            try:
                observer(event)
            except Exception:
                log.exception("an observer failed", seen=type(event).__name__)

    return tell


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
