"""What those who manage a server allow there: channels, models, newcomers, words. Kept with the server's settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord

from bot.answering import promptly
from bot.client import Interaction
from contract.errors import UserError
from contract.jobs import Job

CHANNELS, MODELS, NEWCOMERS, BLOCKED = "rule:channels", "rule:models", "rule:newcomers", "rule:blocked"


@dataclass(frozen=True, slots=True)
class Newcomers:
    """Members of fewer than `days` days: where they may work (None: anywhere), and how many jobs at a time (0: any)."""

    days: int
    channel_id: int | None = None
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class Rules:
    """A server's rules. Empty `channels` and `models` allow all; `blocked` words are refused in prompts."""

    channels: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    newcomers: Newcomers | None = None
    blocked: tuple[str, ...] = ()


def read_rules(settings: Mapping[str, Any]) -> Rules:
    """The rules among a server's settings. What makes no sense counts as not set."""
    newcomers = settings.get(NEWCOMERS)
    return Rules(
        channels=tuple(id for id in _list(settings.get(CHANNELS)) if isinstance(id, int)),
        models=tuple(name for name in _list(settings.get(MODELS)) if isinstance(name, str)),
        newcomers=_newcomers(newcomers) if isinstance(newcomers, dict) else None,
        blocked=tuple(word for word in _list(settings.get(BLOCKED)) if isinstance(word, str) and word),
    )


async def enforce(interaction: Interaction, rules: Rules, jobs: Sequence[Job]) -> None:
    """UserError when a rule of the server forbids one of these jobs here, or all of them."""
    channel_id = _channel_of(interaction)
    if rules.channels and channel_id not in rules.channels:
        raise UserError("channel_not_allowed", channels=_mentions(rules.channels))
    for job in jobs:
        if rules.models and job.model not in rules.models:
            raise UserError("model_not_allowed", model=job.model, allowed=", ".join(rules.models))
        word = blocked_word(rules, job.prompt.text)
        if word is not None:
            raise UserError("blocked_word", word=word)
    if rules.newcomers is not None and _is_newcomer(interaction, rules.newcomers):
        await _enforce_newcomers(interaction, rules.newcomers, channel_id, len(jobs))


def blocked_word(rules: Rules, text: str) -> str | None:
    """The first blocked word that stands in `text` as a word of its own, however it is written; None without one."""
    words = " ".join(re.findall(r"\w+", text.casefold()))
    for blocked in rules.blocked:
        wanted = " ".join(re.findall(r"\w+", blocked.casefold()))
        if wanted and f" {wanted} " in f" {words} ":
            return blocked
    return None


async def _enforce_newcomers(
    interaction: Interaction, newcomers: Newcomers, channel_id: int | None, wanted: int
) -> None:
    if newcomers.channel_id is not None and channel_id != newcomers.channel_id:
        raise UserError("newcomers_elsewhere", channel=f"<#{newcomers.channel_id}>", days=newcomers.days)
    if newcomers.jobs:
        async with promptly():
            present = len(await interaction.client.services.queue.of_user(interaction.user.id))
        if present + wanted > newcomers.jobs:
            raise UserError("newcomers_limit", limit=newcomers.jobs, days=newcomers.days)


def _is_newcomer(interaction: Interaction, newcomers: Newcomers) -> bool:
    member = interaction.user
    if not isinstance(member, discord.Member) or member.joined_at is None or interaction.permissions.manage_guild:
        return False
    return interaction.created_at - member.joined_at < timedelta(days=newcomers.days)


def _channel_of(interaction: Interaction) -> int | None:
    """The channel whose rules hold: a thread's are its parent's."""
    if isinstance(interaction.channel, discord.Thread):
        return interaction.channel.parent_id
    return interaction.channel_id


def _newcomers(value: Mapping[str, Any]) -> Newcomers | None:
    days, channel_id, jobs = value.get("days"), value.get("channel"), value.get("jobs")
    if not isinstance(days, int) or days < 1:
        return None
    return Newcomers(days, channel_id if isinstance(channel_id, int) else None, jobs if isinstance(jobs, int) else 0)


def _mentions(channels: Sequence[int]) -> str:
    return ", ".join(f"<#{id}>" for id in channels)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
