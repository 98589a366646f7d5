"""`/blend` and `/edit`: pictures that become others. Both write the prompt that a person could have typed."""

from __future__ import annotations

import re
from typing import Any

import discord
from discord import app_commands, ui

from bot.calls import Call, answered
from bot.client import Route
from bot.imagine.prompts import imagine_text
from bot.imagine.uploads import Upload, upload_in, upload_of
from contract.errors import UserError
from contract.locales import english
from contract.prompt import has_flag
from service.texts import picture_links

FEWEST, MOST = 2, 5
"""Pictures of a blend."""
_DIMENSIONS = {"portrait": "--ar 2:3", "square": "--ar 1:1", "landscape": "--ar 3:2"}
_FORM, _FILES, _SHAPE = "Easel::Blend", "images", "dimensions"
_CHOICES = [
    app_commands.Choice(name=app_commands.locale_str(english(f"choice.{value}")), value=value)
    for value in _DIMENSIONS.values()
]


@app_commands.command(description=english("command.blend"))
@app_commands.describe(
    **{f"image{number}": english(f"option.blend.image{number}") for number in range(1, MOST + 1)},
    dimensions=english("option.blend.dimensions"),
)
@app_commands.choices(dimensions=_CHOICES)
@answered(ephemeral=False)
async def blend(
    call: Call,
    image1: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    dimensions: str | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    image5: discord.Attachment | None = None,
) -> None:
    """Make one picture of several. Without any, a form asks for them."""
    given = [image for image in (image1, image2, image3, image4, image5) if image is not None]
    if not given:
        await call.ask(_form(call))
        return
    await _blended(call, [upload_of(image) for image in given], dimensions)


def _form(call: Call) -> ui.Modal:
    form = ui.Modal(title=call.words.say("blend.title"), custom_id=_FORM, timeout=None)
    options = [
        discord.SelectOption(label=call.words.say(f"choice.{value}"), value=value, default=name == "square")
        for name, value in _DIMENSIONS.items()
    ]
    files: ui.Label[Any] = ui.Label(
        text=call.words.say("blend.images"),
        component=ui.FileUpload(custom_id=_FILES, min_values=FEWEST, max_values=MOST),
    )
    shape: ui.Label[Any] = ui.Label(
        text=call.words.say("blend.dimensions"), component=ui.Select(custom_id=_SHAPE, options=options, required=False)
    )
    form.add_item(files)
    form.add_item(shape)
    return form


@answered(ephemeral=False)
async def _sent(call: Call, found: re.Match[str]) -> None:
    uploads = [upload_in(file) for file in call.files(_FILES)]
    await _blended(call, uploads, next(iter(call.choices(_SHAPE)), None))


BLENDED = Route(re.compile(re.escape(_FORM)), _sent)


async def _blended(call: Call, uploads: list[Upload], dimensions: str | None) -> None:
    if not FEWEST <= len(uploads) <= MOST:
        raise UserError("blend_count", fewest=FEWEST, most=MOST)
    shape = dimensions or _DIMENSIONS["square"]
    text = " ".join([*(upload.link for upload in uploads), shape])
    await imagine_text(call, text, command="blend")


@app_commands.command(description=english("command.edit"))
@app_commands.describe(
    instruction=english("option.edit.instruction"),
    **{name: english(f"option.edit.{name}") for name in ("image", "image2", "image3", "image4")},
    link=english("option.edit.link"),
)
@answered(ephemeral=False)
async def edit(
    call: Call,
    instruction: str,
    image: discord.Attachment | None = None,
    image2: discord.Attachment | None = None,
    image3: discord.Attachment | None = None,
    image4: discord.Attachment | None = None,
    link: str | None = None,
) -> None:
    """Change pictures as the words say. The result has the shape of the first upload, unless the words say another."""
    call.typed = f"/edit {instruction}"
    uploads = [upload_of(given) for given in (image, image2, image3, image4) if given is not None]
    links = [*(upload.link for upload in uploads), *(picture_links(link) if link else ())]
    if not links and not has_flag(instruction, "edit"):
        raise UserError("edit_without_picture")
    ratio = uploads[0].ratio(hd=has_flag(instruction, "hd")) if uploads else None
    shape = f" --ar {ratio}" if ratio and not has_flag(instruction, "aspect") else ""
    text = f"{instruction}{shape} --edit {' '.join(links)}" if links else instruction
    await imagine_text(call, text, command="edit")
