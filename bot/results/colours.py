"""Pressed buttons change colour, as Midjourney's do, so that everybody sees what has been made of a picture already.

It is decoration: it comes after the answer, waits until the channel's edits leave room for it, and may fail.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection
from functools import partial
from typing import Any, TypeAlias

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.edits import ChannelEdits
from contract.actions import ButtonStyle

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REMEMBERED = 1024
"""Messages whose pressed buttons are kept in mind: a press shows a message as it was before an edit still under way."""

PATIENCE_S = 3.0
"""How long one edit may take. The library waits out a rate limit, and the channel's other edits would wait with it."""

Styles: TypeAlias = dict[str, ButtonStyle]
"""The styles of pressed buttons by custom_id."""


class ButtonColours:
    """What has been pressed lately. The messages themselves remember the rest."""

    def __init__(self, client: discord.Client, edits: ChannelEdits) -> None:
        self._client = client
        self._edits = edits
        self._pressed: OrderedDict[int, Styles] = OrderedDict()

    def mark(
        self, message: discord.Message | None, custom_ids: Collection[str], style: ButtonStyle = ButtonStyle.PRIMARY
    ) -> None:
        """Give the buttons of `message` (as a press just brought it) with one of these ids another style, soon."""
        if message is None:
            return
        buttons = {button.custom_id: button for button in _buttons(discord.ui.View.from_message(message, timeout=None))}
        pressed = self._pressed.setdefault(message.id, {})
        self._pressed.move_to_end(message.id)
        if len(self._pressed) > REMEMBERED:
            self._pressed.popitem(last=False)
        pressed |= {id: style for id in custom_ids if id in buttons}
        if any(int(buttons[id].style) != style for id, style in pressed.items() if id in buttons):
            send = partial(self._show, message, pressed)
            self._edits.offer(message.channel.id, ("pressed", message.id), send, yielding=True)

    async def _show(self, message: discord.Message, pressed: Styles) -> None:
        view = discord.ui.View.from_message(message, timeout=None)
        for button in _buttons(view):
            style = pressed.get(button.custom_id or "")
            if style is not None:
                button.style = discord.ButtonStyle(int(style))
        view.stop()  # presses are found by custom_id, so discord.py need not keep it
        target = self._client.get_partial_messageable(message.channel.id).get_partial_message(message.id)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await target.edit(view=view)
        except (discord.HTTPException, *NETWORK_ERRORS) as error:
            # Deleted meanwhile, too old, no longer allowed, too many edits: the next press tries again.
            log.debug("a pressed button could not be shown", message_id=str(message.id), error=str(error))


def _buttons(view: discord.ui.View) -> list[discord.ui.Button[Any]]:
    return [item for item in view.children if isinstance(item, discord.ui.Button)]
