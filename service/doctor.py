"""What is wrong with a door's settings, and what a door asks at its start."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from contract.errors import UserError
from contract.moderation import read_blocked
from contract.sentences import describe
from exchange.doctor.findings import Finding, begin_with, broken, examine, risky
from exchange.doctor.host import host_findings
from exchange.doctor.offer import offer_findings
from exchange.doctor.server import server_findings
from exchange.doctor.store import store_findings
from service.settings import DoorSettings

_OF_OTHERS = ";*[](){}|\\^$+?"
"""What separates words or stands for others elsewhere: in lists of other programs, in patterns."""
_COMMONEST = frozenset({*"abcdefghijklmnopqrstuvwxyz", "the", "an", "of", "in", "on", "and", "with", "at", "to"})
DISCORD_TAKES = 5
"""Messages in one channel in five seconds."""


def at_start(settings: DoorSettings, client: redis.Redis) -> None:
    """Say in the log what is risky, and raise Unfit for what is broken, before a door opens."""
    begin_with(
        [
            *examine("Redis", lambda: server_findings(settings, client)),
            *examine("the image store", lambda: store_findings(settings, client)),
            *examine("this host", lambda: host_findings(settings)),
            *examine("the catalogue", lambda: offer_findings(settings, client)),
            *examine("limits", lambda: door_findings(settings)),
        ]
    )


def door_findings(settings: DoorSettings) -> Iterator[Finding]:
    """Limits and words that do not do what they seem to. SettingsError for a file of words that cannot be read."""
    if settings.blocked_words and not settings.read_blocked_words():
        yield risky("limits", "BLOCKED_WORDS is set, but holds no word: nothing is blocked.")
    for entry in settings.read_blocked_words():
        try:
            read_blocked(entry)
        except UserError as error:
            yield broken("limits", f"BLOCKED_WORDS holds {entry!r}, which blocks nothing: {describe(error)[1]}")
            continue
        if signs := sorted(set(read_blocked(entry).word) & set(_OF_OTHERS)):
            yield risky(
                "limits",
                f"BLOCKED_WORDS holds {entry!r}, in which {signs[0]} means nothing: entries are words with commas "
                "between them, and are found however they are written.",
            )
        if read_blocked(entry).word.lower() in _COMMONEST:
            yield risky("limits", f"BLOCKED_WORDS holds {entry!r}, which stands in many an ordinary prompt.")
    if not settings.weight_relax <= settings.weight_fast <= settings.weight_turbo:
        yield risky(
            "limits",
            "WEIGHT_RELAX, WEIGHT_FAST and WEIGHT_TURBO do not rise in this order, so slower speeds go first.",
        )
    if settings.posts_per_channel > DISCORD_TAKES:
        yield risky(
            "limits",
            f"POSTS_PER_CHANNEL is {settings.posts_per_channel}, but Discord takes {DISCORD_TAKES} messages of a "
            "channel in five seconds: pictures would wait for it out of turn.",
        )
    if not settings.max_queued_per_user and not settings.max_queued_per_guild:
        yield risky(
            "limits",
            "Nobody is limited in how many jobs may wait (MAX_QUEUED_PER_USER and MAX_QUEUED_PER_GUILD are 0): one "
            "person can fill Redis.",
        )
    if settings.max_queued_per_guild and settings.max_queued_per_user > settings.max_queued_per_guild:
        yield risky(
            "limits",
            f"MAX_QUEUED_PER_USER ({settings.max_queued_per_user}) is above MAX_QUEUED_PER_GUILD "
            f"({settings.max_queued_per_guild}): one person can take all of a server's places.",
        )
