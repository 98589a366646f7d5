"""How much a person may make: minutes of GPU a month, jobs an hour, seconds between jobs; by person, role or for all.

What is not said of a person holds as for their roles, of which the most generous counts; what is not said of those, as
for everybody. All of it stands in one hash of Redis, so it holds for every process at once.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import redis.asyncio
import structlog

from contract.errors import UserError
from exchange import keys, scripts
from exchange.policy import HOUR_MS
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Layer = Mapping[str, float | None]
"""What is said of somebody: fields of a `Quota` by name."""


class Whose(StrEnum):
    """Whom a quota is for."""

    EVERYONE = "everyone"
    ROLE = "role"
    USER = "user"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much somebody may make; None is any amount. Minutes are of GPU time in a calendar month by UTC."""

    fast_minutes: float | None = None
    relax_minutes: float | None = None
    jobs_per_hour: float | None = None
    cooldown_s: float | None = None

    def __str__(self) -> str:
        limits = {name: limit for name in FIELDS if (limit := getattr(self, name)) is not None}
        return limits_in_words(limits) or "no limits"

    def within(self, other: Quota) -> Quota:
        """What both allow."""
        return Quota(
            _less(self.fast_minutes, other.fast_minutes),
            _less(self.relax_minutes, other.relax_minutes),
            _less(self.jobs_per_hour, other.jobs_per_hour),
            max(self.cooldown_s or 0, other.cooldown_s or 0) or None,
        )


@dataclass(frozen=True, slots=True)
class Pace:
    """How often somebody may have a job accepted: so many an hour (None: any number), and so many seconds after the one
    before (0: at once). What counts is when a job is accepted; those of a batch were asked for long before."""

    limit: int | None
    cooldown_s: int

    @property
    def parameters(self) -> dict[str, int]:
        """What the script that accepts jobs needs."""
        said = {"cooldown_ms": self.cooldown_s * 1000}
        return said if self.limit is None else {**said, "limit": self.limit}

    def check(self, spent: int, first_ms: int, last_ms: int, now_ms: int) -> None:
        """UserError for one more job after `spent` in the last hour, from `first_ms` to `last_ms` (0: none)."""
        if self.limit is not None and spent >= self.limit:
            raise self.refusal("rate_limited", first_ms + HOUR_MS if first_ms else 0)
        if self.cooldown_s and last_ms and now_ms - last_ms < self.cooldown_s * 1000:
            raise self.refusal("cooldown", last_ms + self.cooldown_s * 1000)

    def refusal(self, why: str, again_ms: int) -> UserError:
        """What is said of one more job, which may be tried again at `again_ms` (0: nobody knows when)."""
        again = {"again": again_ms // 1000} if again_ms else {}
        if why == "cooldown":
            return UserError("cooldown", seconds=self.cooldown_s, **again)
        return UserError("rate_limited", limit=self.limit or 0, **again)


def limits_in_words(limits: Layer) -> str:
    """Limits as operators read and write them: `fast_minutes 60, cooldown_s any`."""
    return ", ".join(f"{name} {'any' if limit is None else f'{limit:g}'}" for name, limit in limits.items())


ANY_AMOUNT = Quota()
FIELDS = ("fast_minutes", "relax_minutes", "jobs_per_hour", "cooldown_s")


def effective(everyone: Layer, roles: Iterable[Layer], user: Layer) -> Quota:
    """The quota that holds for a person with these roles."""
    found: dict[str, float | None] = {name: everyone.get(name) for name in FIELDS}
    for name in FIELDS:
        of_roles = [role[name] for role in roles if name in role]
        if name in user:
            found[name] = user[name]
        elif of_roles:
            limits = [limit for limit in of_roles if limit is not None]
            most = min if name == "cooldown_s" else max
            found[name] = most(limits) if len(limits) == len(of_roles) else None
    return Quota(**found)


def places(user_id: int, roles: Collection[int]) -> list[str]:
    """Where the layers of a person stand in the hash: everybody's, the person's, then one for each role."""
    return [Whose.EVERYONE, f"{Whose.USER}:{user_id}", *(f"{Whose.ROLE}:{role}" for role in sorted(roles))]


def read_layer(stored: bytes | str | None) -> dict[str, float | None]:
    """What stands in one place; nothing for what cannot be read."""
    try:
        document = json.loads(text(stored or "{}"))
        found = {name: document[name] for name in FIELDS if name in document}
    except (ValueError, TypeError, RecursionError):
        log.warning("a quota cannot be read and counts as not set")
        return {}
    return {name: value for name, value in found.items() if value is None or _is_limit(value)}


class Quotas:
    """The quotas of one service."""

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._redis = client

    async def set(self, whose: Whose, id: int, changes: Layer, *, clear: Sequence[str] = ()) -> Layer:
        """Change what is said of somebody; `clear` names what is said of them no more. What is said then."""
        parameters = {"place": _place(whose, id), "fields": FIELDS, "changes": dict(changes), "clear": list(clear)}
        return read_layer(await scripts.run_async(self._redis, scripts.SET_QUOTA, scripts.arguments(parameters)))

    async def get(self, whose: Whose, id: int = 0) -> Layer:
        """What is said of somebody."""
        return read_layer(await self._redis.hget(keys.quotas(), _place(whose, id)))

    async def all(self) -> dict[str, Layer]:
        """What is said of anybody, by `everyone`, `role:ID` and `user:ID`."""
        stored = await self._redis.hgetall(keys.quotas())
        return {text(place): read_layer(layer) for place, layer in sorted(stored.items())}


def _place(whose: Whose, id: int) -> str:
    return str(whose) if whose is Whose.EVERYONE else f"{whose}:{id}"


def _is_limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12


def _less(one: float | None, other: float | None) -> float | None:
    limits = [limit for limit in (one, other) if limit is not None]
    return min(limits) if limits else None
