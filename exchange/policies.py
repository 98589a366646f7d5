"""The operator's policy, in Redis: who may not make pictures, or who alone may; direct messages; how much in an hour.

It is durable like the queue, holds for every process at once, and needs no restart. Beside it stands the audit: what
moderators and operators did, newest first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

import redis.asyncio
from pydantic import TypeAdapter, ValidationError

from contract.ids import JobId
from exchange import keys
from exchange.reading import integer, text

HOUR_MS = 3_600_000
AUDIT_LENGTH = 10_000
"""Entries of the audit that are kept."""


class Subject(StrEnum):
    """Whom a ban or an invitation is about."""

    USER = "user"
    GUILD = "guild"


@dataclass(frozen=True, slots=True)
class Ban:
    """Why somebody may not make pictures, and until when (Unix milliseconds; None: until it is lifted)."""

    why: str = ""
    until_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for everybody. `jobs_per_hour` is for each person, 0 for no limit."""

    direct_messages: bool = True
    jobs_per_hour: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of a person in a place. `spent` is how many jobs they had accepted in the last hour."""

    policy: Policy
    user_ban: Ban | None
    guild_ban: Ban | None
    user_invited: bool
    guild_invited: bool
    spent: int


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody with power did: `by` and `about` are words such as `user 5`, `job <id>` or `operator`."""

    at_ms: int
    by: str
    did: str
    about: str
    detail: str = ""


_BAN = TypeAdapter(Ban)
_DEED = TypeAdapter(Deed)


class Policies:
    """The policy of one service."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    # ── what is asked about a job ───────────────────────────────────────────────────────────────────────────────────

    async def verdict(self, user_id: int, guild_id: int | None) -> Verdict:
        """What holds for this person there, in one round trip."""
        now_ms = _now_ms()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hgetall(keys.policy())
            pipe.hget(keys.bans(Subject.USER), str(user_id))
            pipe.hget(keys.bans(Subject.GUILD), str(guild_id))
            for subject, id in ((Subject.USER, user_id), (Subject.GUILD, guild_id)):
                pipe.exists(keys.invited(subject))
                pipe.sismember(keys.invited(subject), str(id))
            pipe.zcount(keys.spent(user_id), now_ms - HOUR_MS, "+inf")
            stored, user_ban, guild_ban, users, user, guilds, guild, spent = await pipe.execute()
        return Verdict(
            policy=_policy(stored),
            user_ban=_ban(user_ban, now_ms),
            guild_ban=_ban(guild_ban, now_ms),
            user_invited=not users or bool(user),
            guild_invited=not guilds or bool(guild),
            spent=int(spent),
        )

    async def spend(self, user_id: int, job_id: JobId) -> None:
        """Count an accepted job against its user's hour; once, however often it is told."""
        now_ms = _now_ms()
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.zremrangebyscore(keys.spent(user_id), "-inf", now_ms - HOUR_MS)
            pipe.zadd(keys.spent(user_id), {job_id: now_ms}, nx=True)
            pipe.pexpire(keys.spent(user_id), HOUR_MS)
            await pipe.execute()

    # ── what the operator sets ──────────────────────────────────────────────────────────────────────────────────────

    async def policy(self) -> Policy:
        """What holds for everybody."""
        return _policy(await self._redis.hgetall(keys.policy()))

    async def set_policy(self, policy: Policy) -> None:
        """Let this hold from now on."""
        fields = {"direct_messages": str(int(policy.direct_messages)), "jobs_per_hour": str(policy.jobs_per_hour)}
        for name, value in fields.items():
            await self._redis.hset(keys.policy(), name, value)

    async def ban(self, subject: Subject, id: int, ban: Ban) -> None:
        """Let somebody make no pictures any more."""
        await self._redis.hset(keys.bans(subject), str(id), json.dumps(asdict(ban)))

    async def unban(self, subject: Subject, id: int) -> bool:
        """Lift a ban. False when there was none."""
        return bool(await self._redis.hdel(keys.bans(subject), str(id)))

    async def bans(self, subject: Subject) -> dict[int, Ban]:
        """The bans that hold now."""
        now_ms = _now_ms()
        stored = {integer(id): _ban(ban, now_ms) for id, ban in (await self._redis.hgetall(keys.bans(subject))).items()}
        return {id: ban for id, ban in stored.items() if id is not None and ban is not None}

    async def invite(self, subject: Subject, id: int) -> None:
        """Let this one make pictures, and from the first one on nobody who is not invited."""
        await self._redis.sadd(keys.invited(subject), str(id))

    async def uninvite(self, subject: Subject, id: int) -> bool:
        """Take an invitation back; when none is left, all may again. False when there was none."""
        return bool(await self._redis.srem(keys.invited(subject), str(id)))

    async def invited(self, subject: Subject) -> Sequence[int]:
        """Those who alone may make pictures; empty when all may."""
        ids = [integer(id) for id in await self._redis.smembers(keys.invited(subject))]
        return sorted(id for id in ids if id is not None)

    async def forget(self, user_id: int) -> None:
        """Forget what was counted of a person. A ban stays: it is not theirs to lift."""
        await self._redis.delete(keys.spent(user_id))

    # ── the audit ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def note(self, by: str, did: str, about: str, detail: str = "") -> None:
        """Put a deed into the audit."""
        deed = Deed(_now_ms(), by, did, about, detail)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.lpush(keys.audit(), json.dumps(asdict(deed), ensure_ascii=False))
            pipe.ltrim(keys.audit(), 0, AUDIT_LENGTH - 1)
            await pipe.execute()

    async def deeds(self, count: int = 50) -> Sequence[Deed]:
        """The newest deeds, newest first."""
        found = []
        for stored in await self._redis.lrange(keys.audit(), 0, count - 1):
            try:
                found.append(_DEED.validate_json(stored))
            except ValidationError:
                continue  # somebody else's entry hides none of ours
        return found


def _policy(stored: dict[Any, Any]) -> Policy:
    values = {text(name): integer(value) for name, value in stored.items()}
    policy = Policy()
    if (messages := values.get("direct_messages")) is not None:
        policy = replace(policy, direct_messages=bool(messages))
    if (jobs := values.get("jobs_per_hour")) is not None:
        policy = replace(policy, jobs_per_hour=jobs)
    return policy


def _ban(stored: bytes | str | None, now_ms: int) -> Ban | None:
    """A ban that holds now. One that cannot be read holds: it was meant."""
    if stored is None:
        return None
    try:
        ban = _BAN.validate_json(stored)
    except ValidationError:
        return Ban()
    return None if ban.until_ms is not None and ban.until_ms <= now_ms else ban


def _now_ms() -> int:
    return int(time.time() * 1000)
