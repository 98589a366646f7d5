"""What moderators have to decide: appeals and reports, as JSON documents with a lifetime. Each is decided once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis.asyncio
import structlog

from exchange import keys
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CASE_S = 30 * 86_400
"""How long a case waits for its decision."""
DECIDING_S = 60
"""How long it takes at most to do what was decided; somebody else may decide then."""


class Cases:
    """The cases of one service."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def open(self, document: dict[str, Any], token: str, *, user_id: int) -> bool:
        """Keep a case about a person under a token. False when there is one already that is not decided."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.case(token), _encode(document), ex=CASE_S, nx=True)
            pipe.sadd(keys.cases_of(user_id), token)
            pipe.expire(keys.cases_of(user_id), CASE_S)
            kept, *_ = await pipe.execute()
        return bool(kept)

    async def change(self, document: dict[str, Any], token: str) -> None:
        """Let an open case say this from now on."""
        await self._redis.set(keys.case(token), _encode(document), xx=True, keepttl=True)

    async def about(self, user_id: int) -> Sequence[str]:
        """The tokens of a person's cases, of which some may be decided."""
        return sorted(text(token) for token in await self._redis.smembers(keys.cases_of(user_id)))

    async def get(self, token: str) -> dict[str, Any] | None:
        """A case that is not decided yet; None for any other."""
        return _document(token, await self._redis.get(keys.case(token)))

    async def take(self, token: str) -> dict[str, Any] | None:
        """Decide a case alone, as it is at this moment: until `close`, `leave`, or `DECIDING_S` later. None when
        somebody else decides it now, or has done so."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(keys.deciding(token), "1", ex=DECIDING_S, nx=True)
            pipe.get(keys.case(token))
            taken, stored = await pipe.execute()
        if not taken:
            return None
        document = _document(token, stored)
        if document is None:
            await self.leave(token)
        return document

    async def leave(self, token: str) -> None:
        """Let a case be decided after all."""
        await self._redis.delete(keys.deciding(token))

    async def close(self, token: str) -> None:
        """Take a case as decided."""
        await self._redis.delete(keys.case(token), keys.deciding(token))


def _document(token: str, stored: bytes | str | None) -> dict[str, Any] | None:
    """A stored case; None, which is logged, when it cannot be read."""
    if stored is None:
        return None
    try:
        document = json.loads(stored)
    except (ValueError, RecursionError):
        log.warning("a case cannot be read", token=token)
        return None
    return document if isinstance(document, dict) else None


def _encode(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)
