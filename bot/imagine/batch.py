"""Many jobs of one confirmed request, each with a waiting message of its own."""

from __future__ import annotations

from collections.abc import Sequence

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.calls import Call
from bot.client import EaselClient
from bot.rendering import view_of
from bot.waiting.submission import buttons_of, release
from contract import messages
from contract.errors import UserError
from contract.ids import JobId, nonce
from contract.jobs import Job
from contract.messages import NOTICE_COLOUR, Embed
from contract.sentences import describe
from exchange.queue import MessageRef
from service.accepting import accept

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ACCEPT_S = 10.0
"""How long the queue may take for one job of a batch: its question has been answered, so nobody's three seconds run."""


async def start_batch(call: Call, jobs: Sequence[Job]) -> None:
    """Answer the confirmation, then accept and announce one job after the other until all run or a limit says no."""
    await call.update(embed=Embed("Starting", f"Starting {len(jobs)} jobs.", NOTICE_COLOUR))
    for number, job in enumerate(jobs):
        try:
            await accept(call.services, call.asker, job, limit_s=ACCEPT_S)
        except UserError as error:
            title, description = describe(error, job.locale)
            if number:
                description += f"\n\n{number} of {len(jobs)} jobs were started before that."
            await call.update_again(embed=messages.refusal(title, description))
            return
        await release(call.client, job, await _announce(call.client, job))


async def _announce(client: EaselClient, job: Job) -> MessageRef | None:
    """Post a waiting message by channel route; None when Discord does not take it (the result will come anyway)."""
    channel = client.get_partial_messageable(job.destination.channel_id)
    try:
        message = await channel.send(
            messages.waiting(job), view=view_of(buttons_of(client, job)), nonce=nonce(JobId(f"waiting-{job.id}"))
        )
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("a waiting message could not be posted", job_id=job.id, error=str(error))
        return None
    return MessageRef(job.destination.channel_id, message.id)
