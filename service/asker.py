"""Who asks, where and when: what a door makes of what reached it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from contract.jobs import Destination, User


def nowhere(place: Destination) -> bool:
    """Of people who moderate no place at all."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The person behind one command, press or request.

    `key` is of 64 bits and the same when a request is repeated, so repeating it makes the same jobs: an interaction's
    id, for instance. `asked_ms` is Unix time in milliseconds. `destination` is where results go.

    `guild_id` and `channel_id` say whose rules hold: those of a thread are its parent's. `joined_ms` is when the person
    became a member of that guild, None when that is unknown; `manages` is true of those who manage it. `moderates` says
    of any place whether they may delete other people's messages there.
    """

    user: User
    destination: Destination
    asked_ms: int
    key: int
    locale: str = "en-US"
    guild_id: int | None = None
    channel_id: int | None = None
    joined_ms: int | None = None
    manages: bool = False
    moderates: Callable[[Destination], bool] = field(default=nowhere, compare=False)
