"""The one road from a command or press to an accepted job: submit it held, answer, release it.

Submitting comes first, so that what was promised to a person is already safe. When the answer's fate is unknown, the
job stays held, and recovery releases it and finds the answer by the interaction's id: nothing accepted is ever lost.
"""

from __future__ import annotations

import asyncio

import discord
import redis.exceptions
import structlog

from bot.answering import NETWORK_ERRORS, promptly
from bot.client import EaselClient, Interaction
from bot.rendering import embed_of, view_of, with_small_print
from contract import messages
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.plan import plan
from contract.sentences import describe
from exchange.queue import MessageRef, Submitted

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ANSWER_TIMEOUT_S = 10.0


async def submit(interaction: Interaction, job: Job, *, remark: str | None = None) -> None:
    """Accept `job` and answer the interaction with its waiting message. UserError when it is refused.

    `remark` is a line in small print under the first answer.
    """
    client = interaction.client
    with structlog.contextvars.bound_contextvars(job_id=job.id):
        notice = _queued_notice(client, job, await accept(client, job, interaction.id))
        answer = asyncio.create_task(_answer(interaction, job, remark, notice))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                known, message = await asyncio.shield(answer)
        except TimeoutError:
            # The library may wait out a long rate limit; the message it posts in the end is found by the interaction.
            log.warning("the answer is slow; the job is left to recovery")
            client.background(_finish_late(client, job, answer))
            return
        if known:
            await release(client, job, message)
        else:
            log.warning("the answer's fate is unknown; the job is left to recovery")


async def accept(client: EaselClient, job: Job, interaction_id: int | None, limit_s: float | None = None) -> Submitted:
    """Put `job` into the queue, held. UserError when it is refused: over a limit, beyond the model, or no queue.

    `limit_s` is for jobs that no answer waits for.
    """
    services = client.services
    model = services.catalogue.named(job.model)
    numbers = plan(job, model)
    try:
        async with promptly(limit_s):
            submitted = await services.queue.submit(
                job,
                cost=numbers.megapixel_steps,
                model_key=model.name,
                pixels=numbers.width * numbers.height,
                interaction_id=interaction_id,
            )
    except UserError as error:
        if error.kind == "queue_unreachable":
            # The person is told that it failed, so it must not run should the submission have arrived after all.
            client.background(_discard(client, job.id))
        if error.kind == "queue_full" and error.values.get("scope") == "guild":
            raise UserError("guild_queue_full", **error.values) from error
        raise
    log.info("accepted", user_id=str(job.user.id), ahead=submitted.position, duplicate=submitted.duplicate)
    return submitted


async def release(client: EaselClient, job: Job, message: MessageRef | None) -> None:
    """Let an accepted job run, acknowledged by `message`, and keep that message fresh from now on."""
    if message is not None:
        client.waiting.track(job, message)
    try:
        alive = await client.services.queue.release(job.id, message)
    except redis.exceptions.RedisError as error:
        log.warning("could not release the job; recovery will", job_id=job.id, error=str(error))
        return
    if not alive and message is not None:
        await client.waiting.finish(job.id)
        await _delete(client, message)


def _queued_notice(client: EaselClient, job: Job, submitted: Submitted) -> discord.Embed | None:
    """`Job queued`, when as many of the person's jobs run as may. The waiting text stands above it, so that the same
    message can become the progress; the first edit takes the notice away."""
    limit = client.services.queue.limits.max_running_per_user
    if not limit or submitted.running < limit:
        return None
    return embed_of(messages.Embed(*describe(UserError("job_queued"), job.locale), messages.NOTICE_COLOUR))


async def _answer(
    interaction: Interaction, job: Job, remark: str | None, notice: discord.Embed | None
) -> tuple[bool, MessageRef | None]:
    """Post the waiting message. (True, it), (True, None) when there certainly is none, (False, None) when in doubt."""
    channel_id = interaction.channel_id
    if channel_id is None:
        raise UserError("unknown_button")
    rows = [[messages.cancel_button(job.id)]] if interaction.client.services.settings.cancel_button else []
    embeds = [] if notice is None else [notice]
    content = with_small_print(messages.waiting(job), remark)
    try:
        if interaction.response.is_done():
            message = await interaction.edit_original_response(content=content, embeds=embeds, view=view_of(rows))
            return True, MessageRef(channel_id, message.id)
        response = await interaction.response.send_message(content, embeds=embeds, view=view_of(rows))
        if response.message_id is not None:
            return True, MessageRef(channel_id, response.message_id)
    except (discord.HTTPException, discord.InteractionResponded, *NETWORK_ERRORS) as error:
        # A retry inside the library can meet "already acknowledged" or "unknown" although the first try arrived.
        log.warning("the answer was not taken", error=type(error).__name__, code=getattr(error, "code", None))
    try:
        message = await interaction.original_response()
    except discord.NotFound:
        return True, None
    except (discord.HTTPException, discord.ClientException, *NETWORK_ERRORS):
        return False, None
    return True, MessageRef(channel_id, message.id)


async def _finish_late(client: EaselClient, job: Job, answer: asyncio.Task[tuple[bool, MessageRef | None]]) -> None:
    known, message = await answer
    if known:
        await release(client, job, message)


async def _discard(client: EaselClient, job_id: JobId) -> None:
    try:
        await client.services.queue.discard(job_id)
    except redis.exceptions.RedisError as error:
        log.warning("a refused job could not be discarded", job_id=job_id, error=str(error))


async def _delete(client: EaselClient, message: MessageRef) -> None:
    try:
        await client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id).delete()
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        if getattr(error, "code", None) != 10008:
            log.warning("a waiting message could not be deleted", message_id=message.message_id, error=str(error))
