"""Tells channels that another model draws a version they use, with a button that takes it back for oneself."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Sequence

import discord
import structlog

from bot.answering import NETWORK_ERRORS, is_refusal
from bot.calls import Call, answered
from bot.client import EaselClient, Route
from bot.rendering import view_of
from contract.actions import Button
from contract.catalogue import Catalogue, Model
from contract.errors import UserError
from contract.ids import JobId, nonce
from contract.locales import book
from contract.pins import Meaning
from exchange.meanings import Change, Notice
from service.budget import promptly
from service.pins import hold
from service.profiles import profile_of

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VISIT_S = 10.0
"""How often it is asked whether somebody has something to be told."""
APART_S = 1.0
"""Between two messages: nothing waits for them, and all of them may come at once."""
KEEP = "Easel::Keep"
BUTTONS = 5


async def keep_telling(client: EaselClient) -> None:
    """Tell every channel of this process's guilds what it is still to be told, for ever."""
    await client.wait_until_ready()
    while True:
        await tell_all(client)
        await asyncio.sleep(VISIT_S)


async def tell_all(client: EaselClient, *, apart_s: float = APART_S) -> None:
    """Tell what is to be told now. One that cannot be told yet stays, and stops no other."""
    try:
        async with promptly():
            notices = await client.services.meanings.notices()
    except UserError:
        return
    for notice in notices.values():
        if not client.serves(notice.place.guild_id):
            continue
        if await _tell(client, notice):
            try:
                async with promptly():
                    await client.services.meanings.told(notice)
            except UserError:
                return  # told again, which Discord knows by its nonce
        await asyncio.sleep(apart_s)


async def _tell(client: EaselClient, notice: Notice) -> bool:
    """Whether a channel has been told, or never will be."""
    content, view = said(client.services.catalogue, notice)
    channel = client.get_partial_messageable(notice.place.channel_id)
    try:
        await channel.send(content, view=view, nonce=_nonce(notice), silent=True)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        refused = is_refusal(error)
        log.info("a channel was not told of a change", channel=notice.place.channel_id, final=refused, error=str(error))
        return refused
    log.info("a channel was told of a change", channel=notice.place.channel_id, versions=sorted(notice.changes))
    return True


def said(catalogue: Catalogue, notice: Notice) -> tuple[str, discord.ui.View]:
    """The words of a notice, and buttons for what is still on offer."""
    words = book(notice.place.locale)
    together: dict[Change, list[str]] = {}
    for version, change in notice.changes.items():
        together.setdefault(change, []).append(version)
    lines: list[str] = []
    buttons: list[Button] = []
    for change, versions in together.items():
        lines.append(
            words.say(
                "notice.model",
                versions=", ".join(sorted(versions)),
                model=_title(catalogue, change.now),
                revision=change.now.revision,
                former=_title(catalogue, change.was),
                former_revision=change.was.revision,
            )
        )
        former = _offered(catalogue, versions, change)
        if former is not None and len(buttons) < BUTTONS:
            label = words.say("notice.keep", model=former.title, revision=former.revision)
            buttons.append(Button(f"{KEEP}::{_digest(change.was)}::{_digest(change.now)}", label[:80]))
    lines.append(words.say("notice.hold"))
    return "\n".join(lines), view_of([buttons] if buttons else [])


@answered()
async def _kept(call: Call, found: re.Match[str]) -> None:
    """Every version whose change the message tells of means again for the person what it meant before."""
    catalogue, profile = call.services.catalogue, await profile_of(call.services, call.asker)
    former = next((model for model in catalogue if _digest(model.meaning) == found["was"]), None)
    if former is None:
        raise UserError("former_gone")
    held = []
    for version in catalogue.offered:
        pin = profile.pins.get(version)
        meaning = catalogue.resolve(version).meaning if pin is None else pin.meaning
        if former.answers_to(version) and _digest(meaning) in (found["now"], found["was"]):
            await hold(call.services, call.asker, version, former.name)
            held.append(version)
    told = {"version": ", ".join(held), "model": former.title, "revision": former.revision}
    await call.say(call.words.say("pin.kept.own", **told))


KEPT = Route(re.compile(rf"{KEEP}::(?P<was>[0-9a-f]{{8}})::(?P<now>[0-9a-f]{{8}})"), _kept)


def _offered(catalogue: Catalogue, versions: Sequence[str], change: Change) -> Model | None:
    return next((one for name in versions for one in catalogue.answering(name) if one.meaning == change.was), None)


def _title(catalogue: Catalogue, meaning: Meaning) -> str:
    return next((model.title for model in catalogue if model.name == meaning.model), meaning.model)


def _digest(meaning: Meaning) -> str:
    return f"{zlib.crc32(str(meaning).encode()):08x}"


def _nonce(notice: Notice) -> str:
    return nonce(JobId(f"notice-{notice.place.channel_id}-{sorted(notice.changes.items())}"))
