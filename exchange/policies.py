"""The operator's policy, in Redis: who may make pictures, where and at what speeds, and what may be on them.

It is durable like the queue, holds for every process at once, and needs no restart. Beside it stands the audit: what
moderators and operators did, newest first.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import redis
import redis.asyncio
from pydantic import TypeAdapter, ValidationError

from contract.jobs import Speed
from contract.moderation import Blocked, Weighed
from exchange import keys, quotas, scripts
from exchange.accounts import month_of
from exchange.policy import HOUR_MS, Ban, Policy, Subject, ban_from, policy_from
from exchange.quotas import ANY_AMOUNT, Quota
from exchange.reading import integer, number, text
from exchange.strikes import Strike, strike_async

OPERATOR = "operator"
"""Who did it, when it was done from the command line."""
AUDIT_LENGTH = 10_000
"""Entries of the audit that are kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policy says of a person in a place.

    `spent` is how many jobs they had accepted in the last hour, from `first_ms` to `last_ms` (0 for none), when it was
    `now_ms` (Unix milliseconds). `words` are the operator's blocked ones, as entries of a list. `quota` is theirs, of
    which they used so many seconds in this month by speed (`used_s`).
    """

    policy: Policy
    user_ban: Ban | None
    guild_ban: Ban | None
    user_invited: bool
    guild_invited: bool
    spent: int
    first_ms: int = 0
    last_ms: int = 0
    now_ms: int = 0
    words: tuple[str, ...] = ()
    quota: Quota = ANY_AMOUNT
    used_s: Mapping[Speed, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody with power did: `by` and `about` are words such as `user 5`, `job <id>` or `operator`."""

    at_ms: int
    by: str
    did: str
    about: str
    detail: str = ""


_DEED = TypeAdapter(Deed)


def note(client: redis.Redis, by: str, did: str, about: str, detail: str = "") -> None:
    """`Policies.note` for a command without a door."""
    with client.pipeline(transaction=True) as pipe:
        pipe.lpush(keys.audit(), _entry(by, did, about, detail))
        pipe.ltrim(keys.audit(), 0, AUDIT_LENGTH - 1)
        pipe.execute()


def _entry(by: str, did: str, about: str, detail: str) -> str:
    return json.dumps(asdict(Deed(_now_ms(), by, did, about, detail)), ensure_ascii=False)


class Policies:
    """The policy of one service."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    # ── what is asked about a job ───────────────────────────────────────────────────────────────────────────────────

    async def verdict(self, user_id: int, guild_id: int | None, roles: Collection[int] = ()) -> Verdict:
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
            pipe.zrange(keys.spent(user_id), now_ms - HOUR_MS, "+inf", byscore=True, offset=0, num=1, withscores=True)
            pipe.zrevrange(keys.spent(user_id), 0, 0, withscores=True)
            pipe.hgetall(keys.policy_words())
            pipe.hmget(keys.quotas(), quotas.places(user_id, roles))
            pipe.hmget(keys.usage(user_id, month_of(now_ms)), [f"{speed}:gpu_s" for speed in Speed])
            found = await pipe.execute()
        stored, user_ban, guild_ban, users, user, guilds, guild, spent, first, last, words, layers, used = found
        policy = policy_from(stored)
        everyone, own, *of_roles = map(quotas.read_layer, layers)
        return Verdict(
            policy=policy,
            user_ban=ban_from(user_ban, now_ms),
            guild_ban=ban_from(guild_ban, now_ms),
            user_invited=not users or bool(user),
            guild_invited=not guilds or bool(guild),
            spent=int(spent),
            first_ms=int(first[0][1]) if first else 0,
            last_ms=int(last[0][1]) if last else 0,
            now_ms=now_ms,
            words=_entries(words),
            quota=quotas.effective({**_of_everybody(policy), **everyone}, of_roles, own),
            used_s={speed: number(value) for speed, value in zip(Speed, used, strict=True)},
        )

    # ── what the operator sets ──────────────────────────────────────────────────────────────────────────────────────

    async def policy(self) -> Policy:
        """What holds for everybody."""
        return policy_from(await self._redis.hgetall(keys.policy()))

    async def set_policy(self, changes: Mapping[str, bool | int | float | Weighed]) -> Policy:
        """Let these fields of the policy hold from now on, beside what others change now. What holds then."""
        said: dict[Any, Any] = {
            name: str(int(value) if isinstance(value, bool) else value) for name, value in changes.items()
        }
        await self._redis.hset(keys.policy(), mapping=said)
        return await self.policy()

    async def words(self) -> tuple[str, ...]:
        """The blocked words, as entries of a list (`contract.moderation.read_blocked`)."""
        return _entries(await self._redis.hgetall(keys.policy_words()))

    async def block_word(self, entry: Blocked) -> None:
        """Let a word have this weight from now on."""
        await self._redis.hset(keys.policy_words(), entry.word, str(entry.weight))

    async def unblock_word(self, word: str) -> bool:
        """Take a word off the list. False when it was not on it."""
        return bool(await self._redis.hdel(keys.policy_words(), word))

    async def strike(self, policy: Policy, user_id: int, event: str, why: str) -> Strike:
        """Count a heavy refusal, once for each `event` (`exchange.strikes`)."""
        return await strike_async(self._redis, policy, user_id, event, why)

    async def ban(self, subject: Subject, id: int, ban: Ban) -> None:
        """Let somebody make no pictures any more."""
        await self._redis.hset(keys.bans(subject), str(id), json.dumps(asdict(ban)))

    async def time_out(self, user_id: int, ban: Ban) -> bool:
        """As `ban`, for somebody who is not banned for longer already. False when they are."""
        parameters = {"user": str(user_id), "ban": json.dumps(asdict(ban))}
        return bool(await scripts.run_async(self._redis, scripts.TIME_OUT, scripts.arguments(parameters)))

    async def unban(self, subject: Subject, id: int) -> bool:
        """Lift a ban. False when there was none."""
        return bool(await self._redis.hdel(keys.bans(subject), str(id)))

    async def bans(self, subject: Subject) -> dict[int, Ban]:
        """The bans that hold now."""
        now_ms = _now_ms()
        stored = {
            integer(id): ban_from(ban, now_ms) for id, ban in (await self._redis.hgetall(keys.bans(subject))).items()
        }
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

    # ── the audit ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def note(self, by: str, did: str, about: str, detail: str = "") -> None:
        """Put a deed into the audit."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.lpush(keys.audit(), _entry(by, did, about, detail))
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


def _of_everybody(policy: Policy) -> dict[str, float | None]:
    """What the policy itself says of quotas."""
    return {"jobs_per_hour": policy.jobs_per_hour or None, "cooldown_s": policy.cooldown_s or None}


def _entries(stored: Mapping[Any, bytes | str]) -> tuple[str, ...]:
    return tuple(f"{text(word)}={text(weight)}" for word, weight in sorted(stored.items()))


def _now_ms() -> int:
    return int(time.time() * 1000)
