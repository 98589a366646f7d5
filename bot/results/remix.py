"""The forms of remix. None is kept in memory: what one is about stands in its custom_id, so it may be sent after a
restart, by the person who opened it and about the message under which they did.

Their ids are Midjourney's, because clients send these forms unseen.
"""

from __future__ import annotations

import re
from typing import Any

import discord

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from bot.imagine.wanted import start
from bot.results.posted import button_under
from contract.actions import Action, ButtonId, ButtonStyle, custom_id
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job, Strength
from service.follow_ups import job_behind, model_remark, remixed
from service.forms import check_form, open_form
from service.profiles import profile_of

VARIATION_PROMPT = "MJ::RemixModal::new_prompt"
REROLL_PROMPT = "MJ::ImagineModal::new_prompt"


async def open_remix(call: Call, button: ButtonId, job: Job, strength: Strength) -> None:
    """Ask for other words before a variation or re-roll, with the present ones filled in."""
    posted = call.posted
    if posted is None:
        raise UserError("unknown_button")
    if button.index is None:
        form_id, field_id = f"MJ::ImagineModal::{posted.message_id}", REROLL_PROMPT
    else:
        strong = {Action.VARY_SUBTLE: False, Action.VARY_STRONG: True}.get(button.action, strength is Strength.STRONG)
        form_id, field_id = f"MJ::RemixModal::{button.job}::{button.index + 1}::{int(strong)}", VARIATION_PROMPT
    await open_form(call.services, call.asker, _name(button), posted)
    form = discord.ui.Modal(title=call.words.say("remix.title"), custom_id=form_id, timeout=None)
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=call.words.say("remix.prompt"),
        custom_id=field_id,
        style=discord.TextStyle.paragraph,
        default=job.prompt.echo[: limits.FIELD],
        max_length=limits.FIELD,
        required=False,
    )
    form.add_item(field)
    await call.ask(form)


@answered(ephemeral=False)
async def _variation_sent(call: Call, found: re.Match[str]) -> None:
    """Strength 1 is strong."""
    action = Action.VARY_STRONG if found["strength"] == "1" else Action.VARY_SUBTLE
    button = ButtonId(action, int(found["number"]) - 1, JobId(found["job"]))
    await _remix(call, button, call.field(VARIATION_PROMPT))
    # The form does not say whether V or Vary opened it: the message has only one of them.
    _show_pressed(call, [custom_id(one, button.index, button.job) for one in (Action.VARIATION, action)], green=True)


@answered(ephemeral=False)
async def _reroll_sent(call: Call, found: re.Match[str]) -> None:
    if call.message is None or str(call.message.id) != found["message"]:
        raise UserError("form_not_yours")
    button = ButtonId(Action.REROLL, None, button_under(call.message).job)
    await _remix(call, button, call.field(REROLL_PROMPT))
    _show_pressed(call, [custom_id(Action.REROLL, None, button.job)])


async def _remix(call: Call, button: ButtonId, text: str) -> None:
    call.typed = f"/imagine {text}"
    call.check_channel()
    services, asker = call.services, call.asker
    posted = await check_form(services, asker, _name(button), call.posted)
    profile = await profile_of(services, asker)
    job = await job_behind(services, asker, button.job, posted)
    wanted = remixed(services, asker, button, job, profile, posted, text)
    await start(call, wanted, remark=await model_remark(services, wanted.jobs[0], job))


def _name(button: ButtonId) -> str:
    """What the form of a button is remembered by. Clients send a form as strong whatever it was opened as."""
    return f"remix:{button.job}:{'all' if button.index is None else button.index}"


def _show_pressed(call: Call, custom_ids: list[str], *, green: bool = False) -> None:
    """Midjourney shows a re-roll in blue and a remixed variation in green."""
    call.client.colours.mark(call.message, custom_ids, ButtonStyle.SUCCESS if green else ButtonStyle.PRIMARY)


REMIXED_VARIATION = Route(
    re.compile(
        r"MJ::RemixModal::(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})"
        r"::(?P<number>[1-4])::(?P<strength>[01])"
    ),
    _variation_sent,
)
REMIXED_REROLL = Route(re.compile(r"MJ::ImagineModal::(?P<message>\d{1,20})"), _reroll_sent)
