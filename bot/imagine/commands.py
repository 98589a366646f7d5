"""`/imagine`: words become four pictures; `/surprise`: none do, and four pictures come all the same."""

from __future__ import annotations

from discord import app_commands

from bot.calls import Call, answered
from bot.imagine.prompts import imagine_text
from bot.imagine.wanted import start
from contract.locales import english
from service.profiles import profile_of
from service.wishes import surprise_wish


@app_commands.command(description=english("command.imagine"))
@app_commands.describe(prompt=english("option.imagine.prompt"))
@answered(ephemeral=False)
async def imagine(call: Call, prompt: str) -> None:
    """Create images from words."""
    await imagine_text(call, prompt)


@app_commands.command(description=english("command.surprise"))
@answered(ephemeral=False)
async def surprise(call: Call) -> None:
    """Draw without words."""
    call.typed = "/surprise"
    call.check_channel()
    await start(call, surprise_wish(call.asker, await profile_of(call.services, call.asker), call.services.catalogue))
