"""How a result came about: its ancestors with links, any of them again with its buttons, and the family as a picture.

Each result answers the message that it was made from. So the line is found by walking from message to message, also
when Redis and the image store are gone; where a message is deleted, the job's record says how it goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import discord
import structlog
from discord import app_commands

from bot import limits
from bot.answering import NETWORK_ERRORS
from bot.calls import Call, answered
from bot.client import EaselClient, Route
from bot.rendering import brief, message_link, view_of
from bot.results.again import post_again, read_job_id
from bot.results.posted import finished_under, posted_of
from bot.waiting.submission import submit
from contract.actions import Button
from contract.errors import UserError
from contract.ids import JobId, parse_job_id
from contract.jobs import Job, channel_of
from contract.locales import Book, english
from exchange.delivery import MessageRef
from service.budget import promptly
from service.family import family_tree
from service.follow_ups import job_behind
from service.pictures import recorded_job

log: structlog.stdlib.BoundLogger = structlog.get_logger()

LONGEST_LINE = 20
"""Ancestors that are looked for: each may be a request to Discord."""

_JOB = r"(?P<job>[0-9a-f-]{36})"
_PLACED = re.compile(_JOB + r"(?: (?P<channel>[0-9]{1,20}) (?P<message>[0-9]{1,20}))?")
"""A choice of the menu: a job, and its channel and message if that still stands."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """A job of the line, and its message, if that still stands."""

    job: Job
    message: discord.Message | None


async def show_family(call: Call, id: JobId, message: discord.Message | None) -> None:
    """Answer with the line of a job, oldest first. UserError as `line_of`."""
    line = await line_of(call, id, message)
    texts = [_text(call.words, number, one) for number, one in enumerate(line)]
    pages = limits.pages(texts, limits.CONTENT - 200)
    title = call.words.say("family.line")
    content = f"{title}\n{pages[-1]}"  # the nearest ancestors, if not all fit
    view = view_of([[Button(f"Easel::Tree::{id}", call.words.say("family.tree"), "🌳")]])
    view.add_item(_menu(call.words, line))
    view.stop()
    await call.say(content, view=view)


async def line_of(call: Call, id: JobId, message: discord.Message | None) -> list[Ancestor]:
    """The job and what it was made from, oldest first, as far back as the asker may see: a line may lead through
    channels that are closed to them. UserError `no_such_job` when nothing of it is left, or for them."""
    found: list[Ancestor] = []
    next_id: JobId | None = id
    while next_id is not None and len(found) < LONGEST_LINE:
        message = message or await _own_message(call, next_id)
        job = await _job(call, next_id, message)
        if job is None or not _may_see(call, Ancestor(job, message)):
            break
        found.append(Ancestor(job, message))
        before = None if message is None else await _answered(call.client, message)
        parent = None if job.parent is None else job.parent.id
        message = before if before is not None and parent in (None, _job_under(before)) else None
        next_id = parent or (None if message is None else _job_under(message))
    if not found:
        raise UserError("no_such_job", job=id)
    return found[::-1]


async def _job(call: Call, id: JobId, message: discord.Message | None) -> Job | None:
    if message is None:
        return await recorded_job(call.services, id)
    try:
        return await job_behind(call.services, call.asker, id, posted_of(message))
    except UserError as error:
        log.info("an ancestor cannot be read", job_id=id, kind=error.kind)
        return None


async def _own_message(call: Call, id: JobId) -> discord.Message | None:
    """Where the asker's history says that it stands."""
    async with promptly():
        entry = await call.services.accounts.entry(call.asker.user.id, id)
    return None if entry is None else await _fetched(call.client, entry.channel_id, entry.message_id)


async def _answered(client: EaselClient, message: discord.Message) -> discord.Message | None:
    """The message of a job that this one answers."""
    reference = message.reference
    if reference is None or reference.message_id is None:
        return None
    before = await _fetched(client, reference.channel_id, reference.message_id)
    return before if before is not None and _job_under(before) is not None else None


async def _fetched(client: EaselClient, channel_id: int, message_id: int) -> discord.Message | None:
    """A message of ours; None when it is gone or cannot be seen."""
    try:
        message = await client.get_partial_messageable(channel_id).fetch_message(message_id)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a message of the line cannot be read", message_id=str(message_id), error=str(error))
        return None
    return message if client.user is not None and message.author.id == client.user.id else None


def _job_under(message: discord.Message) -> JobId | None:
    try:
        return finished_under(message)
    except UserError:
        return None


# ── what is shown ───────────────────────────────────────────────────────────────────────────────────────────────────


def _text(words: Book, number: int, one: Ancestor) -> str:
    job, message = one.job, one.message
    prompt = brief(job.prompt.echo)
    if message is not None:
        # A message that was fetched by its number alone does not know its guild.
        prompt = f"[{prompt}]({message_link(job.destination.guild_id, message.channel.id, message.id)})"
    return f"{number + 1}. {_kind(words, job)}: {prompt} `{job.id}`"


def _kind(words: Book, job: Job) -> str:
    kind = words.say(f"kind.{job.request.kind}")
    index = None if job.parent is None else job.parent.index
    return kind if index is None else words.say("history.from", kind=kind, picture=index + 1)


def _menu(words: Book, line: list[Ancestor]) -> discord.ui.Select[discord.ui.View]:
    """The line, the nearest ancestor first: what is chosen is posted again, and goes on from there."""
    options = [
        discord.SelectOption(
            label=limits.fit(f"{place + 1}. {_kind(words, one.job)}", limits.CHOICE),
            description=limits.fit(one.job.prompt.echo, limits.CHOICE) or None,
            value=f"{one.job.id} {one.message.channel.id} {one.message.id}" if one.message else one.job.id,
        )
        for place, one in reversed(list(enumerate(line)))
    ]
    return discord.ui.Select(
        custom_id="Easel::Ancestor", placeholder=words.say("family.again"), options=options[: limits.CHOICES], row=1
    )


# ── presses ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@answered(deferred=True)
async def _pressed(call: Call, found: re.Match[str]) -> None:
    if call.posted is None:
        raise UserError("unknown_button")
    await show_family(call, parse_job_id(found["job"]), call.message)


@answered(ephemeral=False, deferred=True)
async def _chosen(call: Call, found: re.Match[str]) -> None:
    """Post an ancestor again, with fresh buttons, where it may be seen: in its own channel, or by its owner."""
    call.check_channel()
    # A client may send any value, so a message counts only for the job that stands under it.
    chosen = _PLACED.fullmatch(" ".join(call.chosen))
    if chosen is None:
        raise UserError("unknown_button")
    id, message = read_job_id(chosen["job"]), None
    if chosen["channel"] is not None:
        message = await _fetched(call.client, int(chosen["channel"]), int(chosen["message"]))
        if message is not None and _job_under(message) != id:
            raise UserError("unknown_button")
    await _post_ancestor(call, id, message)


@answered(ephemeral=False, deferred=True)
async def _back(call: Call, found: re.Match[str]) -> None:
    """Post the parent of a result again, with fresh buttons."""
    call.check_channel()
    if call.message is None:
        raise UserError("unknown_button")
    id = parse_job_id(found["job"])
    before = await _answered(call.client, call.message)
    job = await _job(call, id, call.message)
    # A message that is shown again answers none, and a job that is rebuilt from one names no parent.
    parent = job.parent.id if job is not None and job.parent is not None else before and _job_under(before)
    if not parent:
        raise UserError("parent_gone")
    if before is None or _job_under(before) != parent:
        before = await _own_message(call, parent)
    await _post_ancestor(call, parent, before)


async def _post_ancestor(call: Call, id: JobId, message: discord.Message | None) -> None:
    """Post it again where the asker is. UserError when nothing of it is left, or it is not for their eyes."""
    job = await _job(call, id, message)
    if job is None:
        raise UserError("parent_gone")
    if not _may_see(call, Ancestor(job, message)):
        raise UserError("not_your_job")
    await post_again(call, job, None if message is None else MessageRef(message.channel.id, message.id))


def _may_see(call: Call, one: Ancestor) -> bool:
    """A job's owner everywhere, anybody else in its own channel."""
    place = one.job.destination
    stands = one.message.channel.id if one.message is not None else getattr(place, "channel_id", None)
    return one.job.user.id == call.asker.user.id or stands == channel_of(call.asker.destination).channel_id


@answered(ephemeral=False, deferred=True)
async def _tree(call: Call, found: re.Match[str]) -> None:
    """Have the family drawn."""
    call.check_channel()
    line = await line_of(call, parse_job_id(found["job"]), None)
    await submit(call, await family_tree(call.services, call.asker, [one.job for one in line]))


@app_commands.command(description=english("command.family"))
@app_commands.describe(job_id=english("option.family.job_id"))
@answered(deferred=True)
async def family(call: Call, job_id: str) -> None:
    """How a job came about, from its first ancestor on. Of others' jobs only where they stand: an id opens no door."""
    await show_family(call, read_job_id(job_id), None)


@answered(deferred=True)
async def family_by_menu(call: Call, message: discord.Message) -> None:
    """Apps → Family Tree: the same as 🌳, under grids too."""
    if not call.is_ours(message):
        raise UserError("no_job_here")
    await show_family(call, finished_under(message), message)


FAMILY = Route(re.compile(f"Easel::Family::{_JOB}"), _pressed)
ANCESTOR = Route(re.compile("Easel::Ancestor"), _chosen)
TREE = Route(re.compile(f"Easel::Tree::{_JOB}"), _tree)
PARENT = Route(re.compile(f"Easel::Parent::{_JOB}"), _back)
