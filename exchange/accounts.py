"""What users have made and what it took: usage by month, and a history with lineage. Failed jobs cost nothing.

Counting is idempotent by job, so a job that is delivered twice by mistake is counted once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import redis
import redis.asyncio
import structlog
from pydantic import TypeAdapter, ValidationError

from contract.ids import JobId
from contract.jobs import Job, Speed
from exchange import keys, scripts
from exchange.delivery import MessageRef
from exchange.reading import number, text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HISTORY_LENGTH = 1_000
MAX_FAVOURITES = 1_000
"""Favourites do not lapse, so a person may have so many."""
KEPT_S = 400 * 86_400
"""Usage and history outlive a year, so that this month can be compared with the same month a year ago."""
KEPT_MONTHS = 14
"""Months that `KEPT_S` may reach back into."""
MONTH_S = 31 * 86_400


@dataclass(frozen=True, slots=True)
class Usage:
    """What a user made in a month at one speed."""

    speed: Speed
    jobs: int = 0
    images: int = 0
    gpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivered job: what it was, where it was posted, and what it came from. Times are Unix milliseconds."""

    job_id: JobId
    action: str
    prompt: str
    created_ms: int
    channel_id: int
    message_id: int
    guild_id: int | None = None
    parent_id: str | None = None
    index: int | None = None
    images: int = 0


def entry_of(job: Job, prompt: str, posted: MessageRef, *, images: int) -> Entry:
    """What is kept of a job whose message stands there."""
    return Entry(
        job_id=job.id,
        action=job.request.kind,
        prompt=prompt,
        created_ms=job.created_ms,
        channel_id=posted.channel_id,
        message_id=posted.message_id,
        guild_id=job.destination.guild_id,
        parent_id=job.parent.id if job.parent else None,
        index=job.parent.index if job.parent else None,
        images=images,
    )


def record(client: redis.Redis, job: Job, prompt: str, posted: MessageRef, *, images: int, gpu_s: float) -> bool:
    """Count a delivered job and put it into its user's history. False when it was counted before."""
    entry = entry_of(job, prompt, posted, images=images)
    parameters = {
        "job": job.id,
        "user": str(job.user.id),
        "month": month_of(job.created_ms),
        "created": job.created_ms,
        "speed": str(job.speed),
        "images": images,
        "gpu_s": gpu_s,
        "length": HISTORY_LENGTH,
        "kept": KEPT_S,
    }
    return bool(
        scripts.run(client, scripts.COUNT_DELIVERED, scripts.arguments(parameters, [json.dumps(asdict(entry))]))
    )


def usage_of(client: redis.Redis, user_id: int, month: str) -> Sequence[Usage]:
    """`Accounts.usage` for a command without a door."""
    return _usage(client.hgetall(keys.usage(user_id, month)))


class Accounts:
    """Usage and history as the bot reads them."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def usage(self, user_id: int, month: str) -> Sequence[Usage]:
        """What a user made in `month` (`2026-11`), one entry a speed."""
        return _usage(await self._redis.hgetall(keys.usage(user_id, month)))

    async def history(self, user_id: int, *, start: int = 0, count: int = 10) -> Sequence[Entry]:
        """A user's delivered jobs, newest first, from the `start`-th."""
        ids = await self._redis.zrevrange(keys.history(user_id), start, start + count - 1)
        if not ids:
            return []
        stored = await self._redis.hmget(
            keys.history_entries(user_id), [text(id) for id in ids if isinstance(id, bytes | str)]
        )
        entries = (_entry(entry) for entry in stored if entry is not None)
        return [entry for entry in entries if entry is not None]

    async def entry(self, user_id: int, job_id: JobId) -> Entry | None:
        """One delivered job of a user; None when it is not in the history, or not theirs."""
        stored = await self._redis.hget(keys.history_entries(user_id), job_id)
        return None if stored is None else _entry(stored)

    async def favour(self, user_id: int, entry: Entry, now_ms: int) -> bool:
        """Remember a job as one of a user's favourites, for good. False when there are `MAX_FAVOURITES` already."""
        parameters = {"user": str(user_id), "job": entry.job_id, "most": MAX_FAVOURITES}
        marked = json.dumps({"marked_ms": now_ms, "entry": asdict(entry)})
        return bool(await scripts.run_async(self._redis, scripts.FAVOUR, scripts.arguments(parameters, [marked])))

    async def is_favourite(self, user_id: int, job_id: JobId) -> bool:
        """Whether a job is one of a user's favourites."""
        return bool(await self._redis.hexists(keys.favourites(user_id), job_id))

    async def disfavour(self, user_id: int, job_id: JobId) -> bool:
        """Take a job out of a user's favourites. False when it was none."""
        return bool(await self._run(scripts.DISFAVOUR, user_id, job_id))

    async def favourites(self, user_id: int) -> Sequence[Entry]:
        """A user's favourites, the one marked last first."""
        stored = await self._redis.hgetall(keys.favourites(user_id))
        marked = [one for one in (_marked(value) for value in stored.values()) if one is not None]
        return [one.entry for one in sorted(marked, key=lambda one: one.marked_ms, reverse=True)]

    async def all_entries(self, user_id: int) -> Sequence[Entry]:
        """All delivered jobs of a user that the history still has, in no order."""
        stored = await self._redis.hgetall(keys.history_entries(user_id))
        return [entry for entry in (_entry(value) for value in stored.values()) if entry is not None]

    async def forget(self, user_id: int, job_id: JobId) -> bool:
        """Take one job out of a user's history (its usage stays counted) and out of everybody's favourites. False when
        it was not in the history."""
        return bool(await self._run(scripts.FORGET_JOB, user_id, job_id))

    async def forget_person(self, user_id: int) -> None:
        """Forget a user's history and favourites, and what they used before this month; and their jobs, where others
        marked them. The month's own numbers lapse after it: being forgotten is no way around a quota.
        """
        own = [text(id) for id in await self._redis.hkeys(keys.history_entries(user_id))]
        for job_id in own:
            await self.forget(user_id, JobId(job_id))
        for job_id in [text(id) for id in await self._redis.hkeys(keys.favourites(user_id))]:
            await self._redis.srem(keys.favoured(job_id), user_id)
        await self._redis.delete(keys.favourites(user_id))
        await self._redis.delete(keys.history(user_id), keys.history_entries(user_id))
        now = datetime.now(UTC)
        first = now.year * 12 + now.month - 1
        months = [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first - KEPT_MONTHS, first)]
        await self._redis.delete(*(keys.usage(user_id, month) for month in months))
        await self._redis.expire(keys.usage(user_id, f"{now:%Y-%m}"), MONTH_S)

    async def _run(self, script: scripts.Script, user_id: int, job_id: JobId) -> Any:
        """A step that is about a person and a job."""
        return await scripts.run_async(self._redis, script, scripts.arguments({"user": str(user_id), "job": job_id}))


def month_of(created_ms: int) -> str:
    """The month a job counts in, by UTC: `2026-11`."""
    return datetime.fromtimestamp(created_ms / 1000, UTC).strftime("%Y-%m")


@dataclass(frozen=True, slots=True)
class _Marked:
    """A favourite as it is kept."""

    marked_ms: int
    entry: Entry


def _usage(stored: Mapping[Any, bytes | str]) -> Sequence[Usage]:
    values = {text(name): number(value) for name, value in stored.items()}
    return [
        Usage(
            speed,
            int(values.get(f"{speed}:jobs", 0)),
            int(values.get(f"{speed}:images", 0)),
            values.get(f"{speed}:gpu_s", 0.0),
        )
        for speed in Speed
    ]


_ENTRY, _MARKED = TypeAdapter(Entry), TypeAdapter(_Marked)


def _marked(stored: bytes | str) -> _Marked | None:
    """As `_entry`, of a favourite."""
    try:
        return _MARKED.validate_json(stored)
    except ValidationError as error:
        log.warning("a favourite cannot be read", error=error.errors()[0]["msg"])
        return None


def _entry(stored: bytes | str) -> Entry | None:
    """What is kept of a job; None for what is no such thing, which must not hide the others."""
    try:
        return _ENTRY.validate_json(stored)
    except ValidationError as error:
        log.warning("an entry of a history cannot be read", error=error.errors()[0]["msg"])
        return None
