"""Ending jobs, at any stage, for their owners and for those who may moderate where the job belongs."""

from __future__ import annotations

import structlog

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import CancelOutcome
from service.budget import promptly
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def cancel(services: Services, job_id: JobId, *, by: int, operator: bool) -> Job:
    """End a job that waits or runs. UserError `not_your_job` or `not_running`."""
    queue = services.queue
    async with promptly():
        job = await queue.accepted(job_id)
        outcome = await queue.cancel(job_id, by=by, operator=operator) if job is not None else CancelOutcome.UNKNOWN
    if outcome is CancelOutcome.NOT_YOURS:
        raise UserError("not_your_job")
    if job is None or outcome in (CancelOutcome.ENDED, CancelOutcome.UNKNOWN):
        raise UserError("not_running")
    log.info("cancelled", job_id=job_id, by=str(by), outcome=outcome.value)
    return job
