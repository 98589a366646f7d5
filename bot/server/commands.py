"""`/server`: rules and defaults, for those who manage a server."""

from __future__ import annotations

from typing import Any, Literal

import discord
from discord import app_commands

from bot.answering import answering, promptly
from bot.client import Interaction
from bot.preferences.panel import STYLIZE_LEVELS
from bot.rendering import MESSAGE_LIMIT, code
from bot.rules import BLOCKED, CHANNELS, MODELS, NEWCOMERS, Rules, read_rules
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.prompt import Context, parse
from exchange import preferences

Setting = Literal["version", "speed", "stylize", "strength", "suffix"]

_CHOICES = 25
_BLOCKED_LENGTH = 1000

server = app_commands.Group(
    name="server",
    description="Rules and defaults of this server",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
)


@server.command(description="Show the rules of this server")
async def show(interaction: Interaction) -> None:
    """All rules in words."""
    async with answering(interaction, ephemeral=True):
        rules = read_rules(await _settings(interaction))
        await interaction.response.send_message("\n".join(_lines(rules).values()), ephemeral=True)


@server.command(description="Allow pictures in a channel, or no longer; with none allowed, all are")
async def channel(interaction: Interaction, channel: discord.TextChannel, allowed: bool) -> None:
    """Keep the list of channels."""
    async with answering(interaction, ephemeral=True):
        present = read_rules(await _settings(interaction)).channels
        channels = [id for id in present if id != channel.id] + ([channel.id] if allowed else [])
        await _keep_rule(interaction, CHANNELS, channels or None)


@server.command(description="Allow a model, or no longer; with none allowed, all are")
async def model(interaction: Interaction, name: str, allowed: bool) -> None:
    """Keep the list of models."""
    async with answering(interaction, ephemeral=True):
        present = read_rules(await _settings(interaction)).models
        interaction.client.services.catalogue.named(name)
        models = [other for other in present if other != name] + ([name] if allowed else [])
        await _keep_rule(interaction, MODELS, models or None)


@model.autocomplete("name")
async def _model_names(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
    models = [model for model in interaction.client.services.catalogue if current.lower() in model.title.lower()]
    return [app_commands.Choice(name=model.title, value=model.name) for model in models[:_CHOICES]]


@server.command(description="What new members may do; 0 days for no such rule")
@app_commands.describe(
    days="Members of fewer days are newcomers",
    channel="The only channel where they may work",
    jobs="How many jobs they may have at a time",
)
async def newcomers(
    interaction: Interaction,
    days: app_commands.Range[int, 0, 365],
    channel: discord.TextChannel | None = None,
    jobs: app_commands.Range[int, 0, 40] = 0,
) -> None:
    """Keep the rule for newcomers."""
    async with answering(interaction, ephemeral=True):
        rule = {"days": days, "channel": channel.id if channel else None, "jobs": jobs} if days else None
        await _keep_rule(interaction, NEWCOMERS, rule)


@server.command(description="Words that prompts here may not hold, separated by commas; empty for none")
async def policy(interaction: Interaction, blocked: str | None = None) -> None:
    """Keep the list of blocked words."""
    async with answering(interaction, ephemeral=True):
        words = [word.strip() for word in (blocked or "")[:_BLOCKED_LENGTH].split(",") if word.strip()]
        await _keep_rule(interaction, BLOCKED, words or None)


@server.command(description="What holds for people who have set nothing themselves")
@app_commands.describe(setting="What to set", value="Its value; empty forgets it", channel="Only in this channel")
async def default(
    interaction: Interaction,
    setting: Setting,
    value: str | None = None,
    channel: discord.TextChannel | None = None,
) -> None:
    """Keep a default of the server, or of one channel."""
    async with answering(interaction, ephemeral=True):
        kept = None if value is None or not value.strip() else _value(interaction, setting, value.strip())
        where = f"in <#{channel.id}>" if channel else "on this server"
        if kept is None:
            holds = f"There is no default **{setting}** {where}"
        else:
            holds = f"**{setting}** {where} is `{code(str(kept))}` for those who have set none themselves"
        await _keep(interaction, setting, kept, holds, channel)


def _value(interaction: Interaction, setting: Setting, value: str) -> str | int:
    """A default as it is stored. UserError when it is none."""
    allowed: list[str]
    match setting:
        case "suffix":
            parse(value, Context(command="prefer_suffix", versions=interaction.client.services.catalogue.versions))
            return value
        case "stylize":
            allowed = [str(level) for level in STYLIZE_LEVELS]
        case "version":
            allowed = list(interaction.client.services.catalogue.offered)
        case "speed":
            allowed = list(Speed)
        case "strength":
            allowed = list(Strength)
    if value.lower() not in allowed:
        raise UserError("bad_setting", setting=setting, value=value[:60], allowed=", ".join(allowed))
    return int(value) if setting == "stylize" else value.lower()


async def _settings(interaction: Interaction) -> dict[str, Any]:
    """The server's settings. UserError for people who do not manage it, whatever the server's permissions show them."""
    guild_id = _managed(interaction)
    async with promptly():
        return await interaction.client.services.preferences.all(preferences.guild(guild_id))


async def _keep_rule(interaction: Interaction, name: str, value: Any) -> None:
    """Store a rule of the server (None forgets it) and say what holds now."""
    await _keep(interaction, name, value, _lines(read_rules({name: value}))[name])


async def _keep(
    interaction: Interaction, name: str, value: Any, holds: str, channel: discord.TextChannel | None = None
) -> None:
    guild_id = _managed(interaction)
    scope = preferences.guild(guild_id) if channel is None else preferences.channel(channel.id)
    async with promptly():
        await interaction.client.services.preferences.set(scope, name, value)
    await interaction.response.send_message(f"Done! {holds}"[:MESSAGE_LIMIT], ephemeral=True)


def _managed(interaction: Interaction) -> int:
    if interaction.guild_id is None or not interaction.permissions.manage_guild:
        raise UserError("not_a_manager")
    return interaction.guild_id


def _lines(rules: Rules) -> dict[str, str]:
    """What holds, a line a rule, by the names they are stored under."""
    new = rules.newcomers
    return {
        CHANNELS: f"**Channels**: {', '.join(f'<#{id}>' for id in rules.channels) or 'all'}",
        MODELS: f"**Models**: {', '.join(rules.models) or 'all'}",
        NEWCOMERS: f"**Newcomers**: {_newcomers_line(new.days, new.channel_id, new.jobs) if new else 'no rule'}",
        BLOCKED: f"**Blocked words**: {discord.utils.escape_markdown(', '.join(rules.blocked)) or 'none'}",
    }


def _newcomers_line(days: int, channel_id: int | None, jobs: int) -> str:
    where = f"only in <#{channel_id}>" if channel_id else "in all channels"
    how_many = f", at most {jobs} jobs at a time" if jobs else ""
    return f"members of fewer than {days} days {where}{how_many}"
