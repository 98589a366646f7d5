"""Where a person's jobs stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from contract.jobs import Job
from exchange.queue import MessageRef, Position
from service.budget import promptly
from service.services import Services


@dataclass(frozen=True, slots=True)
class Standing:
    """A job that waits or runs, its place, and the message that says so, if one is known."""

    job: Job
    position: Position
    message: MessageRef | None


async def standings(services: Services, user_id: int) -> Sequence[Standing]:
    """A person's jobs that wait or run: oldest first, and those of one batch as they are going to end.

    UserError when the queue does not say so in time.
    """
    queue = services.queue
    found = []
    async with promptly():
        for job_id in await queue.of_user(user_id):
            job, position = await queue.accepted(job_id), await queue.position(job_id)
            if job is not None and position is not None:
                found.append(Standing(job, position, await queue.waiting_message(job_id)))
    return sorted(found, key=lambda one: (one.job.created_ms, not one.position.running, one.position.ahead))
