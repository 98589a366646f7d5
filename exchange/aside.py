"""A client of Redis for doors that a foreign key does not stop.

The scripts put aside what has the wrong type (`exchange/scripts/parts/asked.lua`). This does the same for what doors
ask without a script: settings, bans, quotas. The next recovery tells the log.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import redis.asyncio
import redis.exceptions
from redis.asyncio.client import Pipeline

from exchange import keys, scripts
from exchange.reading import text

_READS = frozenset(
    "EXISTS GET HGET HGETALL HKEYS HLEN HMGET LLEN LRANGE MGET SCARD SISMEMBER SMEMBERS TTL TYPE ZCARD ZCOUNT ZRANGE "  # noqa: SIM905
    "ZREVRANGE ZSCORE".split()
)
_KINDS = [
    (re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(key.pattern)), re.DOTALL), key.holds)
    for key in sorted(keys.KEYS.values(), key=lambda key: -len(re.sub(r"\{\w+\}", "", key.pattern)))
    if key.holds not in ("any", "channel")
]
"""Of keys by their names, the longer ones first: what they hold."""


class AsideRedis(redis.asyncio.Redis):
    """Puts a key of the wrong type aside and asks again; everything else is as it was."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """See redis-py. A command that meets such a key does nothing, so it can be asked again."""
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except redis.exceptions.ResponseError as error:
            if not _is_wrong_type(error) or not await put_aside(self, args[1:]):
                raise
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """See redis-py."""
        return _AsidePipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _AsidePipeline(Pipeline):
    """The same for several commands. If some of them write, they are not asked again: one may have done its work."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """See redis-py."""
        stack = list(self.command_stack)
        try:
            return await super().execute(raise_on_error)
        except redis.exceptions.ResponseError as error:
            asked = [argument for args, _ in stack for argument in args[1:]]
            client = redis.asyncio.Redis(connection_pool=self.connection_pool)
            if not _is_wrong_type(error) or not await put_aside(client, asked):
                raise
            if not all(str(args[0]) in _READS for args, _ in stack):
                raise
        again = Pipeline(self.connection_pool, self.response_callbacks, False, self.shard_hint)
        again.command_stack = stack
        return await again.execute(raise_on_error)


async def put_aside(client: redis.asyncio.Redis, names: Sequence[object]) -> bool:
    """Give those of `names` that are keys of ours and hold something else other names. Whether there were any."""
    ours = [
        {"name": name, "holds": holds}
        for name in dict.fromkeys(text(name) for name in names if isinstance(name, bytes | str))
        if (holds := next((holds for pattern, holds in _KINDS if pattern.fullmatch(name)), None)) is not None
    ]
    return bool(await scripts.run_async(client, scripts.PUT_ASIDE, scripts.arguments({"keys": ours})))


def _is_wrong_type(error: redis.exceptions.ResponseError) -> bool:
    return "WRONGTYPE" in str(error)
