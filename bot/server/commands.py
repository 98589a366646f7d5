"""`/server`: rules and defaults, for those who manage a server."""

from __future__ import annotations

from typing import Any, Literal

import discord
from discord import app_commands

from bot.calls import Call, answered, suggested
from bot.pages import Listing, Page, page_of
from bot.preferences.panel import STYLIZE_LEVELS
from bot.rendering import code
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.prompt import Context, parse
from service.rules import BLOCKED, CHANNELS, MODELS, NEWCOMERS, Rules, read_rules, rules_of, set_for_server

Setting = Literal["version", "speed", "stylize", "strength", "suffix"]

_BLOCKED_LENGTH = 1000

server = app_commands.Group(
    name="server",
    description="Rules and defaults of this server",
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
)


@server.command(description="Show the rules of this server")
@answered()
async def show(call: Call) -> None:
    """All rules in words."""
    await RULES.show(call)


async def _rules_page(call: Call, number: int) -> Page:
    return page_of(_lines(await rules_of(call.services, call.asker)).values(), number)


RULES = Listing("rules", _rules_page)


@server.command(description="Allow pictures in a channel, or no longer; with none allowed, all are")
@answered()
async def channel(call: Call, channel: discord.TextChannel, allowed: bool) -> None:
    """Keep the list of channels."""
    present = (await rules_of(call.services, call.asker)).channels
    channels = [id for id in present if id != channel.id] + ([channel.id] if allowed else [])
    await _keep_rule(call, CHANNELS, channels or None)


@server.command(description="Allow a model, or no longer; with none allowed, all are")
@answered()
async def model(call: Call, name: str, allowed: bool) -> None:
    """Keep the list of models."""
    present = (await rules_of(call.services, call.asker)).models
    call.services.catalogue.named(name)
    models = [other for other in present if other != name] + ([name] if allowed else [])
    await _keep_rule(call, MODELS, models or None)


@model.autocomplete("name")
@suggested
async def _model_names(call: Call, current: str) -> list[tuple[str, str]]:
    return [(model.title, model.name) for model in call.services.catalogue if current.lower() in model.title.lower()]


@server.command(description="What new members may do; 0 days for no such rule")
@app_commands.describe(
    days="Members of fewer days are newcomers",
    channel="The only channel where they may work",
    jobs="How many jobs they may have at a time",
)
@answered()
async def newcomers(
    call: Call,
    days: app_commands.Range[int, 0, 365],
    channel: discord.TextChannel | None = None,
    jobs: app_commands.Range[int, 0, 40] = 0,
) -> None:
    """Keep the rule for newcomers."""
    rule = {"days": days, "channel": channel.id if channel else None, "jobs": jobs} if days else None
    await _keep_rule(call, NEWCOMERS, rule)


@server.command(description="Words that prompts here may not hold, separated by commas; empty for none")
@answered()
async def policy(call: Call, blocked: str | None = None) -> None:
    """Keep the list of blocked words."""
    words = [word.strip() for word in (blocked or "")[:_BLOCKED_LENGTH].split(",") if word.strip()]
    await _keep_rule(call, BLOCKED, words or None)


@server.command(description="What holds for people who have set nothing themselves")
@app_commands.describe(setting="What to set", value="Its value; empty forgets it", channel="Only in this channel")
@answered()
async def default(
    call: Call,
    setting: Setting,
    value: str | None = None,
    channel: discord.TextChannel | None = None,
) -> None:
    """Keep a default of the server, or of one channel."""
    kept = None if value is None or not value.strip() else _value(call, setting, value.strip())
    where = f"in <#{channel.id}>" if channel else "on this server"
    if kept is None:
        holds = f"There is no default **{setting}** {where}"
    else:
        holds = f"**{setting}** {where} is `{code(str(kept), 1800)}` for those who have set none themselves"
    await set_for_server(call.services, call.asker, setting, kept, channel_id=channel.id if channel else None)
    await call.say(f"Done! {holds}")


def _value(call: Call, setting: Setting, value: str) -> str | int:
    """A default as it is stored. UserError when it is none."""
    allowed: list[str]
    match setting:
        case "suffix":
            parse(value, Context(command="prefer_suffix", versions=call.services.catalogue.versions))
            return value
        case "stylize":
            allowed = [str(level) for level in STYLIZE_LEVELS]
        case "version":
            allowed = list(call.services.catalogue.offered)
        case "speed":
            allowed = list(Speed)
        case "strength":
            allowed = list(Strength)
    if value.lower() not in allowed:
        raise UserError("bad_setting", setting=setting, value=value[:60], allowed=", ".join(allowed))
    return int(value) if setting == "stylize" else value.lower()


async def _keep_rule(call: Call, name: str, value: Any) -> None:
    """Store a rule of the server (None forgets it) and say what holds now."""
    await set_for_server(call.services, call.asker, name, value)
    await call.say(f"Done! {_lines(read_rules({name: value}))[name]}")


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
