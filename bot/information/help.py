"""`/help`: a page for each thing that people ask about, with a picture of what comes out."""

from __future__ import annotations

import io
import re
from importlib.resources import files

import discord
from discord import app_commands

from bot.calls import Call, answered
from bot.client import Route
from bot.rendering import menu_view
from contract.actions import Menu
from contract.errors import UserError
from contract.legend import LEGEND
from contract.locales import Book, english
from contract.messages import NOTICE_COLOUR, Embed

TOPICS = ("start", "buttons", "choose", "pictures", "map", "words", "habits")
"""The pages, the first one first; `help.TOPIC` and `help.TOPIC.title` are their words, `pages/TOPIC.webp` the pictures
of those that have one (`python -m benchmarks.words --pages`, `python -m benchmarks.pictures --pages`)."""

EXAMPLES = (
    "a blue butterfly, watercolor",
    "a yellow star on a blue background --ar 3:2",
    "a cat --chaos 40 --seed 7",
    "a {red, green, blue} balloon",
)
"""Prompts that run as they stand: a test reads them."""

_SELECTOR = "Easel::Help"


@app_commands.command(description=english("command.help"))
@answered()
async def help(call: Call) -> None:
    """The first page, and a menu for the others."""
    embed, picture = _page(call.words, TOPICS[0])
    await call.say(embed=embed, view=menu_view(_menu(call.words)), files=picture)


@answered()
async def _turned(call: Call, found: re.Match[str]) -> None:
    """Another page was chosen."""
    number = next(iter(call.chosen), "")
    if not number.isdecimal() or not 0 < int(number) <= len(TOPICS):
        raise UserError("unknown_button")
    embed, picture = _page(call.words, TOPICS[int(number) - 1])
    await call.update(embed=embed, view=menu_view(_menu(call.words)), files=picture)


HELP = Route(re.compile(_SELECTOR), _turned)


def _menu(words: Book) -> Menu:
    return Menu(_SELECTOR, words.say("help.menu"), tuple(words.say(f"help.{topic}.title") for topic in TOPICS))


def _page(words: Book, topic: str) -> tuple[Embed, list[discord.File]]:
    examples = "\n".join(f"`{words.command('imagine')} {example}`" for example in EXAMPLES)
    names = {entry.code: words.say(f"legend.{entry.name}") for entry in LEGEND}
    legend = ", ".join(f"{name} `{code}`" for code, name in names.items())
    text = words.say(f"help.{topic}", **{"start": {"examples": examples}, "map": {"legend": legend}}.get(topic, {}))
    picture = files(__package__) / "pages" / f"{topic}.webp"
    shown = picture.is_file()
    image = f"attachment://{topic}.webp" if shown else None
    embed = Embed(words.say(f"help.{topic}.title"), text, NOTICE_COLOUR, image=image)
    return embed, [discord.File(io.BytesIO(picture.read_bytes()), f"{topic}.webp")] if shown else []
