"""Ending jobs, at any stage, for their owners and for those who may moderate where the job belongs."""

from __future__ import annotations

import structlog

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import CancelOutcome
from service.asker import Asker
from service.budget import promptly
from service.rights import may_act
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def cancel(services: Services, asker: Asker, job_id: JobId) -> Job:
    """End a job that waits or runs. UserError `not_your_job` or `not_running`."""
    queue = services.queue
    async with promptly():
        job = await queue.accepted(job_id)
        if job is None:
            raise UserError("not_running")
        if not may_act(asker, job):
            raise UserError("not_your_job")
        outcome = await queue.cancel(job_id, by=asker.user.id, operator=True)
    if outcome in (CancelOutcome.ENDED, CancelOutcome.UNKNOWN):
        raise UserError("not_running")
    log.info("cancelled", job_id=job_id, by=str(asker.user.id), outcome=outcome.value)
    return job
