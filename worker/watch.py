"""Whether the engine still moves: a kernel that hangs can only be seen from outside, by the steps that do not come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Watch:
    """Counts who waits for the engine and remembers its last sign of life. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._waiting = 0
        self._last_sign = now()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Somebody waits for the engine inside the block."""
        with self._lock:
            if self._waiting == 0:
                self._last_sign = self._now()
            self._waiting += 1
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    def sign_of_life(self) -> None:
        """The engine took a step, for any job."""
        with self._lock:
            self._last_sign = self._now()

    def owed_s(self) -> float:
        """Seconds since the last sign of life, or 0 while nobody waits."""
        with self._lock:
            return self._now() - self._last_sign if self._waiting else 0.0
