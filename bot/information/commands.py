"""Words about the bot and about its user: `/help`, `/info`, `/userid`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import discord
from discord import app_commands

from bot.answering import answering, promptly
from bot.client import EaselClient, Interaction
from bot.profiles import profile_of
from contract.jobs import Speed
from contract.messages import NOTICE_COLOUR
from exchange.accounts import Usage

EXAMPLES = (
    "a blue butterfly",
    "a yellow star on a blue background --ar 3:2",
    "a cat --chaos 40 --seed 7",
    "a {red, green, blue} balloon",
)
"""Prompts that run as they stand: a test reads them."""

_MONTHS = 13
"""Months of usage that are kept, this one included."""


@app_commands.command(description="How to make pictures here")
async def help(interaction: Interaction) -> None:
    """A first page with examples that work."""
    async with answering(interaction, ephemeral=True):
        embed = discord.Embed(title="How to make pictures", description=help_text(), colour=NOTICE_COLOUR)
        await interaction.response.send_message(embed=embed, ephemeral=True)


@app_commands.command(description="Your settings, usage and jobs")
async def info(interaction: Interaction) -> None:
    """Midjourney's page, line by line, because clients read it. Deferred first: they wait for the edit that follows."""
    async with answering(interaction, ephemeral=True):
        await interaction.response.defer(ephemeral=True, thinking=True)
        text = await _info_text(interaction)
        embed = discord.Embed(title="Your info", description=text, colour=NOTICE_COLOUR)
        await interaction.edit_original_response(embed=embed)


@app_commands.command(description="Show your own id")
async def userid(interaction: Interaction) -> None:
    """The number that Discord knows the caller by."""
    async with answering(interaction, ephemeral=True):
        await interaction.response.send_message(f"Your id is `{interaction.user.id}`", ephemeral=True)


def help_text() -> str:
    """The page of `/help`."""
    examples = "\n".join(f"`/imagine {example}`" for example in EXAMPLES)
    return (
        f"Type `/imagine` and say what you would like to see:\n{examples}\nNo idea? `/surprise` needs no words.\n\n"
        "Four pictures appear. **U1-U4** picks one of them, **V1-V4** makes four like it, 🔄 tries again. "
        "Pictures are counted left to right, top to bottom. The buttons work for ever, for everybody who sees them.\n\n"
        "`--ar 3:2` shape · `--chaos 40` how different the four are · `--stylize 250` how strong the style is · "
        "`--no red` what to leave out · `--seed 7` the same pictures again · `--quality .5` quicker · "
        "`{a, b}` one job for each word\n\n"
        "`/queue` where your jobs stand · `/cancel` or ❌ ends one · `/history` what you made · "
        "`/settings` and `/prefer` your own habits · `/info` your usage"
    )


async def _info_text(interaction: Interaction) -> str:
    client, user_id = interaction.client, interaction.user.id
    profile = await profile_of(interaction)
    months = _months(interaction.created_at)
    async with promptly(5.0):
        usage = [one for month in await _usages(client, user_id, months) for one in month]
        running = [f"`{job_id}`" for job_id in await _running(client, user_id)]
        waiting = await _waiting_by_speed(client, user_id)
    lifetime, relaxed = _total(usage), _total([one for one in usage if one.speed is Speed.RELAX])
    lines = [
        f"**User ID**: {user_id}",
        f"**Subscription**: Pro (Self hosted, renews next on <t:{_next_month(interaction.created_at)}>)",
        f"**Visibility Mode**: {'Stealth' if profile.stealth else 'Public'}",
        f"**Job Mode**: {profile.speed.capitalize()}",
        "**Fast Time Remaining**: Unlimited",
        f"**Lifetime Usage**: {lifetime.images} images ({lifetime.gpu_s / 3600:.2f} hours)",
        f"**Relaxed Usage**: {relaxed.images} images ({relaxed.gpu_s / 60:.2f} minutes)",
        "",
        f"**Queued Jobs (fast)**: {waiting[Speed.FAST] + waiting[Speed.TURBO]}",
        f"**Queued Jobs (relax)**: {waiting[Speed.RELAX]}",
        f"**Running Jobs**: {', '.join(running) or 'None'}",
    ]
    return "\n".join(lines)


async def _usages(client: EaselClient, user_id: int, months: list[str]) -> list[list[Usage]]:
    accounts = client.services.accounts
    return [list(month) for month in await asyncio.gather(*(accounts.usage(user_id, month) for month in months))]


async def _running(client: EaselClient, user_id: int) -> list[str]:
    queue = client.services.queue
    positions = [(job_id, await queue.position(job_id)) for job_id in await queue.of_user(user_id)]
    return [job_id for job_id, position in positions if position is not None and position.running]


async def _waiting_by_speed(client: EaselClient, user_id: int) -> dict[Speed, int]:
    queue = client.services.queue
    counts = dict.fromkeys(Speed, 0)
    for job_id in await queue.of_user(user_id):
        job, position = await queue.accepted(job_id), await queue.position(job_id)
        if job is not None and position is not None and not position.running:
            counts[job.speed] += 1
    return counts


def _total(usage: list[Usage]) -> Usage:
    return Usage(Speed.FAST, images=sum(one.images for one in usage), gpu_s=sum(one.gpu_s for one in usage))


def _months(now: datetime) -> list[str]:
    """The months of which usage is kept, newest first, as `2026-11`."""
    first = now.year * 12 + now.month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first - _MONTHS, -1)]


def _next_month(now: datetime) -> int:
    """When the count of this month ends, in Unix seconds."""
    year, month = divmod(now.year * 12 + now.month, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
