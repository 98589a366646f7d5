"""Buttons and embeds of the contract as discord.py's own objects."""

from __future__ import annotations

from collections.abc import Iterable

import discord

from contract.actions import Button
from contract.messages import Embed

MESSAGE_LIMIT = 2000
"""Characters of a message (Discord)."""


def view_of(rows: Iterable[Iterable[Button]]) -> discord.ui.View:
    """A view with these rows of buttons.

    It is stopped from the start: presses are found by custom_id (`bot.results.buttons`), so that they work after a
    restart, and discord.py keeps no view in memory for a message whose view is finished.
    """
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        for button in row:
            view.add_item(
                discord.ui.Button(
                    custom_id=button.custom_id,
                    label=button.label,
                    emoji=button.emoji,
                    style=discord.ButtonStyle(int(button.style)),
                    row=number,
                )
            )
    view.stop()
    return view


def with_small_print(content: str, line: str | None) -> str:
    """`content` and below it one line in small print, which is left out when the message has no room for it."""
    longer = f"{content}\n-# {line}"
    return content if line is None or len(longer) > MESSAGE_LIMIT else longer


def code(text: str) -> str:
    """A person's text on one line, unable to leave the code marks it is shown in."""
    return discord.utils.escape_mentions(" ".join(text.split()).replace("`", "ˋ"))


def embed_of(embed: Embed) -> discord.Embed:
    """The embed as discord.py sends it."""
    shown = discord.Embed(title=embed.title, description=embed.description, colour=embed.colour)
    if embed.footer:
        shown.set_footer(text=embed.footer)
    return shown
