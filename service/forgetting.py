"""Forgetting a person: all that is kept about them goes, except what limits them: a ban, a quota, counts that lapse."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

import structlog

from contract.errors import EaselError, UserError
from contract.ids import JobId
from exchange import preferences
from exchange.images import ImageStore, StoreUnavailable
from service.asker import Asker
from service.budget import promptly
from service.cancelling import cancel_all
from service.policy import audit
from service.reviews import forget_cases
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much there was: jobs whose pictures and records were deleted."""

    jobs: int


async def forget_person(services: Services, by: str, asker: Asker) -> Forgotten:
    """Delete what is kept of a person: jobs that wait or run, settings, usage, history, the words of open cases,
    pictures and records.

    The whole image store is looked through, because a history does not name every picture; so it may take minutes.
    Messages that were posted stay in their channels. Repeating it is harmless. UserError `store_unreachable` or
    `queue_unreachable` when it could not be done to its end.
    """
    user_id = asker.user.id
    try:
        await cancel_all(services, asker)
    except UserError as error:
        if error.kind != "nothing_to_cancel":
            raise
    async with promptly():
        await services.preferences.clear(preferences.user(user_id))
        await services.accounts.forget_person(user_id)
    await forget_cases(services, user_id)
    try:
        jobs = await asyncio.to_thread(_delete_pictures, services.images, user_id)
    except StoreUnavailable as error:
        log.error("the image store cannot be reached", error=str(error))
        raise UserError("store_unreachable") from error
    await audit(services, by, "forget", f"user {user_id}", f"{jobs} jobs")
    return Forgotten(jobs)


def _delete_pictures(images: ImageStore, user_id: int) -> int:
    theirs = [job_id for job_id in images.untouched_since(math.inf) if _belongs(images, job_id, user_id)]
    for job_id in theirs:
        images.delete(job_id)
    return len(theirs)


def _belongs(images: ImageStore, job_id: JobId, user_id: int) -> bool:
    try:
        job = images.get_record(job_id)
    except StoreUnavailable:
        raise
    except EaselError as error:
        log.warning("a record could not be read, its pictures stay", job_id=job_id, error=str(error))
        return False
    return job is not None and job.user.id == user_id
