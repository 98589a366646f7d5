"""Presses under texts: a text is edited and imagined, all are, or the same is asked once more."""

from __future__ import annotations

from typing import Any

import discord

from bot import limits
from bot.calls import Call
from bot.imagine.wanted import start
from bot.waiting.submission import submit
from contract.actions import Action, ButtonId, custom_id, form_id
from contract.errors import UserError
from service.profiles import profile_of
from service.texts import all_of, described_again, detailed, texts_of


async def pressed_under_texts(call: Call, button: ButtonId) -> None:
    """What a button does whose message is all that is known. UserError when the message has no such text."""
    call.check_channel()
    catalogue, profile = call.services.catalogue, await profile_of(call.services, call.asker)
    match button.action:
        case Action.DESCRIBE_AGAIN:
            await submit(call, described_again(call.posted, call.asker, profile, catalogue))
        case Action.DETAILS:
            await submit(call, detailed(call.posted, call.asker, profile, catalogue))
        case Action.ALL_DESCRIBED:
            await start(call, all_of(call.posted, call.asker, profile, catalogue))
        case _:
            await _edited(call, button)
            return  # nothing is made of it yet
    call.client.colours.mark(call.message, [custom_id(button.action, button.index, None)])


async def _edited(call: Call, button: ButtonId) -> None:
    """A form with one of the texts, to be changed before it is imagined. `bot.results.remix` hears what is sent."""
    texts, form, posted = texts_of(call.posted), button.action.value.form, call.posted
    if button.index is None or button.index >= len(texts) or form is None or posted is None:
        raise UserError("unknown_button")
    asked = discord.ui.Modal(
        title=call.words.say("texts.title"),
        custom_id=form_id(form, button, posted.message_id, strong=False),
        timeout=None,
    )
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        label=call.words.say("remix.prompt"),
        custom_id=form.field,
        style=discord.TextStyle.paragraph,
        default=texts[button.index][: limits.FIELD],
        max_length=limits.FIELD,
    )
    asked.add_item(field)
    await call.ask(asked)
