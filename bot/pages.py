"""Lists that may be longer than a message: page by page, with buttons that turn them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from contract.actions import Button


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, by its number from 1. `more` says whether others follow."""

    text: str
    number: int
    more: bool


Read: TypeAlias = Callable[[Call, int], Awaitable[Page]]
"""Reads a page of a list, or the last one when the list has become shorter than that."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list under a name. It is read again whenever a page is turned, so that it shows what is so now."""

    name: str
    read: Read

    async def show(self, call: Call, number: int = 1) -> None:
        """Answer a command with a page."""
        page = await self.read(call, number)
        await call.say(page.text, rows=self._buttons(call, page))

    @property
    def route(self) -> Route:
        """Where the presses on its buttons go."""

        @answered()
        async def turn(call: Call, found: re.Match[str]) -> None:
            page = await self.read(call, int(found["number"]))
            await call.update(page.text, rows=self._buttons(call, page))

        return Route(re.compile(rf"Easel::Page::{self.name}::(?P<number>[1-9]\d{{0,3}})"), turn)

    def _buttons(self, call: Call, page: Page) -> list[list[Button]]:
        turns = ([page.number - 1] if page.number > 1 else []) + ([page.number + 1] if page.more else [])
        buttons = [
            Button(f"Easel::Page::{self.name}::{number}", call.words.say("page.turn", number=number))
            for number in turns
        ]
        return [buttons] if buttons else []


def page_of(lines: Iterable[str], number: int, foot: str = "") -> Page:
    """Page `number` of `lines`, as many on each as a message holds; `foot` stands below every page."""
    end = f"\n\n{foot}" if foot else ""
    texts = limits.pages(lines, limits.CONTENT - len(end))
    number = min(number, len(texts))
    return Page(texts[number - 1] + end, number, number < len(texts))
