"""The one road from a command or press to a job that runs: have it accepted, held; answer; release it.

Accepting comes first, so that what was promised to a person is already safe. When the answer's fate is unknown, the
job stays held, and recovery releases it and finds the answer by the interaction's id: nothing accepted is ever lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import redis.exceptions
import structlog

from bot.calls import Call, Fate
from bot.client import EaselClient
from bot.waiting.messages import waiting_buttons
from contract import messages
from contract.errors import UserError
from contract.jobs import Job
from contract.messages import Embed
from contract.remarks import with_small_print
from contract.sentences import describe
from exchange.queue import MessageRef, Submitted
from service.accepting import accept

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ANSWER_TIMEOUT_S = 10.0


async def submit(call: Call, job: Job, *, remarks: Sequence[str] = ()) -> None:
    """Accept `job` and answer with its waiting message. UserError when it is refused.

    `remarks` are lines in small print under the first answer.
    """
    client = call.client
    with structlog.contextvars.bound_contextvars(job_id=job.id):
        submitted = await accept(call.services, call.asker, job, interaction_id=call.asker.key)
        job = submitted.job
        content = with_small_print(messages.waiting(job), remarks)
        notice = _queued_notice(client, job, submitted)
        rows = waiting_buttons(job, cancel=client.cancel_button)
        answer = asyncio.create_task(call.post(content, embed=notice, rows=rows))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                fate, message = await asyncio.shield(answer)
        except TimeoutError:
            # The library may wait out a long rate limit; the message it posts in the end is found by the interaction.
            log.warning("the answer is slow; the job is left to recovery")
            client.services.background.start(_finish_late(client, job, answer))
            return
        await _acknowledged(client, job, fate, message)
        if fate is Fate.REFUSED:
            call.typed = None  # what was refused may be just these words
            raise UserError("answer_refused")


async def _acknowledged(client: EaselClient, job: Job, fate: Fate, message: MessageRef | None) -> None:
    """What follows from what became of the answer."""
    if fate is Fate.UNKNOWN:
        log.warning("the answer's fate is unknown; the job is left to recovery", job_id=job.id)
    elif fate is not Fate.REFUSED:
        await client.waiting.release(job, message)
    else:
        # A locked thread, AutoMod: nothing may be drawn and posted behind the person's back.
        log.warning("the answer was refused, the job is discarded", job_id=job.id)
        await client.waiting.finish(job.id)
        try:
            await client.services.queue.discard(job.id)
        except redis.exceptions.RedisError as error:
            log.warning("a job could not be discarded", job_id=job.id, error=str(error))


def _queued_notice(client: EaselClient, job: Job, submitted: Submitted) -> Embed | None:
    """`Job queued`, when as many of the person's jobs run as may. The waiting text stands above it, so that the same
    message can become the progress; the first edit takes the notice away."""
    limit = client.services.queue.limits.max_running_per_user
    if not limit or submitted.running < limit:
        return None
    return Embed(*describe(UserError("job_queued"), job.locale), messages.NOTICE_COLOUR)


async def _finish_late(client: EaselClient, job: Job, answer: asyncio.Task[tuple[Fate, MessageRef | None]]) -> None:
    await _acknowledged(client, job, *await answer)
