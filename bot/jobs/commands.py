"""A person's jobs: where they stand, and ending them."""

from __future__ import annotations

from discord import app_commands

from bot.calls import Call, answered, suggested
from bot.pages import Listing, Page, page_of
from bot.rendering import brief, message_link
from bot.results.again import read_job_id
from bot.waiting.position import place, progress
from contract.errors import UserError
from contract.jobs import Job
from contract.locales import Book, english
from service.cancelling import cancel as cancel_job
from service.cancelling import cancel_all
from service.standing import Standing, standings

ALL = "all"


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
    link = message_link(job.destination.guild_id, message.channel_id, message.message_id)
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


def _title(job: Job) -> str:
    return f"**{brief(job.prompt.echo)}**"
