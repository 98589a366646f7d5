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
from contract.locales import Book, english
from contract.prompt import Context, parse
from service.rules import BLOCKED, CHANNELS, MODELS, NEWCOMERS, Newcomers, Rules, read_rules, rules_of, set_for_server

Setting = Literal["version", "speed", "stylize", "strength", "suffix"]

_BLOCKED_LENGTH = 1000

server = app_commands.Group(
    name="server",
    description=english("command.server"),
    guild_only=True,
    default_permissions=discord.Permissions(manage_guild=True),
)


@server.command(description=english("command.server.show"))
@answered()
async def show(call: Call) -> None:
    """All rules in words."""
    await RULES.show(call)


async def _rules_page(call: Call, number: int) -> Page:
    return page_of(_lines(call.words, await rules_of(call.services, call.asker)).values(), number)


RULES = Listing("rules", _rules_page)


@server.command(description=english("command.server.channel"))
@app_commands.describe(
    channel=english("option.server.channel.channel"), allowed=english("option.server.channel.allowed")
)
@answered()
async def channel(call: Call, channel: discord.TextChannel, allowed: bool) -> None:
    """Keep the list of channels."""
    present = (await rules_of(call.services, call.asker)).channels
    channels = [id for id in present if id != channel.id] + ([channel.id] if allowed else [])
    await _keep_rule(call, CHANNELS, channels or None)


@server.command(description=english("command.server.model"))
@app_commands.describe(name=english("option.server.model.name"), allowed=english("option.server.model.allowed"))
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


@server.command(description=english("command.server.newcomers"))
@app_commands.describe(
    days=english("option.server.newcomers.days"),
    channel=english("option.server.newcomers.channel"),
    jobs=english("option.server.newcomers.jobs"),
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


@server.command(name="words", description=english("command.server.words"))
@app_commands.describe(blocked=english("option.server.words.blocked"))
@answered()
async def blocked_words(call: Call, blocked: str | None = None) -> None:
    """Keep the list of blocked words."""
    words = [word.strip() for word in (blocked or "")[:_BLOCKED_LENGTH].split(",") if word.strip()]
    await _keep_rule(call, BLOCKED, words or None)


@server.command(description=english("command.server.default"))
@app_commands.describe(
    setting=english("option.server.default.setting"),
    value=english("option.server.default.value"),
    channel=english("option.server.default.channel"),
)
@answered()
async def default(
    call: Call,
    setting: Setting,
    value: str | None = None,
    channel: discord.TextChannel | None = None,
) -> None:
    """Keep a default of the server, or of one channel."""
    kept = None if value is None or not value.strip() else _value(call, setting, value.strip())
    await set_for_server(call.services, call.asker, setting, kept, channel_id=channel.id if channel else None)
    where = call.words.say("where.channel", channel=channel.id) if channel else call.words.say("where.server")
    name = call.words.say(f"choice.{setting}")
    if kept is None:
        await call.say(call.words.say("default.gone", setting=name, where=where))
    else:
        await call.say(call.words.say("default.kept", setting=name, where=where, value=code(str(kept), 1800)))


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
    await call.say(call.words.say("done", what=_lines(call.words, read_rules({name: value}))[name]))


def _lines(words: Book, rules: Rules) -> dict[str, str]:
    """What holds, a line a rule, by the names they are stored under."""
    channels = ", ".join(f"<#{id}>" for id in rules.channels) or words.say("rule.all")
    blocked = discord.utils.escape_markdown(", ".join(rules.blocked)) or words.say("rule.no_words")
    newcomers = _newcomers_line(words, rules.newcomers) if rules.newcomers else words.say("rule.none")
    return {
        CHANNELS: words.say("rule.channels", channels=channels),
        MODELS: words.say("rule.models", models=", ".join(rules.models) or words.say("rule.all")),
        NEWCOMERS: words.say("rule.newcomers", rule=newcomers),
        BLOCKED: words.say("rule.blocked", words=blocked),
    }


def _newcomers_line(words: Book, rule: Newcomers) -> str:
    where = words.say("where.only", channel=rule.channel_id) if rule.channel_id else words.say("where.all")
    line = words.say("rule.newcomers.where", days=rule.days, where=where)
    return words.say("rule.newcomers.jobs", line=line, limit=rule.jobs) if rule.jobs else line
