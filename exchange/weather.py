"""Whether something that a process needs is there. Its absence is weather: it is waited out, and said once.

Any error of Redis counts, whatever it answers: a server that is full, read-only, loading or missing a right is mended
by its operator, and until then every process lives on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REMINDER_S = 600.0
"""How often an absence that lasts is said again."""

_MEANINGS = {
    ("OOM", "OutOfMemory"): "its maxmemory is reached: raise it, or free memory",
    ("READONLY", "ReadOnly"): "this server is a replica: it waits for its fail-over",
    ("MISCONF",): "it cannot write its file to disk: free space there",
    ("NOPERM", "NoPermission"): "a right is missing; at its start a process says which",
    ("NOAUTH", "Authentication"): "it wants a password: is the one in REDIS_URL still right?",
    ("WRONGPASS",): "it refuses the password in REDIS_URL",
    ("NOREPLICAS", "NoReplicas"): "it waits for replicas that are not there (min-replicas-to-write)",
    ("LOADING", "BusyLoading"): "it is still reading its file",
    ("MASTERDOWN", "MasterDown"): "it has lost its master",
    ("CLUSTERDOWN", "ClusterDown"): "it runs as a cluster, which is not supported, and is down",
    ("BUSY",): "a script of somebody else keeps it busy",
}
"""By the code of an error, or the name that redis-py has for it."""


HEARD_S = 60.0
"""How long what was heard last says how it is: who does not need a thing any more does not hear that it is back."""

_bad_now: dict[int, tuple[str, float, float]] = {}
"""What is bad in this process: by the Weather's identity, what it is, since when and when last (`time.time`)."""


def bad_weather() -> dict[str, float]:
    """What this process finds bad now -> since when (Unix seconds), the longest first."""
    found: dict[str, float] = {}
    for what, since_s, heard_s in sorted(_bad_now.values(), key=lambda one: one[1]):
        if time.time() - heard_s < HEARD_S:
            found.setdefault(what, since_s)
    return found


class Weather:
    """The state of one thing, such as `Redis`. Safe to share between threads."""

    def __init__(self, what: str, now: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._now = now
        self._lock = threading.Lock()
        self._since: float | None = None
        self._said = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether the last that was heard was bad."""
        return self._since is not None

    def bad(self, error: BaseException) -> None:
        """It failed: said when that is news, and every ten minutes after."""
        now = self._now()
        with self._lock:
            first = self._since is None
            heard_s = time.time()
            _, since_s, _ = _bad_now.get(id(self), (self._what, heard_s, heard_s))
            _bad_now[id(self)] = (self._what, since_s, heard_s)
            self._since = now if self._since is None else self._since
            if not first and now - self._said < REMINDER_S:
                return
            self._said = now
            lasted_s = now - self._since
        log.warning("bad weather", what=self._what, error=sentence(error), since_s=round(lasted_s))

    def good(self) -> None:
        """It works: said when it did not before."""
        if self._since is None:
            return
        with self._lock:
            since, self._since = self._since, None
            _bad_now.pop(id(self), None)
        if since is not None:
            log.info("the weather is good again", what=self._what, after_s=round(self._now() - since, 1))


def sentence(error: BaseException) -> str:
    """An error in one line, with what it means for the operator."""
    words = (str(error).splitlines() or [""])[0].strip() or type(error).__name__
    where = f"{type(error).__name__} {words}"
    meaning = next((meaning for codes, meaning in _MEANINGS.items() if any(code in where for code in codes)), "")
    return f"{words} ({meaning})" if meaning else words
