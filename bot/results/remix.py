"""The forms of remix. None is kept in memory: what one is about stands in its custom_id, so it may be sent after a
restart, by the person who opened it and about the message under which they did. Their ids stand in `contract.actions`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import discord

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from bot.imagine.prompts import imagine_text
from bot.imagine.wanted import start
from bot.results.posted import button_under
from bot.results.region import chosen_region, region_fields
from contract.actions import FORM_ID, Action, ButtonId, ButtonStyle, custom_id, form_id, read_form_id
from contract.errors import UserError
from contract.jobs import Chosen, Job, Strength
from contract.prompt import Context, without
from service.follow_ups import Posted, job_behind, model_remarks, remixed
from service.forms import open_form, opened_form
from service.profiles import profile_of


async def open_remix(call: Call, button: ButtonId, job: Job, strength: Strength) -> None:
    """Ask for other words before the next job is made, with the present ones filled in."""
    posted, row = call.posted, button.action.value.form
    if posted is None or row is None:
        raise UserError("unknown_button")
    await open_form(call.services, call.asker, _name(button), button.action.name, posted)
    id = form_id(row, button, posted.message_id, strong=strength is Strength.STRONG)
    # What made several jobs then would make as many of this picture again: whoever wants that can type it.
    once = without(job.prompt.echo, "repeat", Context(versions=call.services.catalogue.versions)) or job.prompt.echo
    form = discord.ui.Modal(title=call.words.say(row.title), custom_id=id, timeout=None)
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=call.words.say("remix.prompt"),
        custom_id=row.field,
        style=discord.TextStyle.paragraph,
        default=(once + row.added)[: limits.FIELD],
        max_length=limits.FIELD,
        required=False,
    )
    if row.asks_where:
        for part in region_fields(call.words):
            form.add_item(part)
    form.add_item(field)
    await call.ask(form)


@answered(ephemeral=False)
async def _sent(call: Call, found: re.Match[str]) -> None:
    """The form that a button opened: its id says which it may have been, and what was remembered then which it was."""
    forms = read_form_id(found[0])
    if call.message is None or any(form.message_id not in (None, call.message.id) for form in forms):
        raise UserError("form_not_yours")
    message = call.message
    said = forms[-1]
    form = said.action.value.form
    assert form is not None, "it was read from one"
    text = call.field(form.field)
    call.typed = f"/imagine {text}"
    call.check_channel()
    of = said.job or button_under(message).job
    if of is None:  # a text of this message was edited: it is a prompt like any other
        await imagine_text(call, text)
        return
    likely = ButtonId(said.action, said.index, of)
    posted, by = await opened_form(call.services, call.asker, _name(likely), call.posted)
    opened = Action.__members__.get(by, said.action)
    # A V leaves the strength to its form. Everything else is what was opened, whatever the client sends.
    leaves_it = opened.value.makes == said.action.value.makes and not opened.value.argument
    button = likely if leaves_it or opened.value.form is None else replace(likely, action=opened)
    await _remix(call, button, posted, text, chosen_region(call) if form.asks_where else None)
    # Midjourney shows a re-roll in blue and what is about one picture in green.
    style = ButtonStyle.PRIMARY if button.index is None else ButtonStyle.SUCCESS
    call.client.colours.mark(message, [custom_id(opened, likely.index, likely.job)], style)


async def _remix(call: Call, button: ButtonId, posted: Posted, text: str, region: Chosen | None) -> None:
    services, asker = call.services, call.asker
    profile = await profile_of(services, asker)
    job = await job_behind(services, asker, button.job_id, posted, button)
    wanted = remixed(services, asker, button, job, profile, posted, text, region)
    await start(call, wanted, remarks=await model_remarks(services, wanted.jobs[0], job))


def _name(button: ButtonId) -> str:
    """What the form of a button is remembered by: not by the button, as clients send one form for several."""
    return f"remix:{button.job}:{'all' if button.index is None else button.index}"


REMIXED = Route(FORM_ID, _sent)
