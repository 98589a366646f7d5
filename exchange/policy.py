"""The operator's policy as values, and how they stand in Redis; `exchange.policies` keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import redis
from pydantic import TypeAdapter, ValidationError

from contract.errors import UserError
from contract.moderation import DEFAULT_THRESHOLD, NOTHING, Weighed, read_weighed
from exchange import keys
from exchange.reading import integer, number, text

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


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
    """What holds for everybody.

    `jobs_per_hour` and `cooldown_s` are for each person, 0 for no limit; the quotas may say otherwise of some. `turbo`
    and `relax` say whether these speeds are on offer. `pictures` is what follows when a picture is for adults with at
    least the probability `picture_threshold`. `strikes` heavy refusals within a day are a time-out of `time_out_min`
    minutes, 0 for never. `review_channel` is where appeals and reports go, 0 for nowhere.
    """

    direct_messages: bool = True
    turbo: bool = True
    relax: bool = True
    jobs_per_hour: int = 0
    cooldown_s: int = 0
    pictures: Weighed = NOTHING
    picture_threshold: float = DEFAULT_THRESHOLD
    strikes: int = 3
    time_out_min: int = 60
    review_channel: int = 0


_BAN = TypeAdapter(Ban)


def read_policy(client: redis.Redis) -> Policy:
    """The policy that holds now, for a worker."""
    return policy_from(client.hgetall(keys.policy()))


def policy_from(stored: Mapping[Any, bytes | str]) -> Policy:
    """The policy that is stored. A value that makes no sense counts as not set."""
    values = {text(name): text(value) for name, value in stored.items()}
    found: dict[str, Any] = {}
    for one in fields(Policy):
        value = values.get(one.name)
        if value is None:
            continue
        match one.default:
            case Weighed():
                with suppress(UserError):
                    found[one.name] = read_weighed(value)
            case bool() if integer(value) is not None:
                found[one.name] = bool(integer(value))
            case float() if 0 <= number(value) <= 1:
                found[one.name] = number(value)
            case int() if integer(value) is not None:
                found[one.name] = integer(value)
    return Policy(**found)


def ban_from(stored: bytes | str | None, now_ms: int) -> Ban | None:
    """A ban that holds now. One that cannot be read holds: it was meant."""
    if stored is None:
        return None
    try:
        ban = _BAN.validate_json(stored)
    except ValidationError:
        return Ban()
    return None if ban.until_ms is not None and ban.until_ms <= now_ms else ban
