"""People who ask something of the service."""

from __future__ import annotations

from contract.jobs import DiscordChannel, User
from service.asker import Asker

HERE = DiscordChannel(channel_id=11, guild_id=22)
NOW_MS = 1_790_000_000_000


def asker(user_id: int = 1, place: DiscordChannel = HERE, *, key: int = 1) -> Asker:
    """Somebody without any special right."""
    return Asker(
        user=User(user_id, f"user{user_id}"),
        destination=place,
        asked_ms=NOW_MS,
        key=key,
        guild_id=place.guild_id,
        channel_id=place.channel_id,
    )
