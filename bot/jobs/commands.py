"""A person's jobs: where they stand, ending them, finding them again."""

from __future__ import annotations

from contextlib import suppress

import discord
from discord import app_commands

from bot.answering import answering, promptly
from bot.client import EaselClient, Interaction
from bot.jobs.cancelling import cancel_and_show, may_moderate
from bot.results.again import show_again
from bot.waiting.position import place
from contract.errors import UserError
from contract.ids import JobId, parse_job_id
from contract.jobs import Job
from exchange.accounts import Entry
from exchange.queue import Position

PAGE = 10
ALL = "all"
_CHOICES = 25
_SHOWN_PROMPT = 80
_NAME_LENGTH = 100
"""Characters of a suggestion that Discord shows."""


@app_commands.command(description="Show where your jobs stand, and why")
async def queue(interaction: Interaction) -> None:
    """The caller's jobs with place and estimate, and the limits that hold for them."""
    async with answering(interaction, ephemeral=True):
        client = interaction.client
        async with promptly():
            jobs = await _own_jobs(client, interaction.user.id)
            lines = [await _standing(client, job, position) for job, position in jobs]
        limits = client.services.queue.limits
        if not lines:
            lines = ["You have no jobs waiting or running."]
        lines += ["", _why(limits.max_running_per_user, limits.max_queued_per_user)]
        await interaction.response.send_message("\n".join(lines), ephemeral=True)


@app_commands.command(description="Cancel one of your jobs, waiting or running")
@app_commands.describe(job="Which one, or all; without it, your newest")
async def cancel(interaction: Interaction, job: str | None = None) -> None:
    """End a job of the caller's. Who may delete messages here may end other people's as well."""
    async with answering(interaction, ephemeral=True):
        client = interaction.client
        if job == ALL:
            await _cancel_all(interaction)
            return
        if job is None:
            async with promptly():
                own = [job for job, _ in await _own_jobs(client, interaction.user.id)]
            if not own:
                raise UserError("nothing_to_cancel")
            job_id = own[-1].id
        else:
            job_id = _job_id(job)
        ended = await cancel_and_show(client, job_id, by=interaction.user.id, operator=may_moderate(interaction))
        await interaction.response.send_message(f"Cancelled {_title(ended)}.", ephemeral=True)


@cancel.autocomplete("job")
async def _job_names(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    try:
        async with promptly():
            jobs = [job for job, _ in await _own_jobs(interaction.client, interaction.user.id)]
    except UserError:
        return []  # suggestions are a convenience: without them the id can still be typed
    choices = [(job.prompt.echo[:_NAME_LENGTH], str(job.id)) for job in reversed(jobs)]
    if len(choices) > 1:
        choices.insert(0, (f"all {len(choices)} of them", ALL))
    found = [(name, value) for name, value in choices if current.lower() in f"{name} {value}".lower()]
    return [app_commands.Choice(name=name, value=value) for name, value in found[:_CHOICES]]


@app_commands.command(description="Show what you made, with links to it")
@app_commands.describe(page="1 is the newest")
async def history(interaction: Interaction, page: app_commands.Range[int, 1, 100] = 1) -> None:
    """Finished jobs, newest first, each with a link to its message."""
    async with answering(interaction, ephemeral=True):
        async with promptly():
            entries = await interaction.client.services.accounts.history(
                interaction.user.id, start=(page - 1) * PAGE, count=PAGE
            )
        lines = [_entry_line(entry) for entry in entries]
        text = "\n".join(lines) or ("You have made nothing yet." if page == 1 else "There is nothing on this page.")
        await interaction.response.send_message(text, ephemeral=True, suppress_embeds=True)


@app_commands.command(description="Show one of your finished jobs again, here")
@app_commands.describe(job_id="The id at the end of its file name")
async def show(interaction: Interaction, job_id: str) -> None:
    """Post a finished job of the caller's again, with fresh buttons."""
    async with answering(interaction, f"/show {job_id}"):
        await show_again(interaction, _job_id(job_id))


async def _cancel_all(interaction: Interaction) -> None:
    """End every job of the caller's. Deferred, because each has a message to change."""
    client, user_id = interaction.client, interaction.user.id
    await interaction.response.defer(ephemeral=True, thinking=True)
    async with promptly(5.0):
        jobs = await _own_jobs(client, user_id)
    if not jobs:
        raise UserError("nothing_to_cancel")
    cancelled = 0
    for job, _ in jobs:
        with suppress(UserError):  # it has ended meanwhile
            await cancel_and_show(client, job.id, by=user_id, operator=False)
            cancelled += 1
    await interaction.edit_original_response(content=f"Cancelled {cancelled} of your jobs.")


async def _own_jobs(client: EaselClient, user_id: int) -> list[tuple[Job, Position]]:
    """A person's jobs that wait or run: oldest first, and those of one batch as they are going to end."""
    found = []
    for job_id in await client.services.queue.of_user(user_id):
        job, position = await client.services.queue.accepted(job_id), await client.services.queue.position(job_id)
        if job is not None and position is not None:
            found.append((job, position))
    return sorted(found, key=lambda item: (item[0].created_ms, not item[1].running, item[1].ahead))


async def _standing(client: EaselClient, job: Job, position: Position) -> str:
    message = await client.services.queue.waiting_message(job.id)
    where = f" · [jump]({_link(job.destination.guild_id, message.channel_id, message.message_id)})" if message else ""
    if position.running:
        state = "running" if position.eta_s is None else f"running · {place(position).rpartition(' · ')[2]} left"
    else:
        state = place(position)
    return f"- {_title(job)}: {state}{where}"


def _why(running: int, queued: int) -> str:
    limits = []
    if running:
        limits.append(f"up to {running} of your jobs run at once")
    if queued:
        limits.append(f"up to {queued} wait")
    sentence = f"{' and '.join(limits).capitalize()}. " if limits else ""
    return (
        f"-# {sentence}Turns are shared fairly between people: many jobs of one do not hold up another's. "
        "Turbo goes before fast, fast before relax; relaxed jobs wait for their share but always get it."
    )


def _entry_line(entry: Entry) -> str:
    made = f"<t:{entry.created_ms // 1000}:R>"
    from_picture = f" from picture {entry.index + 1}" if entry.index is not None else ""
    link = _link(entry.guild_id, entry.channel_id, entry.message_id)
    return f"- {made} {entry.action}{from_picture}: [{_cut(entry.prompt)}]({link}) `{entry.job_id}`"


def _title(job: Job) -> str:
    return f"**{_cut(job.prompt.echo)}**"


def _cut(text: str) -> str:
    plain = discord.utils.escape_markdown(text.replace("[", "(").replace("]", ")"))
    return plain if len(plain) <= _SHOWN_PROMPT else plain[: _SHOWN_PROMPT - 1].rstrip("\\") + "…"


def _link(guild_id: int | None, channel_id: int, message_id: int) -> str:
    return f"https://discord.com/channels/{guild_id or '@me'}/{channel_id}/{message_id}"


def _job_id(text: str) -> JobId:
    try:
        return parse_job_id(text.strip().lower())
    except ValueError:
        raise UserError("no_such_job", job=text[:60]) from None
