"""Who one is and where one is: users, the application, the guild, and where the gateway listens."""

from typing import Any

from sandbox.api import Call, Route
from sandbox.errors import invalid, missing_access, unknown
from sandbox.locales import LOCALES
from sandbox.shapes import SETTINGS, require


async def own_user(call: Call) -> Any:
    """GET /users/@me"""
    return call.sandbox.wire.own_user(call.user)


async def own_settings(call: Call) -> Any:
    """GET /users/@me/settings, of which only the language matters here."""
    return {"locale": call.user.locale}


async def change_settings(call: Call) -> Any:
    """PATCH /users/@me/settings: the language that interactions carry and that commands are shown in."""
    locale = require(call.body, SETTINGS).get("locale")
    if locale is not None:
        if locale not in LOCALES:
            raise invalid("locale", "BASE_TYPE_CHOICES", f"Value must be one of {LOCALES}, not {locale!r}.")
        call.user.locale = locale
        call.sandbox.world.save_user(call.user)
        call.sandbox.gateway.tell(call.user, "USER_UPDATE", call.sandbox.wire.own_user(call.user))
    return await own_settings(call)


async def get_user(call: Call) -> Any:
    """GET /users/{user}"""
    user = call.sandbox.world.users.get(call.params["user"])
    if user is None:
        raise unknown("user")
    return call.sandbox.wire.user(user)


async def own_guilds(call: Call) -> Any:
    """GET /users/@me/guilds"""
    wire = call.sandbox.wire
    guild = wire.rest_guild()
    shown = {name: guild[name] for name in ("id", "name", "icon", "features")} | {"banner": None}
    owner = guild["owner_id"] == call.user.id
    shown |= _counts(call)
    return [shown | {"owner": owner, "permissions": str(wire.member_permissions(call.user))}]


async def own_application(call: Call) -> Any:
    """GET /oauth2/applications/@me and /applications/@me"""
    return call.sandbox.wire.application()


async def gateway(call: Call) -> Any:
    """GET /gateway"""
    return {"url": call.sandbox.gateway_url}


async def bot_gateway(call: Call) -> Any:
    """GET /gateway/bot"""
    start = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 16}
    limits = call.sandbox.limits
    return {"url": call.sandbox.gateway_url, "shards": limits.shards, "session_start_limit": start}


async def get_guild(call: Call) -> Any:
    """GET /guilds/{guild}"""
    _check_guild(call)
    return call.sandbox.wire.rest_guild() | _counts(call)


async def list_channels(call: Call) -> Any:
    """GET /guilds/{guild}/channels"""
    _check_guild(call)
    return [call.sandbox.wire.channel(channel, call.user) for channel in call.sandbox.world.guild_channels]


async def list_roles(call: Call) -> Any:
    """GET /guilds/{guild}/roles"""
    _check_guild(call)
    return call.sandbox.wire.rest_guild()["roles"]


async def no_sounds(call: Call) -> Any:
    """GET /soundboard-default-sounds, where Discord lists a few; there is no voice here."""
    return []


async def no_guild_sounds(call: Call) -> Any:
    """GET /guilds/{guild}/soundboard-sounds"""
    _check_guild(call)
    return {"items": []}


async def get_member(call: Call) -> Any:
    """GET /guilds/{guild}/members/{user}"""
    _check_guild(call)
    user = call.sandbox.world.users.get(call.params["user"])
    if user is None:
        raise unknown("member")
    return call.sandbox.wire.member(user)


def _counts(call: Call) -> dict[str, int]:
    """How many are in the guild, for those who ask ``with_counts``."""
    if call.query.get("with_counts", "").lower() not in ("1", "true"):
        return {}
    count = len(call.sandbox.world.users)
    return {"approximate_member_count": count, "approximate_presence_count": count}


def _check_guild(call: Call) -> None:
    if call.params["guild"] != call.sandbox.world.guild_id:
        raise missing_access() if call.user.bot else unknown("guild")


ROUTES = [
    Route("GET", "/users/@me", own_user),
    Route("GET", "/users/@me/guilds", own_guilds),
    Route("GET", "/users/@me/settings", own_settings, "user"),
    Route("PATCH", "/users/@me/settings", change_settings, "user"),
    Route("GET", "/users/{user}", get_user),
    Route("GET", "/oauth2/applications/@me", own_application, "bot"),
    Route("GET", "/applications/@me", own_application, "bot"),
    Route("GET", "/gateway", gateway, "token"),
    Route("GET", "/gateway/bot", bot_gateway, "bot"),
    Route("GET", "/guilds/{guild}", get_guild),
    Route("GET", "/guilds/{guild}/channels", list_channels),
    Route("GET", "/guilds/{guild}/roles", list_roles),
    Route("GET", "/guilds/{guild}/members/{user}", get_member),
    Route("GET", "/guilds/{guild}/soundboard-sounds", no_guild_sounds),
    Route("GET", "/soundboard-default-sounds", no_sounds),
]
