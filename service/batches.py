"""Batches: jobs that were confirmed together. Each is accepted as soon as there is room for it, or none is any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from contract.codec import job_document, job_from_document
from contract.errors import MalformedDocument
from contract.jobs import Destination, Job, User
from contract.outcomes import JobState
from exchange import batches
from exchange.delivery import MessageRef
from service.accepting import accept
from service.asker import Asker, asker_document, asker_from_document
from service.budget import promptly
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

WAIT_FOR_ROOM = frozenset(
    {"queue_full", "guild_queue_full", "newcomers_limit", "rate_limited", "cooldown", "queue_unreachable"}
)
"""Refusals that do not end a batch: they hold for now. Any other one does."""


@dataclass(frozen=True, slots=True)
class Batch:
    """The jobs of one confirmation, of which the first `accepted` are accepted. `message` shows how they get on."""

    token: str
    asker: Asker
    jobs: tuple[Job, ...]
    accepted: int
    message: MessageRef | None
    cancelled: bool

    @property
    def user(self) -> User:
        """The person who confirmed it."""
        return self.asker.user

    @property
    def destination(self) -> Destination:
        """Where it belongs."""
        return self.asker.destination


@dataclass(frozen=True, slots=True)
class Standing:
    """How a batch gets on: jobs by how they ended, those that wait or run, and those that are not accepted yet."""

    finished: int
    failed: int
    cancelled: int
    going_on: int
    to_come: int


async def open_batch(
    services: Services, asker: Asker, token: str, jobs: Sequence[Job], message: MessageRef | None
) -> None:
    """Keep confirmed jobs, so that they are accepted even if this process ends. UserError when that fails."""
    document = {"jobs": [job_document(job) for job in jobs], **asker_document(asker)}
    async with promptly():
        await services.batches.open(token, document, owner=asker.user.id, message=message)


async def batch_of(services: Services, token: str) -> Batch | None:
    """A batch that has not ended; None for others. Errors as `contract.codec.job_from_document`."""
    async with promptly():
        stored = await services.batches.get(token)
    return None if stored is None else _batch(stored)


async def accept_next(services: Services, batch: Batch) -> Job | None:
    """Accept the next job of a batch, held; None when there is none, or the batch was cancelled meanwhile.

    UserError when it is refused: for now, if its kind is in `WAIT_FOR_ROOM`.
    """
    if batch.cancelled or batch.accepted == len(batch.jobs):
        return None
    job = (await accept(services, batch.asker, batch.jobs[batch.accepted])).job
    async with promptly():
        present = await services.batches.get(batch.token)
        if present is None or present.cancelled:
            # The person who cancelled it was told that this job had not started: it must not.
            await services.queue.discard(job.id)
            return None
        await services.batches.set_accepted(batch.token, batch.accepted + 1)
    return job


async def standing(services: Services, batch: Batch) -> Standing:
    """How a batch gets on."""
    async with promptly():
        states = Counter([await services.queue.state(job.id) for job in batch.jobs[: batch.accepted]])
    ended = {state: states[state] for state in (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED)}
    forgotten = states[None]  # it ended a day ago, or longer
    return Standing(
        finished=ended[JobState.DELIVERED] + forgotten,
        failed=ended[JobState.FAILED],
        cancelled=ended[JobState.CANCELLED],
        going_on=batch.accepted - sum(ended.values()) - forgotten,
        to_come=0 if batch.cancelled else len(batch.jobs) - batch.accepted,
    )


async def close_batch(services: Services, batch: Batch) -> None:
    """Forget a batch: nothing more will come of it."""
    async with promptly():
        await services.batches.close(batch.token, batch.user.id)


def _batch(stored: batches.Batch) -> Batch:
    document = stored.document
    try:
        jobs = tuple(job_from_document(job) for job in document["jobs"])
        asker = asker_from_document(document, jobs[0])
    except (KeyError, IndexError, TypeError) as error:
        raise MalformedDocument(f"batch {stored.token} is not what it claims to be") from error
    return Batch(stored.token, asker, jobs, stored.accepted, stored.message, stored.cancelled)
