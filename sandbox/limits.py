"""Limits: how often, how large, how many. Discord publishes no rate-limit figures; these defaults are the commonly
reported ones and can be changed while running (``/_sandbox/limits``)."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any

MIB = 1 << 20


@dataclass
class Limits:
    """Every figure that a test or an operator may want to change. Rates are ``(requests, seconds)``."""

    enabled: bool = True
    rates: dict[str, tuple[int, float]] = field(
        default_factory=lambda: {
            "create": (5, 5.0),
            "edit": (5, 5.0),
            "delete": (5, 1.0),
            "webhook": (5, 2.0),
            "reaction": (4, 1.0),
            "other": (20, 1.0),
            "global": (50, 1.0),
        }
    )
    file_bytes: int = 10 * MIB
    request_bytes: int = 25 * MIB
    files: int = 10
    interaction_deadline_s: float = 3.0
    interaction_life_s: float = 900.0
    heartbeat_ms: int = 45_000
    shards: int = 1
    privileged_intents: int = 0

    def change(self, changes: dict[str, Any]) -> None:
        """Set fields by name; ``rates`` is merged. ValueError names a field that is none."""
        for name, value in changes.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"{name!r} is no limit; there are {', '.join(self.__dataclass_fields__)}")
            if name == "rates":
                self.rates |= {rule: (int(count), float(window)) for rule, (count, window) in value.items()}
            else:
                setattr(self, name, type(getattr(self, name))(value))


@dataclass
class Verdict:
    """What a request's bucket says: whether it passes, and the headers its answer carries."""

    allowed: bool
    headers: dict[str, str]
    retry_after: float = 0.0
    everywhere: bool = False


class Buckets:
    """Fixed windows: the first request opens one, and it is full after ``limit`` requests."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, rule: str, key: str, now: float, *, counts_globally: bool) -> Verdict:
        """Count one request of ``rule`` (its ``key`` names the channel or token) at unix time ``now``."""
        if not self._limits.enabled:
            return Verdict(True, {})
        if counts_globally:
            allowed, _, reset_at = self._count("global", self._limits.rates["global"], now)
            if not allowed:
                retry_after = max(0.001, reset_at - now)
                headers = refusal_headers(retry_after) | {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
                return Verdict(False, headers, retry_after, everywhere=True)
        limit, window_s = self._limits.rates[rule]
        allowed, used, reset_at = self._count(f"{rule}:{key}", (limit, window_s), now)
        after = max(0.001, reset_at - now)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - used)),
            "X-RateLimit-Reset": f"{reset_at:.3f}",
            "X-RateLimit-Reset-After": f"{after:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(rule.encode()).hexdigest()[:32],
        }
        if allowed:
            return Verdict(True, headers)
        return Verdict(False, headers | refusal_headers(after) | {"X-RateLimit-Scope": "user"}, after)

    def _count(self, name: str, rate: tuple[int, float], now: float) -> tuple[bool, int, float]:
        limit, window_s = rate
        reset_at, used = self._windows.get(name, (0.0, 0))
        if now >= reset_at:
            reset_at, used = now + window_s, 0
            if len(self._windows) > 10_000:
                self._windows = {key: window for key, window in self._windows.items() if window[0] > now}
        allowed = used < limit
        if allowed:
            used += 1
        self._windows[name] = (reset_at, used)
        return allowed, used, reset_at


def refusal_headers(retry_after: float) -> dict[str, str]:
    """What every 429 of Discord's own carries; ``retry_after`` is in seconds."""
    # Without Via, discord.py takes a 429 for a ban by Cloudflare and gives up.
    return {"Retry-After": str(math.ceil(retry_after)), "Via": "1.1 google"}
