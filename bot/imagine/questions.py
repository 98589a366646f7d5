"""Requests that await a word from their owner: many jobs at once, or a corrected prompt. Records with a lifetime.

The buttons hold a short token, never a prompt, so they fit and survive a restart; the record lives in Redis.
"""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot.answering import promptly
from bot.client import Interaction
from bot.rendering import embed_of, view_of
from contract.actions import Button, ButtonStyle
from contract.codec import job_document
from contract.jobs import Job
from contract.messages import NOTICE_COLOUR, Embed
from contract.plan import plan
from contract.prompt import Submission

SHOWN_EXPANSIONS = 5
_SHOWN_LENGTH = 150


async def corrected_button(interaction: Interaction, prompt: str) -> Button:
    """A button under a refusal that runs `prompt` instead."""
    request = {"kind": "prompt", "prompt": prompt}
    async with promptly():
        token = await interaction.client.services.preferences.put_pending(request, owner=interaction.user.id)
    return Button(f"Easel::Pending::run::{token}", "Run corrected prompt", style=ButtonStyle.SUCCESS)


async def ask_first(interaction: Interaction, submission: Submission, jobs: Sequence[Job]) -> None:
    """Show what a prompt that makes several jobs would make and cost, with Confirm and Cancel."""
    services = interaction.client.services
    request = {"kind": "jobs", "jobs": [job_document(job) for job in jobs]}
    async with promptly():
        token = await services.preferences.put_pending(request, owner=interaction.user.id)
    cost = sum(plan(job, services.catalogue.named(job.model)).megapixel_steps for job in jobs)
    pictures = sum(job.image_count for job in jobs)
    shown = [f"- {_cut(text)}" for text in submission.expansions[:SHOWN_EXPANSIONS]]
    if len(submission.expansions) > SHOWN_EXPANSIONS:
        shown.append(f"- … and {len(submission.expansions) - SHOWN_EXPANSIONS} more")
    lines = [f"This makes **{len(jobs)} jobs**, {pictures} pictures, at a cost of {cost:.3g} megapixel-steps.", *shown]
    embed = Embed("Are you sure?", "\n".join(lines), NOTICE_COLOUR)
    rows = [
        [
            Button(f"Easel::Pending::confirm::{token}", f"Yes, run {len(jobs)} jobs", style=ButtonStyle.SUCCESS),
            Button(f"Easel::Pending::dismiss::{token}", "No", style=ButtonStyle.SECONDARY),
        ]
    ]
    await interaction.response.send_message(embed=embed_of(embed), view=view_of(rows))


def _cut(text: str) -> str:
    plain = discord.utils.escape_markdown(text)
    return plain if len(plain) <= _SHOWN_LENGTH else plain[: _SHOWN_LENGTH - 1] + "…"
