"""The signals that ask a process to end, one after another."""

from __future__ import annotations

import signal
from queue import Empty, SimpleQueue
from types import FrameType

LOOK_S = 0.2


class Signals:
    """SIGTERM and SIGINT from now on. To be made and waited on in the main thread; others may wait as well."""

    def __init__(self) -> None:
        # Its `put` may interrupt itself, as a handler does sooner or later; an Event would lock up for good.
        self._queue: SimpleQueue[int] = SimpleQueue()
        self._seen: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._came)

    def wait(self) -> int:
        """The next one. A process that was frozen and is told to end as it wakes up may have the signal taken by any
        of its threads, which interrupts no wait of the main one; only there do handlers run, so it looks now and then.
        """
        while True:
            try:
                number = self._queue.get(timeout=LOOK_S)
            except Empty:
                continue
            self._seen.append(number)
            return number

    def wait_for_haste(self, *, supervised: bool) -> None:
        """Return when, after the first, another one asks to end at once.

        A supervisor asks so by SIGINT: two of one number at the same moment would be one, and a second SIGTERM may be
        that of whoever ends all processes of a service, as systemd does.
        """
        while True:
            self.wait()
            if not supervised or signal.SIGINT in self._seen:
                return

    def _came(self, number: int, frame: FrameType | None) -> None:
        self._queue.put(number)
