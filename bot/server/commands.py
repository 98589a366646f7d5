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
from contract.moderation import NOTHING, read_blocked, read_weighed
from contract.prompt import Context, parse
from service.pins import canonical, hold_here
from service.rules import (
    BLOCKED,
    CHANNELS,
    MODELS,
    NEWCOMERS,
    PICTURES,
    REVIEW,
    Newcomers,
    Rules,
    read_rules,
    rules_of,
    set_allowed,
    set_for_server,
)

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
    await _say_rule(call, CHANNELS, await set_allowed(call.services, call.asker, CHANNELS, channel.id, allowed))


@server.command(description=english("command.server.model"))
@app_commands.describe(name=english("option.server.model.name"), allowed=english("option.server.model.allowed"))
@answered()
async def model(call: Call, name: str, allowed: bool) -> None:
    """Keep the list of models."""
    if allowed:
        call.services.catalogue.asked_for(name)
    await _say_rule(call, MODELS, await set_allowed(call.services, call.asker, MODELS, name, allowed))


@model.autocomplete("name")
@suggested
async def _model_names(call: Call, current: str) -> list[tuple[str, str]]:
    return _models_like(call, current)


def _models_like(call: Call, current: str) -> list[tuple[str, str]]:
    return [(model.title, model.name) for model in call.services.catalogue if current.lower() in model.title.lower()]


@server.command(description=english("command.server.version"))
@app_commands.describe(name=english("option.server.version.name"), model=english("option.server.version.model"))
@answered()
async def version(call: Call, name: str, model: str | None = None) -> None:
    """Hold a version at a model, or let it go; seen by all, since it changes what they get."""
    name = canonical(call.services, name)
    meaning = await hold_here(call.services, call.asker, name, model)
    if meaning is None:
        await call.say(call.words.say("pin.gone", version=name))
    else:
        told = {"version": name, "model": meaning.model, "revision": meaning.revision}
        await call.say(call.words.say("pin.kept", **told))


@version.autocomplete("name")
@suggested
async def _version_names(call: Call, current: str) -> list[tuple[str, str]]:
    return [(name, name) for name in call.services.catalogue.offered if current.lower() in name]


@version.autocomplete("model")
@suggested
async def _held_models(call: Call, current: str) -> list[tuple[str, str]]:
    return _models_like(call, current)


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
@app_commands.describe(blocked=english("option.server.words.blocked"), channel=english("option.server.words.channel"))
@answered()
async def blocked_words(call: Call, blocked: str | None = None, channel: discord.TextChannel | None = None) -> None:
    """Keep the list of blocked words, of the server or of one channel."""
    listed = (blocked or "")[:_BLOCKED_LENGTH].split(",")
    words = [str(read_blocked(word)) for word in listed if word.strip()]
    await _keep_rule(call, BLOCKED, words or None, channel)


@server.command(description=english("command.server.pictures"))
@app_commands.describe(weight=english("option.server.pictures.weight"))
@answered()
async def pictures(call: Call, weight: str) -> None:
    """Keep what follows when a picture is for adults."""
    weighed = read_weighed(weight)
    await _keep_rule(call, PICTURES, None if weighed == NOTHING else str(weighed))


@server.command(description=english("command.server.review"))
@app_commands.describe(channel=english("option.server.review.channel"))
@answered()
async def review(call: Call, channel: discord.TextChannel | None = None) -> None:
    """Keep where appeals and reports go."""
    await _keep_rule(call, REVIEW, None if channel is None else channel.id)


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


async def _keep_rule(call: Call, name: str, value: Any, channel: discord.TextChannel | None = None) -> None:
    """Store a rule of the server, or of one channel (None forgets it), and say what holds now."""
    await set_for_server(call.services, call.asker, name, value, channel_id=None if channel is None else channel.id)
    await _say_rule(call, name, value, channel)


async def _say_rule(call: Call, name: str, value: Any, channel: discord.TextChannel | None = None) -> None:
    lines = _lines(call.words, read_rules({name: value}), None if channel is None else channel.id)
    await call.say(call.words.say("done", what=lines[name]))


def _lines(words: Book, rules: Rules, channel_id: int | None = None) -> dict[str, str]:
    """What holds, a line a rule, by the names they are stored under; the words of one channel if it is named."""
    channels = ", ".join(f"<#{id}>" for id in rules.channels) or words.say("rule.all")
    blocked = discord.utils.escape_markdown(", ".join(rules.blocked)) or words.say("rule.no_words")
    review = f"<#{rules.review_channel}>" if rules.review_channel else words.say("rule.none")
    newcomers = _newcomers_line(words, rules.newcomers) if rules.newcomers else words.say("rule.none")
    return {
        CHANNELS: words.say("rule.channels", channels=channels),
        MODELS: words.say("rule.models", models=", ".join(rules.models) or words.say("rule.all")),
        NEWCOMERS: words.say("rule.newcomers", rule=newcomers),
        BLOCKED: words.say("rule.blocked", words=blocked)
        if channel_id is None
        else words.say("rule.blocked.channel", words=blocked, channel=channel_id),
        PICTURES: words.say("rule.pictures", weight=str(rules.pictures)),
        REVIEW: words.say("rule.review", channel=review),
    }


def _newcomers_line(words: Book, rule: Newcomers) -> str:
    where = words.say("where.only", channel=rule.channel_id) if rule.channel_id else words.say("where.all")
    line = words.say("rule.newcomers.where", days=rule.days, where=where)
    return words.say("rule.newcomers.jobs", line=line, limit=rule.jobs) if rule.jobs else line
