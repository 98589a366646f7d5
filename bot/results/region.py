"""Which part of a picture, chosen inside Discord: cells of five rows of five, or a copy of the picture painted over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import discord
from discord import ui

from bot.calls import Call
from bot.imagine.uploads import upload_in
from contract.jobs import Chosen, Strength
from contract.layout import CELLS
from contract.locales import Book

_CELLS, _COPY, _HOW = "cells", "mask", "how"
_NAMES = [f"{row}{column}" for row in "ABCDE"[:CELLS] for column in range(1, CELLS + 1)]


def region_fields(words: Book) -> Iterator[ui.Label[Any]]:
    """The fields of a form that ask for it."""
    options = [discord.SelectOption(label=name, value=str(number)) for number, name in enumerate(_NAMES)]
    yield ui.Label(
        text=words.say("region.cells"),
        description=words.say("region.cells.help"),
        component=ui.Select(custom_id=_CELLS, min_values=0, max_values=len(options), required=False, options=options),
    )
    yield ui.Label(
        text=words.say("region.copy"),
        description=words.say("region.copy.help"),
        component=ui.FileUpload(custom_id=_COPY, required=False, max_values=1),
    )
    choices = [
        discord.RadioGroupOption(
            label=words.say(f"region.{strength}"), value=strength.value, default=strength is Strength.STRONG
        )
        for strength in Strength
    ]
    yield ui.Label(text=words.say("region.how"), component=ui.RadioGroup(custom_id=_HOW, options=choices))


def chosen_region(call: Call) -> Chosen:
    """What was chosen in them. UserError `not_a_picture` for a copy that is none."""
    numbers = {int(value) for value in call.choices(_CELLS) if value.isdecimal() and int(value) < len(_NAMES)}
    how = next(iter(call.choices(_HOW)), "")
    strength = Strength(how) if how in set(Strength) else Strength.STRONG
    copy = next((upload_in(file) for file in call.files(_COPY)), None)
    painted, size = (None, None) if copy is None else (copy.link, copy.size)
    return Chosen(sum(1 << number for number in numbers), painted, strength, size)
