"""The remix form. It is not kept in memory: what it is about stands in its custom_id, so it works after a restart."""

from __future__ import annotations

import re
from typing import Any

import discord

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from bot.waiting.submission import submit
from contract.actions import Action, ButtonId, ButtonStyle, custom_id
from contract.ids import JobId
from contract.jobs import Job, Strength
from contract.prompt import parse
from service.follow_ups import follow_up, job_behind, model_remark
from service.profiles import profile_of

NEW_PROMPT = "MJ::RemixModal::new_prompt"


async def open_remix(call: Call, button: ButtonId, job: Job, strength: Strength) -> None:
    """Ask for other words before a variation or re-roll, with the present ones filled in."""
    strong = {Action.VARY_SUBTLE: False, Action.VARY_STRONG: True}.get(button.action, strength is Strength.STRONG)
    number = 0 if button.index is None else button.index + 1
    form = discord.ui.Modal(
        title="Remix Prompt", custom_id=f"MJ::RemixModal::{button.job}::{number}::{int(strong)}", timeout=None
    )
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label="New prompt",
        custom_id=NEW_PROMPT,
        style=discord.TextStyle.paragraph,
        default=job.prompt.echo[: limits.FIELD],
        max_length=limits.FIELD,
        required=False,
    )
    form.add_item(field)
    await call.ask(form)


@answered(ephemeral=False)
async def _sent(call: Call, found: re.Match[str]) -> None:
    text = call.field(NEW_PROMPT)
    call.typed = f"/imagine {text}"
    call.check_channel()
    services, asker = call.services, call.asker
    profile = await profile_of(services, asker)
    job = await job_behind(services, asker, JobId(found["job"]), call.posted)
    number = int(found["index"])
    action = Action.VARY_STRONG if found["strength"] == "1" else Action.VARY_SUBTLE
    button = ButtonId(Action.REROLL, None, job.id) if number == 0 else ButtonId(action, number - 1, job.id)
    prompt = parse(text, profile.context("remix")).prompts[0]
    made = follow_up(services, asker, button, job, profile, call.posted, prompt)
    await submit(call, made, remark=await model_remark(services, made, job))
    _show_pressed(call, button)


def _show_pressed(call: Call, button: ButtonId) -> None:
    """Midjourney shows a re-roll in blue and a remixed variation in green. The form does not say whether V or Vary
    opened it: the message has only one of them."""
    if button.action is Action.REROLL:
        call.client.colours.mark(call.message, [custom_id(Action.REROLL, None, button.job)])
        return
    ids = [custom_id(action, button.index, button.job) for action in (Action.VARIATION, button.action)]
    call.client.colours.mark(call.message, ids, ButtonStyle.SUCCESS)


REMIX = Route(
    re.compile(
        r"MJ::RemixModal::(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
        r"::(?P<index>[0-4])::(?P<strength>[01])"
    ),
    _sent,
)
"""Midjourney's ids, because clients send this form unseen. Index 0 is a re-roll; strength 1 is strong."""
