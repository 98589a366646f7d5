"""Ending jobs, and what their waiting messages show then."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.calls import Call
from bot.client import EaselClient
from contract import messages
from contract.ids import JobId
from contract.jobs import Job
from exchange.queue import MessageRef
from service.budget import promptly
from service.cancelling import cancel

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def cancel_by_press(call: Call, job_id: JobId) -> None:
    """The Cancel button: the waiting message says `(Stopped)`. UserError when it is not the presser's job, or ended."""
    job = await cancel(call.services, call.asker, job_id)
    await call.client.waiting.finish(job_id)
    await call.update(messages.stopped(job))


async def show_stopped(client: EaselClient, job_ids: Iterable[JobId]) -> None:
    """Let the waiting messages of jobs that were ended say so, as the edits of their channels leave room."""
    for job_id in job_ids:
        await client.waiting.finish(job_id)
        async with promptly():
            job = await client.services.queue.accepted(job_id)
            message = await client.services.queue.waiting_message(job_id)
        if job is not None and message is not None:
            send = partial(_show_stopped, client, job, message)
            client.edits.offer(message.channel_id, ("stopped", job_id), send, urgent=True, moving=False)


async def _show_stopped(client: EaselClient, job: Job, message: MessageRef) -> None:
    target = client.get_partial_messageable(message.channel_id).get_partial_message(message.message_id)
    try:
        await target.edit(content=messages.stopped(job), embed=None, view=None)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a cancelled job's message could not be changed", job_id=job.id, error=str(error))
    finally:
        client.edits.forget(message.channel_id, ("stopped", job.id))
