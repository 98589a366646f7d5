"""Words about the bot and about its user: `/help`, `/info`, `/userid`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from discord import app_commands

from bot.calls import Call, answered
from bot.rendering import message_link
from contract.jobs import Speed
from contract.locales import english
from contract.messages import NOTICE_COLOUR, Embed
from exchange.accounts import Usage
from service.pictures import usage_of
from service.profiles import profile_of
from service.standing import Standing, standings

EXAMPLES = (
    "a blue butterfly",
    "a yellow star on a blue background --ar 3:2",
    "a cat --chaos 40 --seed 7",
    "a {red, green, blue} balloon",
)
"""Prompts that run as they stand: a test reads them."""

FAST_HOURS = 30.0
"""Midjourney's hours of a month. Nobody has a quota here, so all of them are always left: clients read numbers."""

_MONTHS = 13
"""Months of usage that are kept, this one included."""


@app_commands.command(description=english("command.help"))
@answered()
async def help(call: Call) -> None:
    """A first page with examples that work."""
    examples = "\n".join(f"`{call.words.command('imagine')} {example}`" for example in EXAMPLES)
    await call.say(embed=Embed(call.words.say("help.title"), call.words.say("help", examples=examples), NOTICE_COLOUR))


@app_commands.command(description=english("command.info"))
@answered(deferred=True)
async def info(call: Call) -> None:
    """Midjourney's page, line by line, because clients read it. Deferred first: they wait for the edit that follows."""
    await call.say(embed=Embed("Your info", await _info_text(call), NOTICE_COLOUR))


@app_commands.command(description=english("command.userid"))
@answered()
async def userid(call: Call) -> None:
    """The number that Discord knows the caller by."""
    await call.say(call.words.say("userid", id=call.asker.user.id))


async def _info_text(call: Call) -> str:
    services, user_id = call.services, call.asker.user.id
    profile = await profile_of(services, call.asker)
    now = datetime.fromtimestamp(call.asker.asked_ms / 1000, UTC)
    usage = await usage_of(services, user_id, _months(now))
    own = await standings(services, user_id)
    running = [_running(one) for one in own if one.position.running]
    waiting = Counter(one.job.speed for one in own if not one.position.running)
    lifetime, relaxed = _total(usage), _total([one for one in usage if one.speed is Speed.RELAX])
    lines = [
        f"**User ID**: {user_id}",
        f"**Subscription**: Pro (Self hosted, renews next on <t:{_next_month(now)}>)",
        f"**Visibility Mode**: {'Stealth' if profile.stealth else 'Public'}",
        f"**Job Mode**: {profile.speed.capitalize()}",
        f"**Fast Time Remaining**: {FAST_HOURS:.2f}/{FAST_HOURS:.1f} hours (100.00%)",
        f"**Lifetime Usage**: {lifetime.images} images ({lifetime.gpu_s / 3600:.2f} hours)",
        f"**Relaxed Usage**: {relaxed.images} images ({relaxed.gpu_s / 60:.2f} minutes)",
        "",
        f"**Queued Jobs (fast)**: {waiting[Speed.FAST] + waiting[Speed.TURBO]}",
        f"**Queued Jobs (relax)**: {waiting[Speed.RELAX]}",
        f"**Running Jobs**: {', '.join(running) or 'None'}",
    ]
    return "\n".join(lines)


def _running(standing: Standing) -> str:
    """A running job, as a link to its message."""
    job, message = standing.job, standing.message
    if message is None:
        return f"`{job.id}`"
    return f"[{job.id}]({message_link(job.destination.guild_id, message.channel_id, message.message_id)})"


def _total(usage: Sequence[Usage]) -> Usage:
    return Usage(Speed.FAST, images=sum(one.images for one in usage), gpu_s=sum(one.gpu_s for one in usage))


def _months(now: datetime) -> list[str]:
    """The months of which usage is kept, newest first, as `2026-11`."""
    first = now.year * 12 + now.month - 1
    return [f"{number // 12:04}-{number % 12 + 1:02}" for number in range(first, first - _MONTHS, -1)]


def _next_month(now: datetime) -> int:
    """When the count of this month ends, in Unix seconds."""
    year, month = divmod(now.year * 12 + now.month, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())
