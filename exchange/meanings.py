"""What versions meant when somebody last looked, which channels use them, and who is still to be told of a change.

Redis keeps it, so that a change is noticed by the first process that starts with it, and told by any bot.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

import redis.asyncio
import structlog

from contract.pins import Meaning
from exchange import keys
from exchange.reading import integer, text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

USE_MS = 30 * 86_400_000
"""For how long a channel counts as one that uses a version."""


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, its guild (None: direct messages) and the language it was last asked in."""

    channel_id: int
    guild_id: int | None
    locale: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a version meant, and what it means now."""

    was: Meaning
    now: Meaning


@dataclass(frozen=True, slots=True)
class Notice:
    """What a channel is still to be told: the changes, by version."""

    place: Place
    changes: Mapping[str, Change] = field(default_factory=dict)

    def with_changes(self, changes: Mapping[str, Change]) -> Notice:
        """This and later changes. What was taken back before anybody was told of it has not happened."""
        joined = dict(self.changes)
        for version, change in changes.items():
            first = joined.pop(version, change)
            if first.was != change.now:
                joined[version] = Change(first.was, change.now)
        return Notice(self.place, joined)


class Meanings:
    """The meanings of one service."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def remembered(self) -> dict[str, Meaning]:
        """What versions meant when they were last looked at."""
        stored = await self._redis.hgetall(keys.meanings())
        read = {text(version): Meaning.read(text(meaning)) for version, meaning in stored.items()}
        return {version: meaning for version, meaning in read.items() if meaning is not None}

    async def remember(self, meanings: Mapping[str, Meaning], notices: Iterable[Notice] = ()) -> None:
        """Let versions mean this from now on, and those channels hear of it; both or neither."""
        async with self._redis.pipeline(transaction=True) as pipe:
            for version, meaning in meanings.items():
                pipe.hset(keys.meanings(), version, str(meaning))
            for notice in notices:
                channel = str(notice.place.channel_id)
                if notice.changes:
                    pipe.hset(keys.notices(), channel, _encode(notice))
                else:
                    pipe.hdel(keys.notices(), channel)
            await pipe.execute()

    async def use(self, version: str, place: Place) -> None:
        """Remember that a version is used in a place."""
        now_ms = int(time.time() * 1000)
        async with self._redis.pipeline(transaction=False) as pipe:
            member = f"{place.channel_id}:{place.guild_id or ''}:{place.locale}"
            pipe.zadd(keys.uses(version), {member: now_ms})
            pipe.zremrangebyscore(keys.uses(version), "-inf", now_ms - USE_MS)
            pipe.pexpire(keys.uses(version), USE_MS)
            await pipe.execute()

    async def users_of(self, version: str) -> dict[int, Place]:
        """The places that used a version lately, by channel, each in the language it was last asked in."""
        found = {}
        for member in await self._redis.zrange(keys.uses(version), 0, -1):  # the newest last
            channel, _, rest = text(cast(bytes | str, member)).partition(":")
            guild, _, locale = rest.partition(":")
            if (id := integer(channel)) is not None:
                found[id] = Place(id, integer(guild) if guild else None, locale)
        return found

    async def notices(self) -> dict[int, Notice]:
        """What is still to be told, by channel. What cannot be read is put away: it would be told to nobody."""
        found = {}
        for channel, stored in (await self._redis.hgetall(keys.notices())).items():
            try:
                notice = _decode(text(stored))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                log.warning("what a channel was to be told cannot be read", channel=text(channel), error=str(error))
                await self._redis.hdel(keys.notices(), channel)
                continue
            found[notice.place.channel_id] = notice
        return found

    async def told(self, notice: Notice) -> None:
        """Forget what was told, unless there is more to tell by now."""
        channel, said = str(notice.place.channel_id), _encode(notice)

        async def one(pipe: redis.asyncio.client.Pipeline) -> None:
            stored = await pipe.hget(keys.notices(), channel)
            pipe.multi()
            if stored is not None and text(stored) == said:
                await pipe.hdel(keys.notices(), channel)

        await self._redis.transaction(one, keys.notices())


def _encode(notice: Notice) -> str:
    document = {
        "channel": notice.place.channel_id,
        "guild": notice.place.guild_id,
        "locale": notice.place.locale,
        "changes": {version: [str(change.was), str(change.now)] for version, change in notice.changes.items()},
    }
    return json.dumps(document)


def _decode(stored: str) -> Notice:
    document = json.loads(stored)
    place = Place(int(document["channel"]), document["guild"], str(document["locale"]))
    changes = {}
    for version, (was, now) in document["changes"].items():
        before, after = Meaning.read(was), Meaning.read(now)
        if before is None or after is None:
            raise ValueError(f"{was} or {now} is no meaning")
        changes[version] = Change(before, after)
    return Notice(place, changes)
