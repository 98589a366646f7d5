"""Ending jobs, at any stage, for their owners and for those who manage the channel."""

from __future__ import annotations

import discord
import structlog

from bot.answering import NETWORK_ERRORS, promptly
from bot.client import EaselClient, Interaction
from contract import messages
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import CancelOutcome, MessageRef

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def cancel_by_press(interaction: Interaction, job_id: JobId) -> None:
    """The Cancel button: the waiting message says `(Stopped)`. UserError when it is not the presser's job, or ended."""
    job = await cancel(interaction.client, job_id, by=interaction.user.id, operator=may_moderate(interaction))
    await interaction.response.edit_message(content=messages.stopped(job), view=None)


async def cancel(client: EaselClient, job_id: JobId, *, by: int, operator: bool) -> Job:
    """End a job; its waiting message is edited no more. UserError `not_your_job` or `not_running`."""
    queue = client.services.queue
    async with promptly():
        job = await queue.accepted(job_id)
        outcome = await queue.cancel(job_id, by=by, operator=operator) if job is not None else CancelOutcome.UNKNOWN
    if outcome is CancelOutcome.NOT_YOURS:
        raise UserError("not_your_job")
    if job is None or outcome in (CancelOutcome.ENDED, CancelOutcome.UNKNOWN):
        raise UserError("not_running")
    log.info("cancelled", job_id=job_id, by=str(by), outcome=outcome.value)
    await client.waiting.finish(job_id)
    return job


async def cancel_and_show(client: EaselClient, job_id: JobId, *, by: int, operator: bool) -> Job:
    """`cancel`, for commands and reactions: the waiting message, if there is one, is changed by the channel's route."""
    job = await cancel(client, job_id, by=by, operator=operator)
    message = await client.services.queue.waiting_message(job_id)
    if message is not None:
        await _show_stopped(client, job, message)
    return job


def may_moderate(interaction: Interaction) -> bool:
    """Whether the person may end other people's jobs here: those who may delete their messages."""
    return interaction.guild_id is not None and interaction.permissions.manage_messages


async def _show_stopped(client: EaselClient, job: Job, message: MessageRef) -> None:
    target = client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id)
    try:
        await target.edit(content=messages.stopped(job), view=None)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a cancelled job's message could not be changed", job_id=job.id, error=str(error))
