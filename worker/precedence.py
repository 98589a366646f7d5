"""What is urgent on one model goes before what is not on another.

Each loaded model has an engine of its own, which gives its rows to the most urgent of its requests; engines that share
a device know nothing of each other. So while something urgent is drawn with one, what is far less urgent on another
pauses between two steps, which costs it nothing but time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

GAP = 4.0
"""How much more urgent something has to be, in units of `worker.render.urgency_of`: as fast is before relaxed."""
PATIENCE_S = 60.0
"""Who has paused for so long goes on at the next step of whatever is drawn."""


class Pausable(Protocol):
    """What is asked of `model.Ticket`."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


@dataclass(eq=False)
class _Work:
    model: str
    urgency: float
    ticket: Pausable
    paused_at: float | None = None
    impatient: bool = False


class Precedence:
    """Knows what is drawn in this process. Safe to share between threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._works: list[_Work] = []

    @contextmanager
    def drawing(self, model: str, urgency: float, ticket: Pausable) -> Iterator[None]:
        """Within, `ticket` is drawn with `model`; smaller urgencies go first."""
        work = _Work(model, urgency, ticket)
        with self._lock:
            self._works.append(work)
            self._settle()
        try:
            yield
        finally:
            with self._lock:
                self._works.remove(work)
                self._settle()

    def step(self) -> None:
        """To be called with every step of what is drawn, so that nobody's patience depends on what comes and goes."""
        with self._lock:
            if any(work.paused_at is not None for work in self._works):
                self._settle()

    def _settle(self) -> None:
        """Pause and resume what has to be; under the lock."""
        now = self._now()
        for work in self._works:
            behind = any(
                other.model != work.model and other.urgency <= work.urgency - GAP and other.paused_at is None
                for other in self._works
            )
            if work.paused_at is None and behind and not work.impatient:
                work.paused_at = now
                work.ticket.pause()
            elif work.paused_at is not None and (not behind or now - work.paused_at >= PATIENCE_S):
                work.impatient, work.paused_at = behind, None
                work.ticket.resume()
