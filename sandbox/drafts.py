"""What a message is to be: reads the body of a send or an edit, and refuses what Discord refuses."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.components import ComponentReader, walk
from sandbox.core import Sandbox
from sandbox.errors import Form, empty_message, too_large
from sandbox.shapes import MESSAGE, require
from sandbox.uploads import File, describe
from sandbox.wire import COMPONENTS_V2, EPHEMERAL
from sandbox.world import Message, User

SUPPRESS_EMBEDS, SILENT = 1 << 2, 1 << 12
CONTENT_LIMIT = 2000
EMBED_TEXT = {"title": 256, "description": 4096}
FIELD_INDEX = re.compile(r"files\[(\d+)\]")


@dataclass
class Draft:
    """A message's contents after a successful read; ``blobs`` are the new files' bytes by attachment id."""

    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    mentions: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    blobs: dict[str, bytes] = field(default_factory=dict)

    def apply(self, sandbox: Sandbox, message: Message) -> None:
        """Put the contents into a message (not saved yet) and the files into the store; replaced files are retired."""
        for blob_id, data in self.blobs.items():
            sandbox.store.write_blob(blob_id, data)
        stays = {kept["id"] for kept in self.attachments}
        sandbox.world.retire_blobs([kept["id"] for kept in message.attachments if kept["id"] not in stays])
        for name in ("content", "embeds", "components", "attachments", "mentions", "mention_everyone"):
            setattr(message, name, getattr(self, name))
        message.flags, message.tts = self.flags, self.tts or message.tts


def read_draft(
    sandbox: Sandbox,
    author: User,
    body: dict[str, Any],
    files: list[File],
    *,
    old: Message | None = None,
    prefix: str = "",
    ephemeral: bool = False,
    reply_to: Message | None = None,
) -> Draft:
    """Read a body (``old`` is the message it edits; fields left out stay as they are). ``ephemeral`` allows that flag,
    ``reply_to`` is the message answered. Raises 400 50035, 400 50006 or 413 40005."""
    require(body, MESSAGE, prefix)
    form = Form(prefix)
    draft = Draft()
    draft.flags = _flags(form, body, old, ephemeral)
    v2 = bool(draft.flags & COMPONENTS_V2)
    draft.content = old.content if old is not None and "content" not in body else _content(form, body)
    if old is not None and "embeds" not in body:
        draft.embeds = old.embeds
    elif author.bot:
        draft.embeds = _embeds(form, body)
    draft.tts = bool(body.get("tts"))
    _attachments(sandbox, author, form, body, files, old, draft)
    filenames = {kept["filename"] for kept in draft.attachments}
    if old is not None and "components" not in body:
        draft.components = old.components
    elif author.bot:
        draft.components = ComponentReader(form, filenames, v2=v2).read(body.get("components"))
    _check_embed_files(form, body, filenames)
    if v2:
        legacy = {"content": draft.content, "embeds": draft.embeds, "poll": body.get("poll")}
        for name in [name for name, value in legacy.items() if value]:
            message = f"The {name!r} field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
            form.refuse(name, "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
    _mentions(sandbox, form, body, draft, old, reply_to)
    form.check()
    shown = draft.components if v2 else draft.content or draft.embeds or draft.attachments
    if not shown:
        raise empty_message()
    return draft


def _flags(form: Form, body: dict[str, Any], old: Message | None, ephemeral: bool) -> int:
    given: int | None = body.get("flags")
    if given is None:
        return old.flags if old is not None else 0
    if old is None:
        return given & (SUPPRESS_EMBEDS | SILENT | COMPONENTS_V2 | (EPHEMERAL if ephemeral else 0))
    if old.flags & COMPONENTS_V2 and not given & COMPONENTS_V2:
        form.refuse(
            "flags", "MESSAGE_CANNOT_REMOVE_COMPONENTS_V2_FLAG", "MessageFlags.IS_COMPONENTS_V2 cannot be removed."
        )
    return old.flags & ~SUPPRESS_EMBEDS | given & (SUPPRESS_EMBEDS | COMPONENTS_V2)


def _content(form: Form, body: dict[str, Any]) -> str:
    content = str(body.get("content") or "").strip()
    form.length("content", content, 0, CONTENT_LIMIT)
    return content


def _embeds(form: Form, body: dict[str, Any]) -> list[dict[str, Any]]:
    embeds = body.get("embeds") or []
    if not form.count("embeds", embeds, 0, 10):
        return []
    total = 0
    shown = []
    for i, embed in enumerate(embeds):
        total += _embed(form, embed, f"embeds.{i}")
        fields = [{"inline": False} | one for one in embed.get("fields") or []]
        shown.append(_without_nulls(embed) | {"type": "rich"} | ({"fields": fields} if fields else {}))
    if total > 6000:
        form.refuse("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")
    return shown


def _without_nulls(part: dict[str, Any]) -> dict[str, Any]:
    """The same without keys that hold null, and without those in the dictionaries within."""
    kept = {key: value for key, value in part.items() if value is not None}
    return {key: _without_nulls(value) if isinstance(value, dict) else value for key, value in kept.items()}


def _embed(form: Form, embed: dict[str, Any], path: str) -> int:
    """Check one embed; how many characters of text it has."""
    texts = [(name, embed.get(name), limit) for name, limit in EMBED_TEXT.items()]
    texts += [("footer.text", (embed.get("footer") or {}).get("text"), 2048)]
    texts += [("author.name", (embed.get("author") or {}).get("name"), 256)]
    fields = embed.get("fields") or []
    if form.count(f"{path}.fields", fields, 0, 25):
        for i, one in enumerate(fields):
            for name, limit in (("name", 256), ("value", 1024)):
                if not one.get(name):
                    form.required(f"{path}.fields.{i}.{name}")
                texts.append((f"fields.{i}.{name}", one.get(name), limit))
    for name, text, limit in texts:
        if text is not None:
            form.length(f"{path}.{name}", text, 0, limit)
    color = embed.get("color")
    if color is not None and not (isinstance(color, int) and 0 <= color <= 0xFFFFFF):
        form.refuse(f"{path}.color", "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
    for name, url in _embed_links(embed):
        if urlsplit(str(url)).scheme not in ("http", "https", "attachment"):
            message = f"Scheme {urlsplit(str(url)).scheme!r} is not supported. Scheme must be one of ('http', 'https')."
            form.refuse(f"{path}.{name}", "URL_TYPE_INVALID_SCHEME", message)
    return sum(len(str(text)) for _, text, _ in texts if text is not None)


def _embed_links(embed: dict[str, Any]) -> list[tuple[str, Any]]:
    places = (("image", "url"), ("thumbnail", "url"), ("author", "icon_url"), ("author", "url"), ("footer", "icon_url"))
    links = [(f"{part}.{key}", (embed.get(part) or {}).get(key)) for part, key in places] + [("url", embed.get("url"))]
    return [(name, url) for name, url in links if url]


def _check_embed_files(form: Form, body: dict[str, Any], filenames: set[str]) -> None:
    for i, embed in enumerate(body.get("embeds") or []):
        for name, url in _embed_links(embed):
            target = str(url).removeprefix("attachment://")
            if target != url and target not in filenames:
                form.refuse(
                    f"embeds.{i}.{name}", "ATTACHMENT_NOT_FOUND", f"The referenced attachment {target!r} was not found"
                )


def _attachments(
    sandbox: Sandbox,
    author: User,
    form: Form,
    body: dict[str, Any],
    files: list[File],
    old: Message | None,
    draft: Draft,
) -> None:
    """Which files the message has: those listed in ``attachments`` (kept ones by id, new ones by their number), or all
    that came where nothing is listed."""
    numbered: dict[str, File] = {}
    for position, file in enumerate(files):
        match = FIELD_INDEX.fullmatch(file.name)
        numbered[match[1] if match else str(position)] = file
    kept = {one["id"]: one for one in old.attachments} if old is not None else {}
    listed = body.get("attachments")
    if listed is None:
        listed = [{"id": one} for one in kept] + [{"id": number} for number in numbered]
    if len(listed) > sandbox.limits.files:
        raise too_large()
    for i, one in enumerate(listed):
        text = one.get("description")
        if text is not None:
            form.length(f"attachments.{i}.description", text, 0, 1024)
        number = str(one.get("id"))
        if number in kept:
            draft.attachments.append(kept[number] | ({"description": text or None} if "description" in one else {}))
            continue
        slot = one.get("uploaded_filename") or one.get("upload_filename")
        sent = sandbox.uploads.take(str(slot), author.id) if slot else numbered.get(number)
        if sent is None:
            form.refuse(f"attachments.{i}.id", "ATTACHMENT_NOT_FOUND", f"There is no file {slot or number!r}.")
            continue
        new_id = sandbox.world.ids.next()
        named = File(sent.name, one.get("filename") or sent.filename, sent.data)
        draft.attachments.append(describe(new_id, named, text))
        draft.blobs[new_id] = sent.data


def _mentions(
    sandbox: Sandbox, form: Form, body: dict[str, Any], draft: Draft, old: Message | None, reply_to: Message | None
) -> None:
    """Who is pinged: what the content names, as far as ``allowed_mentions`` lets it."""
    if old is not None and "content" not in body and "allowed_mentions" not in body:
        draft.mentions, draft.mention_everyone = old.mentions, old.mention_everyone
        return
    allowed = body.get("allowed_mentions")
    parse = ["users", "roles", "everyone"]
    listed: list[str] = []
    replied = True
    if allowed is not None:
        parse = allowed.get("parse") or []
        listed = [str(user_id) for user_id in allowed.get("users") or []]
        replied = bool(allowed.get("replied_user"))
        form.count("allowed_mentions.users", listed, 0, 100)
        for family in ("users", "roles"):
            if family in parse and allowed.get(family):
                message = f'parse:["{family}"] and {family}: [ids...] are mutually exclusive.'
                form.refuse("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
    text = " ".join([draft.content, *(part["content"] for part in walk(draft.components) if "content" in part)])
    named = dict.fromkeys(re.findall(r"<@!?(\d+)>", text))
    draft.mentions = [
        user_id for user_id in named if user_id in sandbox.world.users and ("users" in parse or user_id in listed)
    ]
    if reply_to is not None and replied and reply_to.author_id not in draft.mentions:
        draft.mentions.append(reply_to.author_id)
    draft.mention_everyone = "everyone" in parse and bool(re.search(r"@(everyone|here)\b", text))
