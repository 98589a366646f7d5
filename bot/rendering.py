"""Buttons and embeds of the contract as discord.py's own objects, fitted to what Discord takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import discord

from bot import limits
from contract.actions import Button, Menu
from contract.messages import Embed

_SHOWN_PROMPT = 80


def view_of(rows: Iterable[Iterable[Button | Menu]]) -> discord.ui.View:
    """A view with these rows of buttons.

    It is stopped from the start: presses are found by custom_id (`bot.client`), so that they work after a restart, and
    discord.py keeps no view in memory for a message whose view is finished.
    """
    view = discord.ui.View(timeout=None)
    for number, row in enumerate(rows):
        add_row(view, row, number)
    view.stop()
    return view


def menu_view(menu: Menu) -> discord.ui.View:
    """A view with one menu."""
    return view_of([[menu]])


def add_row(view: discord.ui.View, row: Iterable[Button | Menu], number: int) -> None:
    """Put buttons, or a menu, into row `number` (from 0) of a view."""
    for part in row:
        view.add_item(_menu(part, number) if isinstance(part, Menu) else _button(part, number))


def _button(button: Button, row: int) -> discord.ui.Button[Any]:
    return discord.ui.Button(
        custom_id=button.custom_id,
        label=button.label and limits.fit(button.label, limits.LABEL),
        emoji=button.emoji,
        style=discord.ButtonStyle(int(button.style)),
        row=row,
    )


def _menu(menu: Menu, row: int) -> discord.ui.Select[Any]:
    options = [discord.SelectOption(label=name, value=str(n)) for n, name in enumerate(menu.options, 1)]
    return discord.ui.Select(custom_id=menu.custom_id, placeholder=menu.placeholder, options=options, row=row)


def code(text: str, limit: int = limits.CONTENT) -> str:
    """A person's text on one line, unable to leave the code marks it is shown in, of at most `limit` characters."""
    return limits.fit(discord.utils.escape_mentions(" ".join(text.split()).replace("`", "ˋ")), limit)


def brief(text: str) -> str:
    """A prompt as it stands in lists and links."""
    return limits.fit(discord.utils.escape_markdown(text.replace("[", "(").replace("]", ")")), _SHOWN_PROMPT)


def message_link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    """The address of a message."""
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def embed_of(embed: Embed) -> discord.Embed:
    """The embed as discord.py sends it. What is too long is cut: first the footer, which repeats what was typed."""
    title = limits.fit(embed.title, limits.TITLE)
    description = limits.fit(embed.description, limits.DESCRIPTION)
    shown = discord.Embed(title=title or None, description=description, colour=embed.colour)
    shown.set_image(url=embed.image)
    if embed.footer:
        room = limits.EMBED - len(title) - len(description)
        shown.set_footer(text=limits.fit(embed.footer, min(limits.FOOTER, room)))
    return shown
