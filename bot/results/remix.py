"""Forms. None is kept in memory: what a form is about stands in its custom_id, so it may be sent after a restart."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot.answering import answering
from bot.client import Interaction
from bot.permissions import check_channel
from bot.profiles import profile_of
from bot.results.follow_ups import job_behind, model_remark, next_job
from bot.rules import enforce
from bot.waiting.submission import submit
from contract.actions import Action, ButtonId, ButtonStyle, custom_id
from contract.ids import JobId
from contract.jobs import Job, Strength
from contract.prompt import Prompt, parse

REMIX = re.compile(
    r"MJ::RemixModal::(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})::(?P<index>[0-4])::(?P<strength>[01])"
)
NEW_PROMPT = "MJ::RemixModal::new_prompt"
"""Midjourney's ids, because clients send this form unseen. Index 0 is a re-roll; strength 1 is strong."""

_PROMPT_LIMIT = 4000
"""Characters in a text field of a form (Discord)."""


async def open_remix(interaction: Interaction, button: ButtonId, job: Job, strength: Strength) -> None:
    """Ask for other words before a variation or re-roll, with the present ones filled in."""
    strong = {Action.VARY_SUBTLE: False, Action.VARY_STRONG: True}.get(button.action, strength is Strength.STRONG)
    number = 0 if button.index is None else button.index + 1
    modal = discord.ui.Modal(
        title="Remix Prompt", custom_id=f"MJ::RemixModal::{button.job}::{number}::{int(strong)}", timeout=None
    )
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="New prompt",
        custom_id=NEW_PROMPT,
        style=discord.TextStyle.paragraph,
        default=job.prompt.echo[:_PROMPT_LIMIT],
        max_length=_PROMPT_LIMIT,
        required=False,
    )
    modal.add_item(field)
    modal.stop()  # so that discord.py does not keep it: `remixed` finds the answer by its custom_id
    await interaction.response.send_modal(modal)


async def remixed(interaction: Interaction, found: re.Match[str]) -> None:
    """The form of a remix that was sent."""
    text = _field(interaction, NEW_PROMPT)
    async with answering(interaction, f"/imagine {text}"), interaction.client.turns:
        await _remix(interaction, found, text)


async def _remix(interaction: Interaction, found: re.Match[str], text: str) -> None:
    check_channel(interaction)
    profile = await profile_of(interaction)
    job = await job_behind(interaction, JobId(found["job"]), interaction.message)
    number = int(found["index"])
    action = Action.VARY_STRONG if found["strength"] == "1" else Action.VARY_SUBTLE
    button = ButtonId(Action.REROLL, None, job.id) if number == 0 else ButtonId(action, number - 1, job.id)
    prompt: Prompt = parse(text, profile.context("remix")).prompts[0]
    remixed = next_job(interaction, button, job, profile, prompt)
    await enforce(interaction, profile.rules, [remixed])
    await submit(interaction, remixed, remark=await model_remark(interaction.client, remixed, job))
    _show_pressed(interaction, button)


def _show_pressed(interaction: Interaction, button: ButtonId) -> None:
    """Midjourney shows a re-roll in blue and a remixed variation in green. The form does not say whether V or Vary
    opened it: the message has only one of them."""
    if button.action is Action.REROLL:
        interaction.client.colours.mark(interaction.message, [custom_id(Action.REROLL, None, button.job)])
        return
    ids = [custom_id(action, button.index, button.job) for action in (Action.VARIATION, button.action)]
    interaction.client.colours.mark(interaction.message, ids, ButtonStyle.SUCCESS)


def _field(interaction: Interaction, custom_id: str) -> str:
    """The text of one field of a form, old style (rows) or new (labels); empty when it is not there."""
    data: dict[str, Any] = dict(interaction.data or {})
    for row in data.get("components", ()):
        for component in row.get("components") or [row.get("component") or {}]:
            if component.get("custom_id") == custom_id:
                return str(component.get("value", ""))
    return ""
