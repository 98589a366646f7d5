"""The forms of remix. None is kept in memory: what one is about stands in its custom_id, so it may be sent after a
restart, by the person who opened it and about the message under which they did. Their ids stand in `contract.actions`.
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
from contract.actions import FORM_ID, ButtonId, ButtonStyle, custom_id, form_id, read_form_id
from contract.errors import UserError
from contract.jobs import Job, Strength
from contract.prompt import Context, without
from service.follow_ups import job_behind, model_remark, remixed
from service.forms import check_form, open_form
from service.profiles import profile_of


async def open_remix(call: Call, button: ButtonId, job: Job, strength: Strength) -> None:
    """Ask for other words before a variation or re-roll, with the present ones filled in."""
    posted, row = call.posted, button.action.value.form
    if posted is None or row is None:
        raise UserError("unknown_button")
    await open_form(call.services, call.asker, _name(button), posted)
    id = form_id(row, button, posted.message_id, strong=strength is Strength.STRONG)
    # What made several jobs then would make as many of this picture again: whoever wants that can type it.
    once = without(job.prompt.echo, "repeat", Context(versions=call.services.catalogue.versions)) or job.prompt.echo
    form = discord.ui.Modal(title=call.words.say("remix.title"), custom_id=id, timeout=None)
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=call.words.say("remix.prompt"),
        custom_id=row.field,
        style=discord.TextStyle.paragraph,
        default=once[: limits.FIELD],
        max_length=limits.FIELD,
        required=False,
    )
    form.add_item(field)
    await call.ask(form)


@answered(ephemeral=False)
async def _sent(call: Call, found: re.Match[str]) -> None:
    """The form that a button opened: `read_form_id` says which it may have been."""
    forms = read_form_id(found[0])
    if call.message is None or any(form.message_id not in (None, call.message.id) for form in forms):
        raise UserError("form_not_yours")
    message = call.message
    buttons = [ButtonId(form.action, form.index, form.job or button_under(message).job) for form in forms]
    form = buttons[-1].action.value.form
    assert form is not None, "it was read from one"
    await _remix(call, buttons[-1], call.field(form.field))
    # Midjourney shows a re-roll in blue and what is about one picture in green. Of the buttons that open the same form
    # a message has only one.
    style = ButtonStyle.PRIMARY if buttons[-1].index is None else ButtonStyle.SUCCESS
    call.client.colours.mark(message, [custom_id(one.action, one.index, one.job) for one in buttons], style)


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


REMIXED = Route(FORM_ID, _sent)
