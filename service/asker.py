"""Who asks, where and when: what a door makes of what reached it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.errors import MalformedDocument
from contract.jobs import Destination, Job, User
from exchange.quotas import ANY_AMOUNT, Quota


def nowhere(place: Destination) -> bool:
    """Of people who moderate no place at all."""
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The person behind one command, press or request.

    `key` is of 64 bits and the same when a request is repeated, so repeating it makes the same jobs: an interaction's
    id, for instance. `asked_ms` is Unix time in milliseconds. `destination` is where results go.

    `guild_id` and `channel_id` say whose rules hold: those of a thread are its parent's. `joined_ms` is when the person
    became a member of that guild, None when that is unknown; `roles` are theirs there; `manages` is true of those who
    manage it. `moderates` says of any place whether they may delete other people's messages there. `age_restricted`:
    Discord keeps minors out of the channel.

    `returns`: they ask for the same once more when they hear of no answer, so what arrived in spite of that stays.

    `quota` holds beside the person's own, such as that of an API key. `means_it`: they were asked about light words
    and go on; `pardoned` are rules that a moderator let them past (`contract.moderation.Met.pardon`).
    """

    user: User
    destination: Destination
    asked_ms: int
    key: int
    locale: str = "en-US"
    guild_id: int | None = None
    channel_id: int | None = None
    joined_ms: int | None = None
    roles: frozenset[int] = frozenset()
    manages: bool = False
    age_restricted: bool = False
    returns: bool = False
    quota: Quota = ANY_AMOUNT
    means_it: bool = False
    pardoned: frozenset[str] = frozenset()
    moderates: Callable[[Destination], bool] = field(default=nowhere, compare=False)


def asker_document(asker: Asker) -> dict[str, Any]:
    """What has to be kept of an asker beside their jobs, as a JSON object."""
    return {
        "channel": asker.channel_id,
        "joined_ms": asker.joined_ms,
        "roles": sorted(asker.roles),
        "manages": asker.manages,
        "age_restricted": asker.age_restricted,
        "means_it": asker.means_it,
        "pardoned": sorted(asker.pardoned),
    }


def asker_from_document(document: Mapping[str, Any], job: Job) -> Asker:
    """Who asked for `job`, from what was kept of them. MalformedDocument when it is not that."""
    try:
        return Asker(
            user=job.user,
            destination=job.destination,
            asked_ms=job.created_ms,
            key=0,  # the ids of their jobs are made already
            locale=job.locale,
            guild_id=job.destination.guild_id,
            channel_id=document["channel"],
            joined_ms=document["joined_ms"],
            roles=frozenset(document.get("roles", ())),
            manages=document["manages"] is True,
            age_restricted=document.get("age_restricted") is True,
            means_it=document.get("means_it") is True,
            returns=True,  # a batch does, until each of its jobs is accepted
            pardoned=frozenset(document.get("pardoned", ())),
        )
    except (KeyError, TypeError) as error:
        raise MalformedDocument("this is not what was kept of an asker") from error
