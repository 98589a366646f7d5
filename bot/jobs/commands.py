"""A person's jobs: where they stand, ending them, finding them again."""

from __future__ import annotations

import discord
from discord import app_commands

from bot import limits
from bot.calls import Call, answered, suggested
from bot.pages import Listing, Page, page_of
from bot.results.again import read_job_id
from bot.waiting.position import place, progress
from contract.errors import UserError
from contract.jobs import Job
from contract.locales import Book, english
from exchange.accounts import Entry
from service.budget import promptly
from service.cancelling import cancel as cancel_job
from service.cancelling import cancel_all
from service.standing import Standing, standings

HISTORY_PAGE = 6
"""Entries on a page of the history: as many as a message holds, however long their prompts are."""

ALL = "all"
_SHOWN_PROMPT = 80


# ── /queue ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@app_commands.command(description=english("command.queue"))
@answered()
async def queue(call: Call) -> None:
    """The caller's jobs with place and estimate, and the limits that hold for them."""
    await QUEUE.show(call)


async def _queue_page(call: Call, number: int) -> Page:
    lines = [_standing(call.words, one) for one in await standings(call.services, call.asker.user.id)]
    caps = call.services.queue.limits
    foot = _why(call.words, caps.max_running_per_user, caps.max_queued_per_user)
    return page_of(lines or [call.words.say("queue.none")], number, foot)


QUEUE = Listing("queue", _queue_page)


def _standing(words: Book, standing: Standing) -> str:
    job, position, message = standing.job, standing.position, standing.message
    state = progress(words, position) if position.running else place(words, position)
    line = f"- {_title(job)}: {state}"
    if message is None:
        return line
    link = _link(job.destination.guild_id, message.channel_id, message.message_id)
    jump = words.say("queue.jump")
    return f"{line} · [{jump}]({link})"


def _why(words: Book, running: int, queued: int) -> str:
    caps = [words.say("queue.running", limit=running)] if running else []
    caps += [words.say("queue.waiting", limit=queued)] if queued else []
    return "-# " + " ".join([*caps, words.say("queue.fair")])


# ── /cancel ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@app_commands.command(description=english("command.cancel"))
@app_commands.describe(job=english("option.cancel.job"))
@answered()
async def cancel(call: Call, job: str | None = None) -> None:
    """End a job of the caller's. People who may delete messages where a job belongs may end it as well."""
    if job == ALL:
        await _cancel_all(call)
        return
    if job is None:
        own = await standings(call.services, call.asker.user.id)
        if not own:
            raise UserError("nothing_to_cancel")
        job_id = own[-1].job.id
    else:
        job_id = read_job_id(job)
    ended = await cancel_job(call.services, call.asker, job_id)
    await call.say(call.words.say("cancelled.job", job=_title(ended)))


@cancel.autocomplete("job")
@suggested
async def _job_names(call: Call, current: str) -> list[tuple[str, str]]:
    jobs = [one.job for one in await standings(call.services, call.asker.user.id)]
    choices = [(job.prompt.echo, str(job.id)) for job in reversed(jobs)]
    if len(choices) > 1:
        choices.insert(0, (call.words.say("cancel.all", number=len(choices)), ALL))
    return [(name, value) for name, value in choices if current.lower() in f"{name} {value}".lower()]


async def _cancel_all(call: Call) -> None:
    ended = await cancel_all(call.services, call.asker)
    said = call.words.say("cancelled.jobs", jobs=len(ended.jobs))
    if ended.never_started:
        said += " " + call.words.say("cancelled.never_started", jobs=ended.never_started)
    await call.say(said)


# ── /history ────────────────────────────────────────────────────────────────────────────────────────────────────────


@app_commands.command(description=english("command.history"))
@app_commands.describe(page=english("option.history.page"))
@answered()
async def history(call: Call, page: app_commands.Range[int, 1, 100] = 1) -> None:
    """Finished jobs, newest first, each with a link to its message."""
    await HISTORY.show(call, page)


async def _history_page(call: Call, number: int) -> Page:
    start = (number - 1) * HISTORY_PAGE
    async with promptly():
        entries = await call.services.accounts.history(call.asker.user.id, start=start, count=HISTORY_PAGE + 1)
    lines = [_entry_line(call.words, entry) for entry in entries[:HISTORY_PAGE]]
    nothing = call.words.say("history.none" if number == 1 else "history.no_page")
    return Page("\n".join(lines) or nothing, number, more=len(entries) > HISTORY_PAGE)


HISTORY = Listing("history", _history_page)


def _entry_line(words: Book, entry: Entry) -> str:
    made = f"<t:{entry.created_ms // 1000}:R>"
    kind = words.say(f"kind.{entry.action}") if f"kind.{entry.action}" in words else entry.action
    if entry.index is not None:
        kind = words.say("history.from", kind=kind, picture=entry.index + 1)
    link = _link(entry.guild_id, entry.channel_id, entry.message_id)
    return f"- {made} {kind}: [{_cut(entry.prompt)}]({link}) `{entry.job_id}`"


def _title(job: Job) -> str:
    return f"**{_cut(job.prompt.echo)}**"


def _cut(text: str) -> str:
    return limits.fit(discord.utils.escape_markdown(text.replace("[", "(").replace("]", ")")), _SHOWN_PROMPT)


def _link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"
