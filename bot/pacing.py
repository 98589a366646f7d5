"""When to edit which message of a channel. Pure: the time is handed in, in seconds of any steady clock.

Discord limits edits per channel, and its library answers a limit by waiting, so that old edits would pile up. Here at
most one edit per message is pending, the newest, and a channel's messages share one budget.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Edit = TypeVar("Edit")

EDITS_PER_WINDOW = 5
WINDOW_S = 5.0
SHORTEST_INTERVAL_S = 1.5
INTERVAL_PER_MESSAGE_S = 1.25
"""Discord is commonly reported to allow five edits in five seconds a channel. With n messages on the move, one edit
each every 1.25 n seconds stays a fifth below that, which leaves room for final edits and for the first preview."""

KEPT_FREE = 1
"""Edits of a window that are left to the others by those that yield."""


@dataclass(slots=True)
class _Row(Generic[Edit]):
    pending: Edit | None = None
    urgent: bool = False
    moving: bool = True
    yielding: bool = False
    last_edit_s: float = float("-inf")


class ChannelPace(Generic[Key, Edit]):
    """The pending edits of one channel's messages and the budget they share."""

    def __init__(self) -> None:
        self._rows: dict[Key, _Row[Edit]] = {}
        self._sent_s: deque[float] = deque(maxlen=EDITS_PER_WINDOW)

    def __len__(self) -> int:
        return len(self._rows)

    def offer(
        self,
        key: Key,
        edit: Edit,
        *,
        urgent: bool = False,
        moving: bool = True,
        yielding: bool = False,
    ) -> None:
        """Make `edit` the pending one of message `key`, instead of the one that is pending.

        An urgent edit does not wait for its message's interval, only for the channel's budget. A message that is not
        `moving` gets an edit now and then, so it does not make the others wait. An edit that is `yielding` lets all
        others go first and leaves room for one that may come; its message gets no others, and is forgotten with it.
        """
        row = self._rows.setdefault(key, _Row())
        row.pending = edit
        row.urgent = row.urgent or urgent
        row.moving = moving and not yielding
        row.yielding = yielding

    def forget(self, key: Key) -> None:
        """Drop a message: it is finished, or gone."""
        self._rows.pop(key, None)

    def idle_s(self, now_s: float) -> float:
        """Seconds since the last edit; infinite before the first."""
        return now_s - self._sent_s[-1] if self._sent_s else float("inf")

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until an edit may be sent: 0 when one may go now, None when none is pending."""
        interval_s = self._interval_s()
        starts = [
            max(self._start_s(row, interval_s), self._budget_s(now_s, row.yielding))
            for row in self._rows.values()
            if row.pending is not None
        ]
        return max(0.0, min(starts) - now_s) if starts else None

    def take(self, now_s: float) -> tuple[Key, Edit] | None:
        """The edit to send now, counted against the budget; None when `wait_s` is not 0."""
        if self.wait_s(now_s) != 0.0:
            return None
        interval_s = self._interval_s()
        due = [
            (key, row)
            for key, row in self._rows.items()
            if row.pending is not None and self._start_s(row, interval_s) <= now_s
        ]
        key, row = min(
            due, key=lambda item: (item[1].yielding, self._start_s(item[1], interval_s), item[1].last_edit_s)
        )
        edit = row.pending
        assert edit is not None
        row.pending, row.urgent, row.last_edit_s = None, False, now_s
        if row.yielding:
            del self._rows[key]
        self._sent_s.append(now_s)
        return key, edit

    def _interval_s(self) -> float:
        """Seconds between two edits of one message; counted once a decision, because hundreds may wait in a channel."""
        return max(SHORTEST_INTERVAL_S, INTERVAL_PER_MESSAGE_S * sum(row.moving for row in self._rows.values()))

    def _start_s(self, row: _Row[Edit], interval_s: float) -> float:
        return float("-inf") if row.urgent else row.last_edit_s + interval_s

    def _budget_s(self, now_s: float, yielding: bool) -> float:
        """When the channel has room for one more edit."""
        allowed = EDITS_PER_WINDOW - KEPT_FREE if yielding else EDITS_PER_WINDOW
        return self._sent_s[-allowed] + WINDOW_S if len(self._sent_s) >= allowed else now_s
