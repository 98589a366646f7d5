"""Short words about a job's place in the queue, for the small line under a waiting message and for `/queue`."""

from __future__ import annotations

from exchange.queue import Position


def place(position: Position) -> str:
    """`3 jobs ahead of yours · about 40 s`, or why there is no estimate."""
    ahead = {0: "next in line", 1: "1 job ahead of yours"}.get(position.ahead, f"{position.ahead} jobs ahead of yours")
    if position.slots == 0:
        return f"{ahead} · no worker is running right now, it starts as soon as one is"
    return ahead if position.eta_s is None else f"{ahead} · about {duration(position.eta_s)}"


def duration(seconds: float) -> str:
    """Rounded as people say it: `5 s`, `40 s`, `3 min`, `2 h`. An estimate is no stopwatch, so steps are coarse."""
    if seconds < 57.5:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 3570:
        return f"{max(1, round(seconds / 60))} min"
    return f"{round(seconds / 3600)} h"
