"""Ending jobs, at any stage, for their owners and for those who may moderate where the job belongs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import CancelOutcome
from service.asker import Asker
from service.batches import Batch, batch_of
from service.budget import promptly
from service.policy import audit, who
from service.rights import may_act
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_DID = frozenset({CancelOutcome.CANCELLED, CancelOutcome.STOPPING})


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was ended: jobs that waited or ran, and how many of a batch will not be started at all."""

    jobs: tuple[JobId, ...]
    never_started: int


async def cancel(services: Services, asker: Asker, job_id: JobId) -> Job:
    """End a job that waits or runs. UserError `not_your_job` or `not_running`."""
    async with promptly():
        job = await services.queue.accepted(job_id)
        if job is None:
            raise UserError("not_running")
        if not may_act(asker, job):
            raise UserError("not_your_job")
        outcome = await services.queue.cancel(job_id, by=asker.user.id, operator=True)
    if not _ended({job_id: outcome}, asker):
        raise UserError("not_running")
    if job.user.id != asker.user.id:
        await audit(services, who(asker), "cancel", f"job {job_id}", f"of user {job.user.id}")
    return job


async def cancel_all(services: Services, asker: Asker) -> Cancelled:
    """End all jobs of the asker's, those of their batches that have not started included.

    UserError `nothing_to_cancel`. What it returns has happened: nothing of it comes any more.
    """
    async with promptly():
        own = await services.batches.owned_by(asker.user.id)
        for batch in own:
            await services.batches.cancel(batch.token)  # first, so that no more of their jobs get in
        ended = _ended(await services.queue.cancel_all(asker.user.id), asker)
    batches = [batch for batch in [await batch_of(services, one.token) for one in own] if batch is not None]
    cancelled = Cancelled(tuple(ended), sum(_never_started(batch, ended) for batch in batches))
    if not cancelled.jobs and not cancelled.never_started:
        raise UserError("nothing_to_cancel")
    return cancelled


async def cancel_batch(services: Services, asker: Asker, token: str) -> Cancelled:
    """End a batch: its jobs that wait or run, and those that have not started. UserError as `cancel`."""
    batch = await batch_of(services, token)
    if batch is None:
        raise UserError("not_running")
    if not may_act(asker, batch):
        raise UserError("not_your_job")
    async with promptly():
        await services.batches.cancel(token)
        # The last ones first: they wait, and none may begin because another one ended.
        ids = [job.id for job in reversed(batch.jobs)]
        ended = _ended(await services.queue.cancel_each(ids, by=asker.user.id, operator=True), asker)
    if batch.user.id != asker.user.id:
        await audit(services, who(asker), "cancel", f"batch {token}", f"of user {batch.user.id}")
    present = await batch_of(services, token) or batch
    return Cancelled(tuple(ended), _never_started(present, ended))


def _ended(outcomes: Mapping[JobId, CancelOutcome], asker: Asker) -> list[JobId]:
    """The jobs that were ended by this; the others had ended already."""
    ended = [id for id, outcome in outcomes.items() if outcome in _DID]
    for id in ended:
        log.info("cancelling", job_id=id, by=str(asker.user.id), outcome=outcomes[id].value)
    return ended


def _never_started(batch: Batch, ended: list[JobId]) -> int:
    """Jobs of a batch that were not accepted, less one that is counted among the ended: it was just being accepted."""
    return sum(job.id not in ended for job in batch.jobs[batch.accepted :])
