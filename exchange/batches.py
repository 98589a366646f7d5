"""Batches: the jobs of one confirmation, which are accepted one by one as there is room for them.

A batch outlives the process that runs it: another one finds it in the list, claims it and goes on where it stood. Job
ids are fixed when it is made, so a job that is accepted twice is one job.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio

from contract.errors import MalformedDocument
from exchange import keys
from exchange.delivery import MessageRef, message_ref
from exchange.reading import text

KEPT_S = 7 * 86_400
"""How long a batch may take; relaxed jobs may wait for days."""

RUNNER_S = 15.0
"""How long a process is believed to run a batch without saying so again."""

Json = Any


@dataclass(frozen=True, slots=True)
class Batch:
    """What is kept of a batch. `document` is about its owner and jobs, as JSON; the first `accepted` of them are in.

    `message` is where its progress is shown. A `cancelled` one accepts no more.
    """

    token: str
    owner: int
    document: Json
    accepted: int
    message: MessageRef | None
    cancelled: bool


class Batches:
    """The batches that have not ended."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def open(self, token: str, document: Json, *, owner: int, message: MessageRef | None) -> None:
        """Keep a batch, of which nothing is accepted yet. Harmless to repeat."""
        kept = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
        fields: dict[Any, Any] = {"owner": owner, "document": kept}
        if message is not None:
            fields |= {"channel": message.channel_id, "message": message.message_id}
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.batch(token), mapping=fields)
            pipe.expire(keys.batch(token), KEPT_S)
            pipe.sadd(keys.batches(), token)
            pipe.sadd(keys.batches_of(owner), token)
            pipe.expire(keys.batches_of(owner), KEPT_S)
            await pipe.execute()

    async def get(self, token: str) -> Batch | None:
        """A batch that has not ended; None for others. MalformedDocument when it cannot be read."""
        stored = await self._redis.hgetall(keys.batch(token))
        return _read(token, stored) if b"owner" in stored else None

    async def fields(self, token: str) -> dict[str, str]:
        """All that is kept of a batch, as `restore` takes it; empty for one that has ended."""
        return {text(name): text(value) for name, value in (await self._redis.hgetall(keys.batch(token))).items()}

    async def restore(self, token: str, fields: Mapping[str, str]) -> None:
        """Keep a batch again of which Redis knows nothing any more. MalformedDocument when it is none."""
        batch = _read(token, dict(fields))
        await self.open(token, batch.document, owner=batch.owner, message=batch.message)
        await self.set_accepted(token, batch.accepted)
        if batch.cancelled:
            await self.cancel(token)

    async def tokens(self) -> Sequence[str]:
        """The batches that have not ended, in no order. Some may be gone."""
        return sorted(text(token) for token in await self._redis.smembers(keys.batches()))

    async def owned_by(self, user_id: int) -> Sequence[Batch]:
        """A person's batches that have not ended."""
        tokens = sorted(text(token) for token in await self._redis.smembers(keys.batches_of(user_id)))
        found = [await self.get(token) for token in tokens]
        return [batch for batch in found if batch is not None]

    async def set_accepted(self, token: str, accepted: int) -> None:
        """The first `accepted` jobs are accepted."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.batch(token), "accepted", str(accepted))
            pipe.expire(keys.batch(token), KEPT_S)  # as in `cancel`
            await pipe.execute()

    async def cancel(self, token: str) -> None:
        """Let no more of its jobs be accepted. The process that runs it sees that before the next one is released."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(keys.batch(token), "cancelled", 1)
            pipe.expire(keys.batch(token), KEPT_S)  # in case it ended a moment ago, and this is all there is of it
            await pipe.execute()

    async def drop(self, token: str) -> None:
        """Look at a batch no more: it is gone, or cannot be read. What there is of it expires."""
        await self._redis.srem(keys.batches(), token)

    async def close(self, token: str, owner: int) -> None:
        """Forget a batch: it has ended."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(keys.batch(token), keys.batch_runner(token))
            pipe.srem(keys.batches(), token)
            pipe.srem(keys.batches_of(owner), token)
            await pipe.execute()

    async def claim(self, token: str, runner: str) -> bool:
        """Run a batch for the next `RUNNER_S` seconds; False when another process does. Repeat it to go on."""
        key, lease_ms = keys.batch_runner(token), int(RUNNER_S * 1000)
        if await self._redis.set(key, runner, nx=True, px=lease_ms):
            return True
        if text(await self._redis.get(key) or "") != runner:
            return False
        return bool(await self._redis.pexpire(key, lease_ms))


def _read(token: str, stored: dict[Any, Any]) -> Batch:
    values = {text(name): text(value) for name, value in stored.items()}
    try:
        return Batch(
            token=token,
            owner=int(values["owner"]),
            document=json.loads(values["document"]),
            accepted=int(values.get("accepted", 0)),
            message=message_ref(values.get("channel"), values.get("message")),
            cancelled="cancelled" in values,
        )
    except (KeyError, ValueError) as error:
        raise MalformedDocument(f"batch {token} cannot be read: {error}") from error
