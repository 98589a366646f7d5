"""The sandbox's own routes, below ``/_sandbox``: what was said, trouble on request, time, limits and permissions.

No client of Discord's uses them; they are for tests and for people who want to see a program meet its limits. All take
and give JSON, except the record, which is JSON lines.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.commands import add_entry_point
from sandbox.core import Sandbox
from sandbox.permissions import MEMBER, Permission, by_name

DISTURBANCES = ("drop", "reconnect", "invalid_session", "silence")
Control = Callable[[Sandbox, dict[str, Any]], Any]


def post_fault(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """A :class:`sandbox.faults.Fault` plans trouble for coming requests, for example ``{"kind": "answer", "answer":
    "cloudflare_block", "by": "bot", "after_s": 0.5, "for_s": 20}``; ``{"kind": "drop" | "reconnect" | "invalid_session"
    | "silence", "bots", "resumable", "seconds"}`` strikes the connected gateway clients at once."""
    if body.get("kind") in DISTURBANCES:
        bots, resumable = bool(body.get("bots", True)), bool(body.get("resumable", True))
        seconds = float(body.get("seconds", 60))
        return {"struck": sandbox.gateway.disturb(body["kind"], bots=bots, resumable=resumable, seconds=seconds)}
    return sandbox.faults.add(body).described()


def delete_faults(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Forget the trouble still to come."""
    sandbox.faults.clear()
    return []


def get_faults(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """The trouble still to come."""
    return [fault.described() for fault in sandbox.faults.pending]


def post_clock(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """``{"advance_s": 900}`` moves time forward for deadlines, tokens and links, not for heartbeats and rates."""
    seconds = float(body["advance_s"])
    if seconds < 0:
        raise ValueError("time runs forward only: advance_s must be at least 0")
    sandbox.clock.advance(seconds)
    return get_clock(sandbox, body)


def get_clock(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """What time it is here."""
    return {"now": sandbox.clock.now(), "timestamp": sandbox.clock.timestamp()}


def post_limits(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Change limits by name, for example ``{"enabled": false}`` or ``{"rates": {"edit": [1, 2.0]}}``."""
    sandbox.limits.change(body)
    return get_limits(sandbox, body)


def get_limits(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """All limits."""
    return asdict(sandbox.limits)


def post_permissions(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """What the bot, or with ``user_id`` a person, may do in a channel: ``{"channel_id", "deny": ["send_messages"],
    "allow": ["manage_messages"]}``, counted from what every member may do, or ``{"channel_id", "permissions": "1024"}``
    for all bits at once."""
    channel = sandbox.world.channels[str(body["channel_id"])]
    if "permissions" in body:
        bits = int(body["permissions"])
    else:
        bits = int(MEMBER) & ~by_name(body.get("deny", [])) | by_name(body.get("allow", []))
    if "user_id" in body:
        channel.permissions[sandbox.world.users[str(body["user_id"])].id] = bits
    else:
        channel.bot_permissions = bits
    sandbox.world.save_channel(channel)
    sandbox.gateway.publish("CHANNEL_UPDATE", channel, lambda viewer: sandbox.wire.channel(channel, viewer))
    return get_permissions(sandbox, body)


def get_permissions(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """The bot's permissions by channel: the bits, and the names of those that every member has but the bot lacks."""
    return {
        channel.id: {
            "permissions": str(channel.bot_permissions),
            "missing": [str(p.name).lower() for p in Permission if p & MEMBER and not p & channel.bot_permissions],
        }
        for channel in sandbox.world.guild_channels
    }


def post_activities(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Enable Activities for the application, as its operator may do on Discord's site at any time: a command of its own
    appears, which no bulk update may leave out."""
    return add_entry_point(sandbox)


def post_user(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """``{"user_id", "locale": "de", "dms_open": false}`` changes a person's settings."""
    user = sandbox.world.users[str(body["user_id"])]
    user.locale = str(body.get("locale", user.locale))
    user.dms_open = bool(body.get("dms_open", user.dms_open))
    sandbox.world.save_user(user)
    return {"id": user.id, "locale": user.locale, "dms_open": user.dms_open}


def get_sessions(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Who is connected to the gateway, or may still resume."""
    return sandbox.gateway.sessions()


def get_violations(sandbox: Sandbox, body: dict[str, Any]) -> Any:
    """Breaches that were let pass: routes the sandbox lacks, bots that do not say who they are, its own failures."""
    return sandbox.record.violations


def add_control(app: web.Application, sandbox: Sandbox) -> None:
    """Serve everything above, and the record."""

    def endpoint(control: Control) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def answer(request: web.Request) -> web.Response:
            body: Any = {}
            if request.method == "POST":
                # A foreign web page can send forms here, but not JSON.
                if request.content_type != "application/json":
                    return web.json_response({"message": "Send JSON."}, status=415)
                body = await request.json()
            try:
                return web.json_response(control(sandbox, body))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                return web.json_response({"message": f"{type(error).__name__}: {error}"}, status=400)

        return answer

    async def exchanges(request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        lines = sandbox.record.lines(int(since) if since.isdecimal() else 0)
        return web.Response(text="".join(f"{line}\n" for line in lines), content_type="application/x-ndjson")

    app.router.add_get("/_sandbox/exchanges.jsonl", exchanges)
    app.router.add_delete("/_sandbox/faults", endpoint(delete_faults))
    gets = {"faults": get_faults, "clock": get_clock, "limits": get_limits, "permissions": get_permissions}
    gets |= {"sessions": get_sessions, "violations": get_violations}
    posts = {"faults": post_fault, "clock": post_clock, "limits": post_limits, "permissions": post_permissions}
    posts |= {"users": post_user, "activities": post_activities}
    for name, control in gets.items():
        app.router.add_get(f"/_sandbox/{name}", endpoint(control))
    for name, control in posts.items():
        app.router.add_post(f"/_sandbox/{name}", endpoint(control))
