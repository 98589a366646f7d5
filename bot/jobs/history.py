"""What a person has made, page by page: all of it, or what they marked; each with what it was made from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from discord import app_commands

from bot.calls import Call, answered
from bot.pages import Listing, Page
from bot.rendering import brief, message_link
from contract.ids import parse_job_id
from contract.locales import Book, english
from exchange.accounts import Entry
from service.budget import promptly
from service.favourites import favourites as marked

HISTORY_PAGE = 5
"""Entries on a page: as many as a message holds, however long their prompts are."""


@app_commands.command(description=english("command.history"))
@app_commands.describe(
    page=english("option.history.page"),
    favourites=english("option.history.favourites"),
)
@answered()
async def history(call: Call, page: app_commands.Range[int, 1, 1000] = 1, favourites: bool = False) -> None:
    """Finished jobs, newest first, each with links to its message and to what it was made from."""
    await (FAVOURITES if favourites else HISTORY).show(call, page)


async def _history_page(call: Call, number: int) -> Page:
    start = (number - 1) * HISTORY_PAGE
    async with promptly():
        entries = await call.services.accounts.history(call.asker.user.id, start=start, count=HISTORY_PAGE + 1)
    return await _page(call, entries, number, "history.none")


async def _favourites_page(call: Call, number: int) -> Page:
    start = (number - 1) * HISTORY_PAGE
    entries = await marked(call.services, call.asker.user.id)
    return await _page(call, entries[start : start + HISTORY_PAGE + 1], number, "favourite.none")


HISTORY = Listing("history", _history_page)
FAVOURITES = Listing("favourites", _favourites_page)


async def _page(call: Call, entries: Sequence[Entry], number: int, none: str) -> Page:
    shown = entries[:HISTORY_PAGE]
    parents = await _parents(call, shown)
    lines = [_line(call.words, entry, parent) for entry, parent in zip(shown, parents, strict=True)]
    nothing = call.words.say(none if number == 1 else "history.no_page")
    return Page("\n".join(lines) or nothing, number, more=len(entries) > HISTORY_PAGE)


async def _parents(call: Call, entries: Iterable[Entry]) -> list[Entry | None]:
    """What each was made from, where that is in the person's own history."""

    async def parent(entry: Entry) -> Entry | None:
        if entry.parent_id is None:
            return None
        return await call.services.accounts.entry(call.asker.user.id, parse_job_id(entry.parent_id))

    async with promptly():
        return await asyncio.gather(*map(parent, entries))


def _line(words: Book, entry: Entry, parent: Entry | None) -> str:
    made = f"<t:{entry.created_ms // 1000}:R>"
    kind = words.say(f"kind.{entry.action}") if f"kind.{entry.action}" in words else entry.action
    if entry.index is not None:
        kind = words.say("history.from", kind=kind, picture=entry.index + 1)
    line = f"- {made} {kind}: [{brief(entry.prompt)}]({_link(entry)}) `{entry.job_id}`"
    if parent is None:
        return line
    made_from = words.say("history.parent")
    return f"{line} · [{made_from}]({_link(parent)})"


def _link(entry: Entry) -> str:
    return message_link(entry.guild_id, entry.channel_id, entry.message_id)
