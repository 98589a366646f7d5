"""The sandbox's time: it runs with the wall clock and can be moved forward, so that tests need not wait 15 minutes."""

import asyncio
import time
from datetime import UTC, datetime

DISCORD_EPOCH_MS = 1_420_070_400_000


class Clock:
    """Seconds since 1970, moved forward by :meth:`advance`; sleepers wake when time is moved past their moment."""

    def __init__(self) -> None:
        self._offset_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Unix time in seconds."""
        return time.time() + self._offset_s

    def timestamp(self) -> str:
        """Now, as Discord writes it: ISO 8601 with microseconds and an offset."""
        return datetime.fromtimestamp(self.now(), UTC).isoformat(timespec="microseconds")

    def advance(self, seconds: float) -> None:
        """Move time forward by ``seconds`` (at least 0)."""
        self._offset_s += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Return when ``seconds`` of this clock's time have passed."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                continue


class Snowflakes:
    """Discord's ids: milliseconds since 2015 in the upper 42 bits; never the same twice, always growing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        """A new id as Discord sends it: a decimal string."""
        self._last = max(self._last + 1, (int(self._clock.now() * 1000) - DISCORD_EPOCH_MS) << 22)
        return str(self._last)

    def seen(self, snowflake: str) -> None:
        """Never hand out an id at or below this one (ids read back from disk)."""
        self._last = max(self._last, int(snowflake))


def snowflake_time(snowflake: str) -> float:
    """The unix time in seconds at which an id was made."""
    return ((int(snowflake) >> 22) + DISCORD_EPOCH_MS) / 1000
