"""The channels' routes: messages, reactions, typing."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from sandbox.api import Call, Route
from sandbox.clock import snowflake_time
from sandbox.drafts import read_draft
from sandbox.errors import ApiError, Form, invalid, missing_permissions, not_the_author, unknown
from sandbox.permissions import Permission as P
from sandbox.posting import post, remove, remove_all, update
from sandbox.shapes import BULK, DIRECT, MESSAGE, SLOTS, require
from sandbox.wire import REPLY
from sandbox.world import DM, GUILD_TEXT, Channel, Message

NONCE_LENGTH = 25
BULK_AGE_S = timedelta(days=14).total_seconds()
REACTIONS_A_MESSAGE = 20


async def get_channel(call: Call) -> Any:
    """GET /channels/{channel}"""
    return call.sandbox.wire.channel(call.channel(), call.user)


async def list_messages(call: Call) -> Any:
    """GET /channels/{channel}/messages: newest first; before, after or around an id."""
    channel = call.channel()
    limit = _number(call, "limit", 50)
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    if call.user.bot and channel.type == GUILD_TEXT and not channel.bot_permissions & P.READ_MESSAGE_HISTORY:
        return []
    history = call.sandbox.world.history(channel.id)
    bounds = {name: _number(call, name, 0) for name in ("before", "after", "around") if call.query.get(name)}
    if "after" in bounds:
        found = [m for m in history if int(m.id) > bounds["after"]][:limit]
    elif "around" in bounds:
        older = [m for m in history if int(m.id) <= bounds["around"]][-(limit // 2 + 1) :]
        newer = [m for m in history if int(m.id) > bounds["around"]][: limit // 2]
        found = (older + newer)[-limit:]
    else:
        found = [m for m in history if int(m.id) < bounds.get("before", 1 << 64)][-limit:]
    return [call.sandbox.wire.message(message, call.user) for message in reversed(found)]


async def get_message(call: Call) -> Any:
    """GET /channels/{channel}/messages/{message}"""
    return call.sandbox.wire.message(call.message(call.channel()), call.user)


async def create_message(call: Call) -> Any:
    """POST /channels/{channel}/messages, with ``nonce`` and ``enforce_nonce``."""
    sandbox, world = call.sandbox, call.sandbox.world
    channel = call.channel(P.SEND_MESSAGES)
    body = require(call.body, MESSAGE)
    _check_direct(call, channel)
    _check_rights(call, channel, body)
    nonce = body.get("nonce")
    if nonce is not None and len(str(nonce)) > NONCE_LENGTH:
        raise invalid("nonce", "NONCE_TYPE_TOO_LONG", f"Nonce must be {NONCE_LENGTH} or fewer in length.")
    if nonce is not None and body.get("enforce_nonce"):
        sent = world.message_by_nonce(call.user.id, nonce)
        if sent is not None:
            return sandbox.wire.message(sent, call.user, new=True)
    reply_to = _reference(call, channel, body)
    draft = read_draft(sandbox, call.user, body, call.files, reply_to=reply_to)
    message = Message(world.ids.next(), channel.id, call.user.id, sandbox.clock.timestamp())
    if reply_to is not None:
        message.type, message.reference = REPLY, reply_to.id
    if nonce is not None:
        message.nonce, message.nonce_to = nonce, call.user.id
    draft.apply(sandbox, message)
    post(sandbox, message)
    return sandbox.wire.message(message, call.user, new=True)


async def edit_message(call: Call) -> Any:
    """PATCH /channels/{channel}/messages/{message}"""
    channel = call.channel()
    message = call.message(channel)
    if message.author_id != call.user.id:
        raise not_the_author()
    _check_rights(call, channel, {})
    draft = read_draft(call.sandbox, call.user, call.form, call.files, old=message)
    draft.apply(call.sandbox, message)
    update(call.sandbox, message)
    return call.sandbox.wire.message(message, call.user)


async def delete_message(call: Call) -> None:
    """DELETE /channels/{channel}/messages/{message}"""
    channel = call.channel()
    message = call.message(channel)
    if message.author_id != call.user.id:
        _require_management(call, channel)
    remove(call.sandbox, message)


async def bulk_delete(call: Call) -> None:
    """POST /channels/{channel}/messages/bulk-delete"""
    sandbox, channel = call.sandbox, call.channel()
    _require_management(call, channel)
    form = Form()
    ids = require(call.body, BULK).get("messages") or []
    form.count("messages", ids, 2, 100)
    form.check()
    if any(sandbox.clock.now() - snowflake_time(str(message_id)) > BULK_AGE_S for message_id in ids):
        raise ApiError(400, 50034, "You can only bulk delete messages that are under 14 days old.")
    wanted = {str(message_id) for message_id in ids}
    remove_all(sandbox, channel, [message for message in sandbox.world.history(channel.id) if message.id in wanted])


async def start_typing(call: Call) -> None:
    """POST /channels/{channel}/typing"""
    channel = call.channel(P.SEND_MESSAGES)
    payload = {"channel_id": channel.id, "user_id": call.user.id, "timestamp": int(call.sandbox.clock.now())}
    if guild_id := call.sandbox.world.channel_guild(channel):
        payload |= {"guild_id": guild_id, "member": call.sandbox.wire.member(call.user)}
    call.sandbox.gateway.publish("TYPING_START", channel, lambda viewer: payload)


async def add_reaction(call: Call) -> None:
    """PUT /channels/{channel}/messages/{message}/reactions/{emoji}/@me"""
    channel = call.channel(P.READ_MESSAGE_HISTORY)
    message, emoji = call.message(channel), _emoji(call)
    if emoji not in message.reactions:
        call.channel(P.ADD_REACTIONS)
        if len(message.reactions) >= REACTIONS_A_MESSAGE:
            raise ApiError(400, 30010, f"Maximum number of reactions reached ({REACTIONS_A_MESSAGE})")
    users = message.reactions.setdefault(emoji, [])
    if call.user.id not in users:
        users.append(call.user.id)
        call.sandbox.world.save_message(message)
        _announce_reaction(call, channel, message, emoji, "MESSAGE_REACTION_ADD", call.user.id)


async def remove_reaction(call: Call) -> None:
    """DELETE /channels/{channel}/messages/{message}/reactions/{emoji}/{user}"""
    channel = call.channel()
    message, emoji = call.message(channel), _emoji(call)
    user_id = call.user.id if call.params["user"] == "@me" else call.params["user"]
    if user_id != call.user.id:
        _require_management(call, channel)
    users = message.reactions.get(emoji, [])
    if user_id in users:
        users.remove(user_id)
        if not users:
            del message.reactions[emoji]
        call.sandbox.world.save_message(message)
        _announce_reaction(call, channel, message, emoji, "MESSAGE_REACTION_REMOVE", user_id)


async def list_reactions(call: Call) -> Any:
    """GET /channels/{channel}/messages/{message}/reactions/{emoji}"""
    users = call.message(call.channel()).reactions.get(_emoji(call), [])
    return [call.sandbox.wire.user(call.sandbox.world.users[user_id]) for user_id in users]


async def open_direct_channel(call: Call) -> Any:
    """POST /users/@me/channels: the direct-message channel with one other user, made when it is first asked for."""
    sandbox, world = call.sandbox, call.sandbox.world
    body = require(call.body, DIRECT)
    recipients = body.get("recipients") or [body.get("recipient_id")]
    other = world.users.get(str(recipients[0]))
    if other is None or other is call.user:
        raise invalid("recipient_id", "SNOWFLAKE_INVALID", "There is no such user to write to.")
    for channel in world.direct_channels(call.user):
        if other.id in channel.recipients:
            return sandbox.wire.channel(channel, call.user)
    channel = Channel(world.ids.next(), DM, recipients=[call.user.id, other.id])
    world.save_channel(channel)
    for user in (call.user, other):
        if not user.bot:
            sandbox.gateway.tell(user, "CHANNEL_CREATE", sandbox.wire.channel(channel, user))
    return sandbox.wire.channel(channel, call.user)


async def list_direct_channels(call: Call) -> Any:
    """GET /users/@me/channels"""
    channels = call.sandbox.world.direct_channels(call.user)
    return [call.sandbox.wire.channel(channel, call.user) for channel in channels]


async def open_slots(call: Call) -> Any:
    """POST /channels/{channel}/attachments: places where a user's client puts files before it speaks of them."""
    channel = call.channel()
    files = require(call.body, SLOTS).get("files") or []
    form = Form()
    form.count("files", files, 1, call.sandbox.limits.files)
    form.check()
    slots = []
    for one in files:
        if (one.get("file_size") or 0) > call.sandbox.limits.file_bytes:
            raise ApiError(413, 40005, "Request entity too large")
        name = call.sandbox.uploads.open(call.user.id, channel.id, str(one.get("filename") or "unknown"))
        upload_url = f"{call.sandbox.base_url}/uploads/{name}"
        slots.append({"id": one.get("id"), "upload_url": upload_url, "upload_filename": name})
    return {"attachments": slots}


def _number(call: Call, name: str, default: int) -> int:
    value = call.query.get(name, str(default))
    if not value.isdecimal():
        raise invalid(name, "NUMBER_TYPE_COERCE", f"Value {value!r} is not int.")
    return int(value)


def _reference(call: Call, channel: Channel, body: dict[str, Any]) -> Message | None:
    given = body.get("message_reference")
    if given is None:
        return None
    if given.get("type"):
        raise invalid("message_reference.type", "BASE_TYPE_CHOICES", "Forwarding messages is not part of the sandbox.")
    message = call.sandbox.world.messages.get(str(given.get("message_id")))
    if message is None or message.channel_id != channel.id or message.ephemeral_to is not None:
        if given.get("fail_if_not_exists", True):
            raise invalid("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
        return None
    if call.user.bot and channel.type == GUILD_TEXT and not channel.bot_permissions & P.READ_MESSAGE_HISTORY:
        raise ApiError(400, 160002, "Cannot reply without permission to read message history")
    return message


def _check_direct(call: Call, channel: Channel) -> None:
    """Somebody who takes no direct messages gets none from the bot."""
    world = call.sandbox.world
    if (
        channel.type == DM
        and call.user.bot
        and not all(world.users[user_id].dms_open for user_id in channel.recipients)
    ):
        raise ApiError(403, 50007, "Cannot send messages to this user")


def _check_rights(call: Call, channel: Channel, body: dict[str, Any]) -> None:
    if call.files:
        call.find_channel(channel.id, P.ATTACH_FILES)
    if body.get("embeds"):
        call.find_channel(channel.id, P.EMBED_LINKS)


def _require_management(call: Call, channel: Channel) -> None:
    if channel.type == DM:
        raise ApiError(403, 50003, "Cannot execute action on a DM channel")
    if call.user.bot:
        call.find_channel(channel.id, P.MANAGE_MESSAGES)
    elif not call.sandbox.wire.member_permissions(call.user, channel) & P.MANAGE_MESSAGES:
        raise missing_permissions()


def _emoji(call: Call) -> str:
    """The emoji in the path; the guild has none of its own, so only Unicode ones are known."""
    emoji = unquote(call.params["emoji"])
    if not emoji or (emoji.isascii() and not emoji.endswith("\N{COMBINING ENCLOSING KEYCAP}")):
        raise unknown("emoji")
    return emoji


def _announce_reaction(call: Call, channel: Channel, message: Message, emoji: str, event: str, user_id: str) -> None:
    sandbox = call.sandbox
    payload: dict[str, Any] = {
        "user_id": user_id,
        "channel_id": channel.id,
        "message_id": message.id,
        "emoji": {"id": None, "name": emoji},
        "burst": False,
        "type": 0,
    }
    if guild_id := sandbox.world.channel_guild(channel):
        payload["guild_id"] = guild_id
    if event == "MESSAGE_REACTION_ADD":
        payload["message_author_id"] = message.author_id
        if guild_id:
            payload["member"] = sandbox.wire.member(sandbox.world.users[user_id])
    sandbox.gateway.publish(event, channel, lambda viewer: payload)


_MESSAGES = "/channels/{channel}/messages"
_MESSAGE = _MESSAGES + "/{message}"
_REACTION = _MESSAGE + "/reactions/{emoji}"
ROUTES = [
    Route("GET", "/channels/{channel}", get_channel),
    Route("GET", _MESSAGES, list_messages),
    Route("POST", _MESSAGES, create_message, rule="create"),
    Route("POST", _MESSAGES + "/bulk-delete", bulk_delete),
    Route("GET", _MESSAGE, get_message),
    Route("PATCH", _MESSAGE, edit_message, rule="edit"),
    Route("DELETE", _MESSAGE, delete_message, rule="delete"),
    Route("POST", "/channels/{channel}/typing", start_typing),
    Route("PUT", _REACTION + "/@me", add_reaction, rule="reaction"),
    Route("DELETE", _REACTION + "/{user}", remove_reaction, rule="reaction"),
    Route("GET", _REACTION, list_reactions),
    Route("POST", "/users/@me/channels", open_direct_channel),
    Route("GET", "/users/@me/channels", list_direct_channels, "user"),
    Route("POST", "/channels/{channel}/attachments", open_slots, "user"),
]
