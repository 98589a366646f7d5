"""Heavy refusals: each counts for a day, and too many are a time-out. Counted by doors for words, by workers for
pictures."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

import redis
import redis.asyncio

from exchange import scripts
from exchange.policy import DAY_MS, Ban, Policy

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Strike:
    """How many heavy refusals there were within a day, of how many that are a time-out (0: never), and whether this
    one led to it."""

    count: int
    limit: int
    timed_out: bool

    @property
    def values(self) -> dict[str, str | int]:
        """What a sentence about it needs."""
        return {"reason": "counted", "count": self.count, "limit": self.limit} if self.limit else {}


def strike(client: redis.Redis, policy: Policy, user_id: int, event: str, why: str) -> Strike:
    """Count a heavy refusal, once for each `event`. `why` is what a person who is timed out is told."""
    return _strike(policy, scripts.run(client, scripts.STRIKE, _arguments(policy, user_id, event, why)))


async def strike_async(client: redis.asyncio.Redis, policy: Policy, user_id: int, event: str, why: str) -> Strike:
    """`strike` for an asyncio client."""
    return _strike(policy, await scripts.run_async(client, scripts.STRIKE, _arguments(policy, user_id, event, why)))


def _arguments(policy: Policy, user_id: int, event: str, why: str) -> list[Any]:
    now_ms = int(time.time() * 1000)
    ban = Ban(why, now_ms + policy.time_out_min * MINUTE_MS)
    parameters = {
        "user": str(user_id),
        "event": event,
        "now": now_ms,
        "day": DAY_MS,
        "limit": policy.strikes,
        "ban": json.dumps(asdict(ban)),
    }
    return scripts.arguments(parameters)


def _strike(policy: Policy, answer: Any) -> Strike:
    count, timed_out = answer
    return Strike(int(count), policy.strikes, bool(timed_out))
