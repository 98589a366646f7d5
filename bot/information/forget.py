"""`/forget`: a person has all deleted that is kept about them."""

from __future__ import annotations

import re

from discord import app_commands

from bot.calls import Call, answered
from bot.client import Route
from contract.actions import Button, ButtonStyle
from contract.errors import UserError
from contract.locales import english
from contract.messages import NOTICE_COLOUR, Embed
from service.forgetting import forget_person
from service.policy import who


@app_commands.command(description=english("command.forget"))
@answered()
async def forget(call: Call) -> None:
    """Asks first: what is gone cannot be brought back."""
    words = call.words
    yes = Button(f"Easel::Forget::{call.asker.user.id}", words.say("forget.yes"), style=ButtonStyle.DANGER)
    await call.say(embed=Embed(words.say("forget.title"), words.say("forget.question"), NOTICE_COLOUR), rows=[[yes]])


@answered()
async def _confirmed(call: Call, found: re.Match[str]) -> None:
    if found["user"] != str(call.asker.user.id):
        raise UserError("request_expired")
    words = call.words
    await call.update(embed=Embed(words.say("forget.title"), words.say("forget.started"), NOTICE_COLOUR))
    call.services.background.start(_forget(call))


async def _forget(call: Call) -> None:
    words = call.words
    try:
        forgotten = await forget_person(call.services, who(call.asker), call.asker)
    except UserError as error:
        await call.refuse(error)
        return
    said = words.say("forget.done", jobs=forgotten.jobs)
    await call.update_again(embed=Embed(words.say("forget.title"), said, NOTICE_COLOUR))


FORGET = Route(re.compile(r"Easel::Forget::(?P<user>\d{1,20})"), _confirmed)
