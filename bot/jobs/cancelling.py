"""Ending jobs, and what their waiting messages show then."""

from __future__ import annotations

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.calls import Call
from bot.client import EaselClient
from contract import messages
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import MessageRef
from service.asker import Asker
from service.cancelling import cancel

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def cancel_by_press(call: Call, job_id: JobId) -> None:
    """The Cancel button: the waiting message says `(Stopped)`. UserError when it is not the presser's job, or ended."""
    job = await cancel(call.services, call.asker, job_id)
    await call.client.waiting.finish(job_id)
    await call.update(messages.stopped(job))


async def cancel_and_show(client: EaselClient, asker: Asker, job_id: JobId) -> Job:
    """End a job, for commands and reactions: the waiting message, if there is one, is changed by the channel's route.

    UserError as `service.cancelling.cancel`.
    """
    job = await cancel(client.services, asker, job_id)
    await client.waiting.finish(job_id)
    message = await client.services.queue.waiting_message(job_id)
    if message is not None:
        await _show_stopped(client, job, message)
    return job


async def _show_stopped(client: EaselClient, job: Job, message: MessageRef) -> None:
    target = client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id)
    try:
        await target.edit(content=messages.stopped(job), view=None)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a cancelled job's message could not be changed", job_id=job.id, error=str(error))
