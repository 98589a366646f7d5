"""What a gateway session is told first: READY, and what follows at once (docs: Gateway Events).

People's clients say in ``capabilities`` which newer forms they understand; what is known of these bits comes from the
unofficial documentation of Discord's own clients.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.sessions import Session
from sandbox.wire import Wire
from sandbox.world import World

VERSIONED_READ_STATES, VERSIONED_GUILD_SETTINGS, DEDUPLICATED_USERS, PRIORITIZED_READY = 1 << 2, 1 << 3, 1 << 4, 1 << 5
GUILDS_INTENT = 1 << 0
Event = tuple[str, dict[str, Any]]


def greeting(world: World, wire: Wire, session: Session) -> Iterator[Event]:
    """The events that begin ``session``, in order."""
    ready: dict[str, Any] = {
        "v": 10,
        "user": wire.own_user(session.user),
        "session_id": session.id,
        "resume_gateway_url": wire.base_url.replace("http", "ws", 1),
        "session_type": "normal",
        "_trace": [],
    }
    if session.user.bot:
        yield from _to_bot(world, wire, session, ready)
    else:
        yield from _to_person(world, wire, session, ready)


def _to_bot(world: World, wire: Wire, session: Session, ready: dict[str, Any]) -> Iterator[Event]:
    mine = session.serves(world.guild_id)
    ready |= {
        "guilds": [{"id": world.guild_id, "unavailable": True}] if mine else [],
        "private_channels": [],  # a bot meets them one by one, with their messages
        "relationships": [],
        "presences": [],
        "user_settings": {},
        "application": {"id": world.bot_id, "flags": 0},
    }
    if session.shard is not None:
        ready["shard"] = list(session.shard)
    yield "READY", ready
    if mine and session.intents & GUILDS_INTENT:
        yield "GUILD_CREATE", wire.guild(session.user)


def _to_person(world: World, wire: Wire, session: Session, ready: dict[str, Any]) -> Iterator[Event]:
    user, understands = session.user, session.capabilities
    guild = wire.guild(user)
    ready |= {
        "guilds": [guild],
        "private_channels": [wire.channel(channel, user) for channel in world.direct_channels(user)],
        "users": [wire.user(other) for other in world.users.values() if other is not user],
        "relationships": [],
        "read_state": _versioned([]) if understands & VERSIONED_READ_STATES else [],
        "user_guild_settings": _versioned([]) if understands & VERSIONED_GUILD_SETTINGS else [],
        "user_settings": {"locale": user.locale},
    }
    if understands & DEDUPLICATED_USERS:
        members = [
            wire.member(other, with_user=False) | {"user_id": other.id} for other in world.users.values()
        ]  # the person's own membership comes at once, the others' may come later
        guild["members"] = []
        ready["merged_members"] = [[member for member in members if member["user_id"] == user.id]]
        others = [member for member in members if member["user_id"] != user.id]
    else:
        others = []
    yield "READY", ready
    if understands & PRIORITIZED_READY:
        supplement = {
            "guilds": [{"id": world.guild_id, "voice_states": [], "embedded_activities": []}],
            "merged_members": [others],
            "merged_presences": {"guilds": [[]], "friends": []},
            "lazy_private_channels": [],
            "disclose": [],
        }
        yield "READY_SUPPLEMENTAL", supplement


def _versioned(entries: list[Any]) -> dict[str, Any]:
    return {"entries": entries, "partial": False, "version": 0}
