"""How long pictures and records are kept. Their messages and buttons stay: what is pressed again is drawn again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import redis
import structlog

from exchange import keys
from exchange.images import ImageStore

log = structlog.get_logger(__name__)

DAY_S = 86_400
LOOK_S = 3_600.0


def prune(store: ImageStore, days: float, *, dry: bool = False, now: Callable[[], float] = time.time) -> int:
    """Delete the pictures and records of jobs that nobody touched for `days`; how many jobs that were.

    `dry` only counts them.
    """
    count = 0
    for job_id in store.untouched_since(now() - days * DAY_S):
        if not dry:
            store.delete(job_id)
        count += 1
    return count


class Retention(threading.Thread):
    """Prunes once a day, in one process of the whole fleet: whichever asks Redis first."""

    def __init__(self, store: ImageStore, client: redis.Redis, days: float) -> None:
        super().__init__(name="retention", daemon=True)
        self._store = store
        self._redis = client
        self._days = days
        self._ended = threading.Event()

    def run(self) -> None:
        """Look every hour whether it is time, until `stop`."""
        while True:
            try:
                self.look()
            except Exception:
                # A store or a Redis that is away must not end the thread; there is another hour.
                log.exception("could not prune the image store")
            if self._ended.wait(LOOK_S):
                return

    def look(self) -> int | None:
        """Prune if nobody did today; how many jobs that were, or None."""
        if self._redis.ttl(keys.pruned()) == -1:
            self._redis.delete(keys.pruned())  # a mark without an end is none of ours, and would hold for ever
        if not self._redis.set(keys.pruned(), "1", nx=True, ex=DAY_S - 60):
            return None
        count = prune(self._store, self._days)
        log.info("pruned the image store", jobs=count, days=self._days)
        return count

    def stop(self) -> None:
        """End the thread after what it is at."""
        self._ended.set()
