"""Settings of users, channels and guilds, and requests that wait for a confirmation. JSON documents with a version.

A scope is `user:<id>`, `channel:<id>`, `guild:<id>` or `everyone`. A setting is a name and any JSON value; who reads it
says what stands when it is missing. Every setting is a field of its own, so two that change at once do not overwrite
each other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any

import redis.asyncio
import structlog

from contract.errors import MalformedDocument, NewerVersion
from exchange import keys
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VERSION = 1
FORM_S = 86_400
"""How long a form may lie open before it is sent."""

PENDING_S = 900
"""How long a request waits for its confirmation: as long as its interaction token lives."""

Json = Any


EVERYONE = "everyone"
"""The scope of what the operator sets for all."""


def user(id: int) -> str:
    """The scope of a user."""
    return f"user:{id}"


def channel(id: int) -> str:
    """The scope of a channel."""
    return f"channel:{id}"


def guild(id: int) -> str:
    """The scope of a guild."""
    return f"guild:{id}"


class Preferences:
    """Settings by scope and name."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def get(self, scope: str, name: str, default: Json = None) -> Json:
        """One setting, or `default`. NewerVersion when a newer Easel wrote it."""
        value = await self._redis.hget(keys.preferences(scope), name)
        return default if value is None else _readable({name: value}).get(name, default)

    async def all(self, scope: str) -> dict[str, Json]:
        """All settings of a scope."""
        values = await self._redis.hgetall(keys.preferences(scope))
        return _readable(values)

    async def layers(self, scopes: Sequence[str]) -> list[dict[str, Json]]:
        """All settings of several scopes, in their order, in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for scope in scopes:
                pipe.hgetall(keys.preferences(scope))
            stored = await pipe.execute()
        return [_readable(values) for values in stored]

    async def set(self, scope: str, name: str, value: Json) -> None:
        """Keep one setting; None forgets it."""
        if value is None:
            await self._redis.hdel(keys.preferences(scope), name)
        else:
            await self._redis.hset(keys.preferences(scope), name, _encode(value))

    async def change(self, scope: str, name: str, change: Callable[[Json], Json]) -> Json:
        """Keep what `change` makes of one setting (None when it is missing, and to forget it); no change that another
        process makes at that moment is lost. What is kept."""

        async def one(pipe: redis.asyncio.client.Pipeline) -> Json:
            stored = await pipe.hget(keys.preferences(scope), name)
            value = change(None if stored is None else _readable({name: stored}).get(name))
            pipe.multi()
            if value is None:
                await pipe.hdel(keys.preferences(scope), name)
            else:
                await pipe.hset(keys.preferences(scope), name, _encode(value))
            return value

        return await self._redis.transaction(one, keys.preferences(scope), value_from_callable=True)

    async def change_all(self, scope: str, change: Callable[[dict[str, Json]], dict[str, Json]]) -> None:
        """Keep what `change` makes of a scope's settings: those that are to be others, None for one to forget. No
        change that another process makes at that moment is lost."""

        async def several(pipe: redis.asyncio.client.Pipeline) -> None:
            changed = change(_readable(await pipe.hgetall(keys.preferences(scope))))
            pipe.multi()
            for name, value in changed.items():
                if value is None:
                    await pipe.hdel(keys.preferences(scope), name)
                else:
                    await pipe.hset(keys.preferences(scope), name, _encode(value))

        await self._redis.transaction(several, keys.preferences(scope))

    async def clear(self, scope: str) -> None:
        """Forget everything of a scope."""
        await self._redis.delete(keys.preferences(scope))

    async def put_pending(
        self, request: Json, *, owner: int, lifetime_s: int = PENDING_S, token: str | None = None
    ) -> str:
        """Keep a request until `owner` confirms it; the token to find it by is short enough for a button's id. `token`
        puts one back that was taken."""
        token = token or token_hex(8)
        await self._redis.set(keys.pending(token), _encode({"owner": owner, "request": request}), ex=lifetime_s)
        return token

    async def take_pending(self, token: str, *, owner: int) -> Json | None:
        """The request behind a token, once; None when it is gone, confirmed already, or someone else's."""
        request = await self.kept(token, owner=owner)
        return request if request is not None and await self._redis.delete(keys.pending(token)) else None

    async def keep_first(self, token: str, request: Json, *, owner: int, lifetime_s: int) -> Json:
        """Keep a request of `owner` under `token`, unless one is kept there; what is kept then."""
        document = _encode({"owner": owner, "request": request})
        if await self._redis.set(keys.pending(token), document, ex=lifetime_s, nx=True):
            return request
        return await self.kept(token, owner=owner)

    async def kept(self, token: str, *, owner: int) -> Json | None:
        """The request behind a token, which stays there; None when it is gone or someone else's."""
        value = await self._redis.get(keys.pending(token))
        document = None if value is None else _readable({token: value}).get(token)
        return document.get("request") if isinstance(document, dict) and document.get("owner") == owner else None

    async def open_form(self, name: str, by: str, *, user_id: int, message_id: int) -> None:
        """Remember that this person opened the form `name` under this message, and by what."""
        await self._redis.set(keys.form(user_id, message_id, name), by, ex=FORM_S)

    async def opened_form(self, name: str, *, user_id: int, message_id: int) -> str | None:
        """By what this person last opened that form there, within the last day; None when they did not."""
        found = await self._redis.get(keys.form(user_id, message_id, name))
        return None if found is None else text(found)


def _readable(stored: Mapping[Any, bytes | str]) -> dict[str, Json]:
    """The settings that can be read. A damaged one counts as not set: it must not take the others with it."""
    found = {}
    for name, value in stored.items():
        try:
            found[text(name)] = _decode(value)
        except MalformedDocument as error:
            log.warning("a setting cannot be read and counts as not set", name=text(name), error=str(error))
    return found


def _encode(value: Json) -> str:
    return json.dumps({"version": VERSION, "value": value}, separators=(",", ":"), ensure_ascii=False)


def _decode(value: bytes | str) -> Json:
    try:
        document = json.loads(value)
        version = document["version"]
        if version > VERSION:
            raise NewerVersion(f"a setting of version {version}; this Easel reads up to {VERSION}")
        return document["value"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise MalformedDocument("a setting is not a versioned JSON document") from error
