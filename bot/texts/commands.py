"""`/describe`: what a picture shows; `/shorten`: what the words of a prompt do."""

from __future__ import annotations

import discord
from discord import app_commands

from bot.calls import Call, answered
from bot.imagine.prompts import shorten_text
from bot.waiting.submission import submit
from contract.errors import UserError
from contract.locales import english
from service.profiles import profile_of
from service.texts import described, picture_link, upload_link


@app_commands.command(description=english("command.describe"))
@app_commands.describe(image=english("option.describe.image"), link=english("option.describe.link"))
@answered(ephemeral=False)
async def describe(call: Call, image: discord.Attachment | None = None, link: str | None = None) -> None:
    """Four prompts for a picture: an upload, or one that a link leads to."""
    call.typed = f"/describe {link or ''}".strip()
    call.check_channel()
    if image is not None:
        picture = upload_link(image.url, image.filename, image.content_type)
    elif link is not None:
        picture = picture_link(link)
    else:
        raise UserError("no_picture_given")
    profile = await profile_of(call.services, call.asker)
    await submit(call, described(picture, call.asker, profile, call.services.catalogue))


@app_commands.command(description=english("command.shorten"))
@app_commands.describe(prompt=english("option.shorten.prompt"))
@answered(ephemeral=False)
async def shorten(call: Call, prompt: str) -> None:
    """The words of a prompt weighed, and shorter prompts."""
    await shorten_text(call, prompt)
