"""Words about the user: `/info`, `/userid`; and what this bot has no use for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import discord
from discord import app_commands

from bot.calls import Call, answered
from bot.permissions import NEEDED
from bot.rendering import message_link
from contract.jobs import Speed
from contract.kinds.video import Video
from contract.locales import english
from contract.messages import NOTICE_COLOUR, Embed
from exchange.accounts import Usage
from service.pictures import usage_of
from service.profiles import profile_of
from service.quotas import Allowance, Share, allowance_of
from service.standing import Standing, standings

FAST_HOURS = 30.0
"""Midjourney's hours of a month: shown as all left where there is no limit, because clients read numbers."""

_MONTHS = 13
"""Months of usage that are kept, this one included."""


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


@app_commands.command(description=english("command.invite"))
@answered()
async def invite(call: Call) -> None:
    """Where this bot can be added to another server, with the permissions that it needs."""
    client = call.client
    address = discord.utils.oauth_url(
        client.application_id or 0, permissions=discord.Permissions(**dict.fromkeys(NEEDED, True))
    )
    await call.say(call.words.say("invite", link=address))


@app_commands.command(description=english("command.ask"))
@app_commands.describe(question=english("option.ask.question"))
@answered()
async def ask(call: Call, question: str) -> None:
    """Nobody answers questions here."""
    await call.say(call.words.say("sentence.ask"))


@app_commands.command(description=english("command.tune"))
@app_commands.describe(prompt=english("option.tune.prompt"))
@answered()
async def tune(call: Call, prompt: str) -> None:
    """Midjourney's own is gone too."""
    await call.say(call.words.say("sentence.tune"))


def sentence_command(name: str) -> app_commands.Command[Any, [], None]:
    """A command whose answer is one sentence, the entry `sentence.NAME`."""

    @answered()
    async def say(call: Call) -> None:
        await call.say(call.words.say(f"sentence.{name}"))

    return app_commands.Command(name=name, description=english(f"command.{name}"), callback=say)


SENTENCES: tuple[app_commands.Command[Any, ..., None], ...] = (
    ask,
    tune,
    *map(sentence_command, ("subscribe", "feedback", "list_tuners", "list_personalize_codes")),
)
"""Commands of Midjourney's that have no use here. They are in the index all the same, because clients take another one
in place of one that is missing."""


async def _info_text(call: Call) -> str:
    services, user_id = call.services, call.asker.user.id
    profile = await profile_of(services, call.asker)
    now = datetime.fromtimestamp(call.asker.asked_ms / 1000, UTC)
    usage, allowance = await usage_of(services, user_id, _months(now)), await allowance_of(services, call.asker)
    model = profile.model(services.catalogue)
    own = await standings(services, user_id)
    running = [_running(one) for one in own if one.position.running]
    waiting = Counter(one.job.speed for one in own if not one.position.running)
    lifetime, relaxed = _total(usage), _total([one for one in usage if one.speed is Speed.RELAX])
    lines = [
        f"**User ID**: {user_id}",
        f"**Subscription**: Pro (Self hosted, renews next on <t:{allowance.renews_s}>)",
        f"**Visibility Mode**: {'Stealth' if profile.stealth else 'Public'}",
        f"**Job Mode**: {profile.speed.capitalize()}",
        f"**Fast Time Remaining**: {_remaining(allowance.fast)}",
        f"**Lifetime Usage**: {lifetime.images} images ({lifetime.gpu_s / 3600:.2f} hours)",
        f"**Relaxed Usage**: {relaxed.images} images ({relaxed.gpu_s / 60:.2f} minutes)",
        "",
        f"**Queued Jobs (fast)**: {waiting[Speed.FAST] + waiting[Speed.TURBO]}",
        f"**Queued Jobs (relax)**: {waiting[Speed.RELAX]}",
        f"**Running Jobs**: {', '.join(running) or 'None'}",
        "",
        call.words.say("info.model", model=model.title, licence=model.licence),
        *_videos(call),
        *_limits(call, allowance),
    ]
    return "\n".join(lines)


def _remaining(share: Share) -> str:
    """Hours left of hours allowed, in Midjourney's form."""
    limit = FAST_HOURS if share.limit_min is None else share.limit_min / 60
    left = FAST_HOURS if share.left_min is None else share.left_min / 60
    percent = 100 * left / limit if limit else 0.0
    return f"{left:.2f}/{limit:.1f} hours ({percent:.2f}%)"


def _videos(call: Call) -> Iterator[str]:
    """What sets pictures in motion here, where a model draws videos."""
    model = call.services.catalogue.able(Video.needs)
    if model is not None:
        yield call.words.say("info.moving", model=model.title, licence=model.licence)


def _limits(call: Call, allowance: Allowance) -> Iterator[str]:
    """What else holds for the person here."""
    words, relax = call.words, allowance.relax
    if relax.limit_min is not None:
        yield words.say("info.relax", left=f"{relax.left_min:.0f}", limit=f"{relax.limit_min:.0f}")
    if allowance.jobs_per_hour is not None:
        yield words.say("info.hourly", limit=allowance.jobs_per_hour)
    if allowance.cooldown_s:
        yield words.say("info.cooldown", seconds=allowance.cooldown_s)
    yield words.say("info.speeds", speeds=", ".join(f"`{words.command(speed)}`" for speed in allowance.speeds))


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
