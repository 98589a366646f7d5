"""Short words about a job's place in the queue, for the small line under a waiting message and for `/queue`."""

from __future__ import annotations

from contract.locales import Book
from exchange.queue import Position


def place(words: Book, position: Position) -> str:
    """`3 jobs ahead of yours · about 40 s`, or why there is no estimate."""
    ahead = words.say("place.ahead", ahead=position.ahead) if position.ahead else words.say("place.next")
    if position.slots == 0:
        return words.say("place.no_worker", place=ahead)
    if not position.served:
        return words.say("place.unserved", place=ahead)
    if position.eta_s is None:
        return ahead
    return words.say("place.starts", place=ahead, time=duration(words, position.eta_s))


def progress(words: Book, position: Position) -> str:
    """`running · about 40 s left`, of a job that runs."""
    if position.eta_s is None:
        return words.say("place.running")
    return words.say("place.ends", time=duration(words, position.eta_s))


def duration(words: Book, seconds: float) -> str:
    """Rounded as people say it: `5 s`, `40 s`, `3 min`, `2 h`. An estimate is no stopwatch, so steps are coarse."""
    if seconds < 57.5:
        return words.count("seconds", max(5, round(seconds / 5) * 5))
    if seconds < 3570:
        return words.count("minutes", max(1, round(seconds / 60)))
    return words.count("hours", round(seconds / 3600))
