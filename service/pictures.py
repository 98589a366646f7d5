"""What is kept of finished jobs: records, pictures, history, usage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import Enum

import structlog

from contract.errors import EaselError, UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.moderation import Screening, Weight, scores_in
from exchange.accounts import Entry, Usage
from exchange.images import StoreUnavailable
from service.asker import Asker
from service.budget import left_s, promptly
from service.policy import audit, who
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Screened(Enum):
    """How pictures that are there already may be shown."""

    OPEN = "open"
    VEILED = "veiled"
    """Hidden until somebody presses them."""
    REFUSED = "refused"
    UNKNOWN = "unknown"


STORE_SHARE = 0.5
"""The part of the time left that the image store may take: there is another way when it is slow."""


async def recorded_job(services: Services, id: JobId) -> Job | None:
    """The job as the image store keeps it; None when it does not, or cannot say (in time)."""
    try:
        async with asyncio.timeout(left_s() * STORE_SHARE):
            return await asyncio.to_thread(services.images.get_record, id)
    except (EaselError, TimeoutError) as error:
        log.warning("a record could not be read", job_id=id, error=str(error) or type(error).__name__)
        return None


async def own_finished_job(services: Services, asker: Asker, id: JobId) -> tuple[Job, Entry | None]:
    """A finished job of the asker's, and where it was posted, if that is known. UserError `no_such_job`."""
    async with promptly():
        entry = await services.accounts.entry(asker.user.id, id)
    job = await recorded_job(services, id)
    if job is None or (entry is None and job.user.id != asker.user.id):
        raise UserError("no_such_job", job=id)
    return job, entry


async def stored_pictures(services: Services, job: Job) -> Sequence[tuple[int, bytes]]:
    """A job's pictures by index, each from the first place that has it; those that the store lacks are left out.

    UserError `store_unreachable`.
    """
    async with _store():
        return await asyncio.to_thread(_pictures, services, job)


async def has_picture(services: Services, job: Job) -> bool:
    """Whether the store has the first picture of a job already; False also when it cannot say in time."""
    try:
        async with asyncio.timeout(left_s() * STORE_SHARE):
            return any([await asyncio.to_thread(services.images.get_image, *place) for place in job.places(0)])
    except (StoreUnavailable, TimeoutError) as error:
        log.warning("a picture could not be looked for", job_id=job.id, error=str(error) or type(error).__name__)
        return False


async def screened(services: Services, id: JobId, screening: Screening) -> Screened:
    """How a job's pictures may be shown again in a place of which the policy says `screening`, by what is on record.

    What nobody looked at, and a store that does not say, count as unknown: such pictures have to go the long way.
    """
    if screening.weight.rank < Weight.SOFT.rank:
        return Screened.VEILED if screening.veiled else Screened.OPEN
    try:
        async with asyncio.timeout(left_s() * STORE_SHARE):
            scores = scores_in(await asyncio.to_thread(services.images.get_document, id))
    except (EaselError, TimeoutError) as error:
        log.warning("a record could not be read", job_id=id, error=str(error) or type(error).__name__)
        return Screened.UNKNOWN
    if not scores:
        return Screened.UNKNOWN
    if max(scores) < screening.threshold:
        return Screened.VEILED if screening.veiled else Screened.OPEN
    return Screened.REFUSED if screening.weight.refuses else Screened.VEILED


async def usage_of(services: Services, user_id: int, months: Sequence[str]) -> Sequence[Usage]:
    """What a person made in these months (`2026-11`), one entry a month and speed."""
    async with promptly():
        found = await asyncio.gather(*(services.accounts.usage(user_id, month) for month in months))
    return [one for month in found for one in month]


async def forget(services: Services, asker: Asker, id: JobId, owner: int) -> None:
    """Delete a job's pictures and record, and take it out of its owner's history. UserError `store_unreachable`."""
    async with _store():
        await asyncio.to_thread(services.images.delete, id)
    async with promptly():
        await services.accounts.forget(owner, id)
    if owner != asker.user.id:
        await audit(services, who(asker), "delete", f"job {id}", f"of user {owner}")


@asynccontextmanager
async def _store() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(left_s()):
            yield
    except (StoreUnavailable, TimeoutError) as error:
        log.error("the image store cannot be reached", error=str(error) or type(error).__name__)
        raise UserError("store_unreachable") from error


def _pictures(services: Services, job: Job) -> list[tuple[int, bytes]]:
    found = []
    for index in range(job.image_count):
        files = (services.images.get_image(*place) for place in job.places(index))
        data = next((file for file in files if file is not None), None)
        if data is not None:
            found.append((index, data))
    return found
