"""The panel of `/settings`: what it shows, and what a press on it changes. The ids are Midjourney's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import discord

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from bot.rendering import add_row, code
from contract.actions import Button, ButtonStyle
from contract.catalogue import Catalogue
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.locales import Book
from service.profiles import Profile, profile_of, set_preferences

STYLIZE_LEVELS = (50, 100, 250, 750)
"""What the switches set; the entries `stylize.…` call them low to very high."""
SPEEDS = (Speed.TURBO, Speed.FAST, Speed.RELAX)

_SHOWN_SUFFIX = 1500
"""Characters of a suffix on the panel: the rest of the message needs room too."""

VERSION_SELECTOR = "MJ::Settings::VersionSelector"
RESET = ("version", "stylize", "raw", "strength", "remix")
"""What Reset Settings forgets: the look. Speed, visibility, suffix and options stay, as at Midjourney."""


@answered()
async def _switched(call: Call, found: re.Match[str]) -> None:
    """A switch on the panel was pressed."""
    profile = await profile_of(call.services, call.asker)
    await _change(call, changes(found["name"], found["value"], profile))


@answered()
async def _version_chosen(call: Call, found: re.Match[str]) -> None:
    """A version was taken from the menu."""
    [version] = call.chosen
    if version not in call.services.catalogue.offered:
        raise UserError("unknown_button")
    await _change(call, {"version": version})


SWITCHES = Route(re.compile(rf"(?!{VERSION_SELECTOR})MJ::Settings::(?P<name>\w+)(?:::(?P<value>\w+))?"), _switched)
VERSIONS = Route(re.compile(VERSION_SELECTOR), _version_chosen)


async def _change(call: Call, settings: Mapping[str, Any]) -> None:
    """Store a person's settings (None forgets one) and show in place what holds now."""
    await set_preferences(call.services, call.asker, settings)
    profile = await profile_of(call.services, call.asker)
    await call.update(summary(call.words, profile), view=panel(call.words, profile, call.services.catalogue))


def changes(name: str, value: str | None, profile: Profile) -> dict[str, Any]:
    """What pressing the switch `name` changes in this profile. UserError for a switch that is not ours."""
    match name, value:
        case "Style", "raw":
            return {"raw": not profile.raw}
        case "Stylize", str(level) if level.isdecimal() and int(level) in STYLIZE_LEVELS:
            return {"stylize": int(level)}
        case "PublicMode", None:
            return {"stealth": not profile.stealth}
        case "RemixMode", None:
            return {"remix": not profile.remix}
        case "HighVariabilityMode", "0" | "1":
            return {"strength": (Strength.STRONG if value == "1" else Strength.SUBTLE).value}
        case "SpeedMode", str(speed) if speed in list(Speed):
            return {"speed": speed}
        case "Reset", None:
            return dict.fromkeys(RESET)
        case _:
            raise UserError("unknown_button")


def panel(words: Book, profile: Profile, catalogue: Catalogue) -> discord.ui.View:
    """The menu and the switches; green ones are on."""
    view = discord.ui.View(timeout=None)
    menu: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=VERSION_SELECTOR, placeholder=words.say("panel.version"), row=0
    )
    for version in catalogue.offered[: limits.CHOICES]:
        menu.add_option(label=version_title(version), value=version, default=version == profile.version)
    view.add_item(menu)
    for row, buttons in enumerate(_switches(words, profile), start=1):
        add_row(view, buttons, row)
    view.stop()
    return view


def summary(words: Book, profile: Profile) -> str:
    """The words above the panel, for people and for programs that cannot read a switch's colour."""
    current = f"`{code(profile.suffix, _SHOWN_SUFFIX)}`" if profile.suffix else "none"
    shown = words.say(
        "settings.now",
        version=version_title(profile.version),
        speed=words.say(f"speed.{profile.speed}"),
        visibility=words.say("visibility.stealth" if profile.stealth else "visibility.public"),
        remix=words.say("switch.on" if profile.remix else "switch.off"),
        variation=words.say(f"strength.{profile.strength}"),
    )
    return "\n".join([words.say("settings.title"), words.say("settings.suffix", suffix=current), shown])


def version_title(version: str) -> str:
    """`6.1`, `Niji 6`, `Test`."""
    return version.capitalize()


def _switches(words: Book, profile: Profile) -> list[list[Button]]:
    stylize = 100 if profile.stylize is None else profile.stylize
    strong = profile.strength is Strength.STRONG
    return [
        [
            _switch("Style::raw", words.say("switch.raw"), on=profile.raw),
            *(
                _switch(f"Stylize::{level}", words.say(f"stylize.{level}"), on=stylize == level)
                for level in STYLIZE_LEVELS
            ),
        ],
        [
            _switch("PublicMode", words.say("switch.public"), on=not profile.stealth),
            _switch("RemixMode", words.say("switch.remix"), on=profile.remix),
            _switch("HighVariabilityMode::1", words.say("switch.high"), on=strong),
            _switch("HighVariabilityMode::0", words.say("switch.low"), on=not strong),
        ],
        [
            *(
                _switch(f"SpeedMode::{speed}", words.say(f"speed.{speed}"), on=profile.speed is speed)
                for speed in SPEEDS
            ),
            _switch("Reset", words.say("switch.reset"), on=False),
        ],
    ]


def _switch(id: str, label: str, *, on: bool) -> Button:
    return Button(f"MJ::Settings::{id}", label, style=ButtonStyle.SUCCESS if on else ButtonStyle.SECONDARY)
