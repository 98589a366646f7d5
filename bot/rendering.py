"""Buttons and embeds of the contract as discord.py's own objects, fitted to what Discord takes."""

from __future__ import annotations

from collections.abc import Iterable

import discord

from bot import limits
from contract.actions import Button
from contract.messages import Embed


def view_of(rows: Iterable[Iterable[Button]]) -> discord.ui.View:
    """A view with these rows of buttons.

    It is stopped from the start: presses are found by custom_id (`bot.client`), so that they work after a restart, and
    discord.py keeps no view in memory for a message whose view is finished.
    """
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        add_row(view, row, number)
    view.stop()
    return view


def add_row(view: discord.ui.View, row: Iterable[Button], number: int) -> None:
    """Put buttons into row `number` (from 0) of a view."""
    for button in row:
        view.add_item(
            discord.ui.Button(
                custom_id=button.custom_id,
                label=button.label and limits.fit(button.label, limits.LABEL),
                emoji=button.emoji,
                style=discord.ButtonStyle(int(button.style)),
                row=number,
            )
        )


def code(text: str, limit: int = limits.CONTENT) -> str:
    """A person's text on one line, unable to leave the code marks it is shown in, of at most `limit` characters."""
    return limits.fit(discord.utils.escape_mentions(" ".join(text.split()).replace("`", "ˋ")), limit)


def message_link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """The address of a message."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def embed_of(embed: Embed) -> discord.Embed:
    """The embed as discord.py sends it. What is too long is cut: first the footer, which repeats what was typed."""
    title = limits.fit(embed.title, limits.TITLE)
    description = limits.fit(embed.description, limits.DESCRIPTION)
    shown = discord.Embed(title=title, description=description, colour=embed.colour)
    if embed.footer:
        room = limits.EMBED - len(title) - len(description)
        shown.set_footer(text=limits.fit(embed.footer, min(limits.FOOTER, room)))
    return shown
