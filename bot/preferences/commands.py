"""What a person sets for themselves: `/settings`, `/prefer`, the speeds and who may see the pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from discord import app_commands

from bot.calls import Call, answered, suggested
from bot.pages import Listing, Page, page_of
from bot.preferences.panel import shown
from bot.rendering import code
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.locales import english
from contract.prompt import parse
from contract.prompt.flags import SPELLINGS
from service.profiles import OPTION_PREFIX, profile_of, set_preferences

MAX_OPTIONS = 20
_OPTION_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,31}")
_OPTION_LENGTH = 1000
_SHOWN_VALUE = 80


@app_commands.command(description=english("command.settings"))
@answered(deferred=True)
async def settings(call: Call) -> None:
    """The panel. It is deferred first, because clients wait for the edit that follows."""
    content, view = await shown(call)
    await call.say(content, view=view)


# ── modes: one command each, without options ────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Mode:
    """A command that sets one thing: `value` None forgets it. The entry `mode.COMMAND` is said then."""

    command: str
    setting: str
    value: str | bool | None


MODES = (
    Mode("fast", "speed", Speed.FAST),
    Mode("relax", "speed", Speed.RELAX),
    Mode("turbo", "speed", Speed.TURBO),
    Mode("stealth", "stealth", True),
    Mode("private", "stealth", True),
    Mode("public", "stealth", None),
)


def mode_command(mode: Mode) -> app_commands.Command[Any, [], None]:
    """The command that switches to `mode`."""

    @answered()
    async def switch(call: Call) -> None:
        await set_preferences(call.services, call.asker, {mode.setting: mode.value})
        await call.say(call.words.say(f"mode.{mode.command}"))

    return app_commands.Command(name=mode.command, description=english(f"command.{mode.command}"), callback=switch)


# ── /prefer ─────────────────────────────────────────────────────────────────────────────────────────────────────────

prefer = app_commands.Group(name="prefer", description=english("command.prefer"))
option = app_commands.Group(name="option", description=english("command.prefer.option"), parent=prefer)


@option.command(name="set", description=english("command.prefer.option.set"))
@app_commands.describe(
    option=english("option.prefer.option.set.option"), value=english("option.prefer.option.set.value")
)
@answered()
async def option_set(call: Call, option: str, value: str | None = None) -> None:
    """Keep what `--option` stands for; without a value, forget it."""
    name = option.strip().lstrip("-—").lower()
    if not _OPTION_NAME.fullmatch(name):
        raise UserError("bad_option_name", option=option[:60])
    if name in SPELLINGS:
        raise UserError("option_is_a_parameter", option=name)
    options = (await profile_of(call.services, call.asker)).options
    if value is None or not value.strip():
        if name not in options:
            raise UserError("no_such_option", option=name)
        await set_preferences(call.services, call.asker, {OPTION_PREFIX + name: None})
        await call.say(call.words.say("shortcut.gone", option=name))
        return
    if name not in options and len(options) >= MAX_OPTIONS:
        raise UserError("too_many_options", limit=MAX_OPTIONS)
    if len(value) > _OPTION_LENGTH:
        raise UserError("option_too_long", limit=_OPTION_LENGTH)
    await set_preferences(call.services, call.asker, {OPTION_PREFIX + name: value.strip()})
    await call.say(call.words.say("shortcut.kept", option=name, value=code(value)))


@option_set.autocomplete("option")
@suggested
async def _option_names(call: Call, current: str) -> list[tuple[str, str]]:
    options = (await profile_of(call.services, call.asker)).options
    return [(name, name) for name in sorted(options) if current.lower().lstrip("-") in name]


@option.command(name="list", description=english("command.prefer.option.list"))
@answered()
async def option_list(call: Call) -> None:
    """All shortcuts with what they stand for."""
    await OPTIONS.show(call)


async def _options_page(call: Call, number: int) -> Page:
    options = (await profile_of(call.services, call.asker)).options
    lines = [f"`--{name}`: {code(value, _SHOWN_VALUE)}" for name, value in sorted(options.items())]
    return page_of(lines or [call.words.say("shortcut.none")], number)


OPTIONS = Listing("options", _options_page)


@prefer.command(description=english("command.prefer.suffix"))
@app_commands.describe(new_value=english("option.prefer.suffix.new_value"))
@answered()
async def suffix(call: Call, new_value: str | None = None) -> None:
    """Keep or clear the suffix. What would be refused in a prompt is refused here."""
    call.typed = f"/prefer suffix {new_value or ''}"
    if new_value is None or not new_value.strip():
        await set_preferences(call.services, call.asker, {"suffix": None})
        await call.say(call.words.say("suffix.gone"))
        return
    profile = await profile_of(call.services, call.asker)
    parse(new_value, replace(profile.context("prefer_suffix"), suffix=""))
    await set_preferences(call.services, call.asker, {"suffix": new_value.strip()})
    await call.say(call.words.say("suffix.kept", suffix=code(new_value, 1900)))


@prefer.command(description=english("command.prefer.remix"))
@answered(deferred=True)
async def remix(call: Call) -> None:
    """Whether V and 🔄 ask for other words first. Deferred first, because clients wait for the edit that follows."""
    on = not (await profile_of(call.services, call.asker)).remix
    await set_preferences(call.services, call.asker, {"remix": on})
    await call.say(call.words.say("remix.on" if on else "remix.off"))


@prefer.command(description=english("command.prefer.variability"))
@answered()
async def variability(call: Call) -> None:
    """How far V departs from its picture."""
    strong = (await profile_of(call.services, call.asker)).strength is Strength.SUBTLE
    strength = Strength.STRONG if strong else Strength.SUBTLE
    await set_preferences(call.services, call.asker, {"strength": strength})
    await call.say(call.words.say("variability.high" if strong else "variability.low"))


@prefer.command(description=english("command.prefer.auto_dm"))
@answered()
async def auto_dm(call: Call) -> None:
    """Whether every finished job also comes as a direct message."""
    on = not (await profile_of(call.services, call.asker)).auto_dm
    await set_preferences(call.services, call.asker, {"auto_dm": on})
    await call.say(call.words.say("auto_dm.on" if on else "auto_dm.off"))
