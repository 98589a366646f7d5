"""`/imagine`: words become four pictures, with `/sheet` many small ones, with `/styles` one in many styles.
`/surprise`: no words do, and four pictures come all the same.
"""

from __future__ import annotations

import discord
from discord import app_commands

from bot.calls import Call, answered, suggested
from bot.imagine.prompts import imagine_text
from bot.imagine.uploads import upload_of
from bot.imagine.wanted import start
from contract.locales import english
from service.profiles import profile_of
from service.wishes import surprise_wish

_MAPS = [
    app_commands.Choice(name=app_commands.locale_str(english(f"choice.{kind}")), value=kind)
    for kind in ("areas", "edges", "depth")
]


@app_commands.command(description=english("command.imagine"))
@app_commands.describe(
    **{
        name: english(f"option.imagine.{name}")
        for name in ("prompt", "image", "map", "map_shows", "map_weight", "lora")
    }
)
@app_commands.choices(map_shows=_MAPS)
@answered(ephemeral=False)
async def imagine(
    call: Call,
    prompt: str,
    image: discord.Attachment | None = None,
    map: discord.Attachment | None = None,
    map_shows: str | None = None,
    map_weight: app_commands.Range[int, 0, 100] | None = None,
    lora: str | None = None,
) -> None:
    """Create images from words. The other options say what links and flags say too."""
    call.typed = f"/imagine {prompt}"
    words = [] if image is None else [upload_of(image).link]
    words += [prompt, *(f"--lora {word}" for word in (lora or "").split())]
    if map is not None:
        words += ["--map", upload_of(map).link]
        words += [] if map_shows is None else ["--mt", map_shows]
        words += [] if map_weight is None else ["--mw", str(map_weight)]
    await imagine_text(call, " ".join(words))


@imagine.autocomplete("lora")
@suggested
async def _loras(call: Call, current: str) -> list[tuple[str, str]]:
    """The last word completed; those before it stay."""
    before, _, begun = current.rpartition(" ")
    found = [(name, model.title) for model in call.services.catalogue for name in model.loras]
    return [
        (f"{before} {name} ({title})".strip(), f"{before} {name}".strip())
        for name, title in found
        if begun.lower() in name.lower()
    ]


@app_commands.command(description=english("command.sheet"))
@app_commands.describe(prompt=english("option.sheet.prompt"))
@answered(ephemeral=False)
async def sheet(call: Call, prompt: str) -> None:
    """Many small pictures of words, to choose one."""
    await imagine_text(call, prompt, "sheet")


@app_commands.command(description=english("command.styles"))
@app_commands.describe(prompt=english("option.styles.prompt"))
@answered(ephemeral=False)
async def styles(call: Call, prompt: str) -> None:
    """The same picture in nine styles, to choose one."""
    await imagine_text(call, prompt, "styles")


@app_commands.command(description=english("command.surprise"))
@answered(ephemeral=False)
async def surprise(call: Call) -> None:
    """Draw without words."""
    call.typed = "/surprise"
    call.check_channel()
    await start(call, surprise_wish(call.asker, await profile_of(call.services, call.asker), call.services.catalogue))
