"""Many jobs of one confirmed request, each with a waiting message of its own."""

from __future__ import annotations

from collections.abc import Sequence

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.client import EaselClient, Interaction
from bot.rendering import embed_of, view_of
from bot.waiting.submission import accept, release
from contract import messages
from contract.errors import UserError
from contract.ids import JobId, nonce
from contract.jobs import Job
from contract.messages import NOTICE_COLOUR, Embed
from contract.sentences import describe
from exchange.queue import MessageRef

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ACCEPT_S = 10.0
"""How long the queue may take for one job of a batch: its question has been answered, so nobody's three seconds run."""


async def start_batch(interaction: Interaction, jobs: Sequence[Job]) -> None:
    """Answer the confirmation, then accept and announce one job after the other until all run or a limit says no."""
    starting = Embed("Starting", f"Starting {len(jobs)} jobs.", NOTICE_COLOUR)
    await interaction.response.edit_message(embed=embed_of(starting), view=None)
    client = interaction.client
    for number, job in enumerate(jobs):
        try:
            await accept(client, job, None, ACCEPT_S)
        except UserError as error:
            title, description = describe(error, job.locale)
            if number:
                description += f"\n\n{number} of {len(jobs)} jobs were started before that."
            refused = messages.refusal(title, description)
            await interaction.edit_original_response(embed=embed_of(refused))
            return
        await release(client, job, await _announce(client, job))


async def _announce(client: EaselClient, job: Job) -> MessageRef | None:
    """Post a waiting message by channel route; None when Discord does not take it (the result will come anyway)."""
    rows = [[messages.cancel_button(job.id)]] if client.services.settings.cancel_button else []
    channel = client.get_partial_messageable(job.destination.channel_id)
    try:
        message = await channel.send(messages.waiting(job), view=view_of(rows), nonce=nonce(JobId(f"waiting-{job.id}")))
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("a waiting message could not be posted", job_id=job.id, error=str(error))
        return None
    return MessageRef(job.destination.channel_id, message.id)
