"""Facts about Discord's payloads, held against everything a sandbox has recorded.

They are what clients rely on: keys that are always there, keys that are left out and never null, ids that are strings.
"""

import json
from collections.abc import Iterator
from typing import Any

JSON = dict[str, Any]

USER = {"id", "username", "avatar", "discriminator", "public_flags", "flags", "global_name", "primary_guild"}
MESSAGE = {
    "id", "type", "channel_id", "author", "content", "timestamp", "edited_timestamp", "tts", "mention_everyone",
    "mentions", "mention_roles", "attachments", "embeds", "components", "pinned", "flags",
}  # fmt: skip
MEMBER = {"avatar", "banner", "flags", "joined_at", "nick", "pending", "premium_since", "roles", "mute", "deaf"}
ATTACHMENT = {"id", "filename", "size", "url", "proxy_url"}
MEDIA = {"id", "url", "proxy_url"}
METADATA = {"id", "type", "user", "authorizing_integration_owners"}
INTERACTION = {
    "id", "application_id", "type", "token", "version", "data", "channel_id", "channel", "locale", "app_permissions",
    "attachment_size_limit", "entitlements", "authorizing_integration_owners", "context",
}  # fmt: skip
# A null under one of these breaks discord.py's parser or the JavaScript clients.
NEVER_NULL = {
    "thread", "interaction", "interaction_metadata", "message_reference", "poll", "member", "webhook_id",
    "application_id", "nonce", "guild_id", "resolved", "reactions",
}  # fmt: skip


def breaches(lines: list[str]) -> list[str]:
    """What in the record is not as Discord does it; one sentence each."""
    found: list[str] = []
    for number, line in enumerate(lines):
        entry = json.loads(line)
        if "t" in entry:
            found += [f"line {number}, {entry['t']}: {one}" for one in _event(entry["t"], entry["d"])]
        else:
            found += [f"line {number}, {entry['path']}: {one}" for one in _exchange(entry)]
    return found


def _exchange(entry: JSON) -> Iterator[str]:
    headers = entry["headers"]
    # discord.py sends no User-Agent of its own where the path holds the token.
    by_bot = entry["user"] is None and "Authorization" in headers
    if by_bot and not headers.get("User-Agent", "").startswith("DiscordBot ("):
        yield "a bot does not say who it is"
    if any("sandbox." in str(value) for value in headers.values()):
        yield "a token is on record"
    if entry["status"] >= 400:
        if entry["status"] != 429 and set(entry["response"]) - {"errors"} != {"message", "code"}:
            yield f"an error's body is {entry['response']}"
        return
    yield from _walk(entry["response"], "")


def _event(name: str, payload: JSON) -> Iterator[str]:
    if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
        yield from _missing(MESSAGE, payload, name)
        if ("guild_id" in payload) != ("member" in payload):
            yield "guild_id and member come together"
    if name == "MESSAGE_UPDATE" and "nonce" in payload:
        yield "an edit has no nonce"
    if name == "INTERACTION_CREATE" and "token" in payload:
        yield from _missing(INTERACTION, payload, name)
        if ("member" in payload) == ("user" in payload):
            yield "either a member or a user"
        if payload["type"] == 3 and "message" not in payload:
            yield "a press comes with its message"
    yield from _walk(payload, "")


def _walk(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{path}.{index}")
        return
    if not isinstance(value, dict):
        return
    yield from _object(value, path)
    for key, item in value.items():
        yield from _walk(item, f"{path}.{key}")


def _object(value: JSON, path: str) -> Iterator[str]:
    key = path.rsplit(".", 1)[-1]
    if "username" in value and "discriminator" in value:
        yield from _missing(USER, value, path)
    if {"author", "content", "channel_id"} <= set(value):
        yield from _missing(MESSAGE, value, path)
        if value["type"] == 19 and "message_reference" not in value:
            yield f"{path}: a reply names what it answers"
        for null in [name for name in NEVER_NULL & set(value) if value[name] is None]:
            yield f"{path}.{null}: is left out, never null"
    if "filename" in value and "size" in value and "url" in value:
        yield from _missing(ATTACHMENT, value, path)
        if str(value.get("content_type")).startswith("image/") and not value.get("width"):
            yield f"{path}: a picture knows its size"
    if key == "member":
        yield from _missing(MEMBER, value, path)
        if any(not isinstance(role, str) for role in value["roles"]):
            yield f"{path}.roles: are ids"
    if key == "media":
        yield from _missing(MEDIA, value, path)
    if key in ("interaction_metadata", "triggering_interaction_metadata"):
        yield from _missing(METADATA, value, path)
        needed = {3: "interacted_message_id", 5: "triggering_interaction_metadata"}.get(value["type"])
        if needed and needed not in value:
            yield f"{path}.{needed}: is missing"
    numbered = "component_type" in value or "components" in path  # components are numbered, not identified
    for name, item in value.items():
        if (name == "id" or name.endswith("_id")) and isinstance(item, int) and not numbered:
            yield f"{path}.{name}: ids are strings"


def _missing(required: set[str], value: JSON, path: str) -> Iterator[str]:
    if required - set(value):
        yield f"{path}: lacks {', '.join(sorted(required - set(value)))}"
