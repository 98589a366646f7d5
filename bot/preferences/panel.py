"""The panel of `/settings`: what it shows, and what a press on it changes. The ids are Midjourney's."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import discord

from bot import limits
from bot.calls import Call, answered
from bot.client import Route
from bot.rendering import add_row, code
from contract.actions import Button, ButtonStyle
from contract.catalogue import Catalogue, Model
from contract.errors import UserError
from contract.jobs import Speed, Strength
from contract.locales import Book
from contract.pins import Holder
from service.pins import hold, let_go
from service.profiles import PIN_PREFIX, Profile, end_sticky_style, profile_of, set_preferences
from service.quotas import speeds_on_offer

STYLIZE_LEVELS = (50, 100, 250, 750)
"""What the switches set; the entries `stylize.…` call them low to very high."""
SPEEDS = (Speed.TURBO, Speed.FAST, Speed.RELAX)

_SHOWN_SUFFIX = 1300
"""Characters of a suffix on the panel: the rest of the message needs room too."""

VERSION_SELECTOR = "MJ::Settings::VersionSelector"
SAMPLER_SELECTOR = "Easel::Settings::Sampler"
HOLD_SWITCH = "Easel::Settings::Hold"
RESET = ("version", "stylize", "raw", "strength", "remix", "sampler", "sticky")
"""What Reset Settings forgets: the look. Speed, visibility, suffix and options stay, as at Midjourney."""


@answered()
async def _switched(call: Call, found: re.Match[str]) -> None:
    """A switch on the panel was pressed."""
    profile, changed = await profile_of(call.services, call.asker), {}
    if found["name"] == "StickyStyle" and profile.sticky:
        await end_sticky_style(call.services, call.asker)
    else:
        changed = changes(found["name"], found["value"], profile)
    await _change(call, changed)


@answered()
async def _version_chosen(call: Call, found: re.Match[str]) -> None:
    """A model was taken from the menu: by a version that means it, or to hold their version at it."""
    chosen, catalogue = next(iter(call.chosen), ""), call.services.catalogue
    if chosen.startswith(PIN_PREFIX):
        version = (await profile_of(call.services, call.asker)).version
        await hold(call.services, call.asker, version, chosen.removeprefix(PIN_PREFIX))
        await _change(call, {})
        return
    if chosen not in catalogue.offered:
        raise UserError("unknown_button")
    profile = await profile_of(call.services, call.asker)
    meant = str(catalogue.resolve(chosen).meaning) if chosen in profile.pins else None  # whatever others hold it at
    await _change(call, {"version": chosen, PIN_PREFIX + chosen: meant})


@answered()
async def _held(call: Call, found: re.Match[str]) -> None:
    """The switch that holds a version at what it means now, or lets it go."""
    profile, catalogue = await profile_of(call.services, call.asker), call.services.catalogue
    if _holds(profile):
        await let_go(call.services, call.asker, profile.version)
    else:
        await hold(call.services, call.asker, profile.version, profile.model(catalogue).name)
    await _change(call, {})


@answered()
async def _sampler_chosen(call: Call, found: re.Match[str]) -> None:
    """A sampler was taken from the menu; the model's own is what holds without a choice."""
    sampler, profile = next(iter(call.chosen), ""), await profile_of(call.services, call.asker)
    model = profile.model(call.services.catalogue)
    if sampler not in model.choices:
        raise UserError("unknown_button")
    await _change(call, {"sampler": None if sampler == model.sampler else sampler})


SWITCHES = Route(re.compile(rf"(?!{VERSION_SELECTOR})MJ::Settings::(?P<name>\w+)(?:::(?P<value>\w+))?"), _switched)
VERSIONS = Route(re.compile(VERSION_SELECTOR), _version_chosen)
SAMPLERS = Route(re.compile(SAMPLER_SELECTOR), _sampler_chosen)
HELD = Route(re.compile(HOLD_SWITCH), _held)


async def _change(call: Call, settings: Mapping[str, Any]) -> None:
    """Store a person's settings (None forgets one) and show in place what holds now."""
    await set_preferences(call.services, call.asker, settings)
    content, view = await shown(call)
    await call.update(content, view=view)


async def shown(call: Call) -> tuple[str, discord.ui.View]:
    """What `/settings` shows to the caller now."""
    profile, catalogue = await profile_of(call.services, call.asker), call.services.catalogue
    speeds = await speeds_on_offer(call.services)
    return summary(call.words, profile, catalogue), panel(call.words, profile, catalogue, speeds)


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
        case "StickyStyle", None:
            return {"sticky": True}
        case "SpeedMode", str(speed) if speed in list(Speed):
            return {"speed": speed}
        case "Reset", None:
            return dict.fromkeys(RESET)
        case _:
            raise UserError("unknown_button")


def panel(words: Book, profile: Profile, catalogue: Catalogue, speeds: Collection[Speed]) -> discord.ui.View:
    """The menus and the switches; green ones are on. Of the speeds those that are on offer."""
    view = discord.ui.View(timeout=None)
    model = profile.model(catalogue)
    view.add_item(_models(words, profile.version, model, catalogue))
    for row, buttons in enumerate(_switches(words, profile, speeds), start=1):
        add_row(view, buttons, row)
    if len(model.choices) > 1:
        view.add_item(_samplers(words, profile, model))
    view.stop()
    return view


def _models(words: Book, version: str, present: Model, catalogue: Catalogue) -> discord.ui.Select[Any]:
    """Every model once, with the versions that mean it, and those that `version` can only be held at."""
    menu: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=VERSION_SELECTOR, placeholder=words.say("panel.version"), row=0
    )
    for model in catalogue.models:
        answers = [name for name in catalogue.offered if catalogue.resolve(name).name == model.name]
        answers.sort(key=lambda name: not name[0].isdigit())  # the numbers first, the newest of them
        if not (answers or model.answers_to(version)) or len(menu.options) == limits.CHOICES:
            continue
        held = words.say("panel.hold", version=version_title(version))
        menu.add_option(
            label=limits.fit(model.title, limits.CHOICE),
            value=catalogue.version_of(model.name) if answers else PIN_PREFIX + model.name,
            description=limits.fit(", ".join(map(version_title, answers)) or held, limits.CHOICE),
            default=model.name == present.name,
        )
    return menu


def _samplers(words: Book, profile: Profile, model: Model) -> discord.ui.Select[Any]:
    menu: discord.ui.Select[Any] = discord.ui.Select(
        custom_id=SAMPLER_SELECTOR, placeholder=words.say("panel.sampler"), row=4
    )
    chosen = _sampler(profile, model)
    for name, steps in list(model.choices.items())[: limits.CHOICES]:
        note = words.say("panel.steps", number=steps)
        menu.add_option(label=name, value=name, description=note, default=name == chosen)
    return menu


def _sampler(profile: Profile, model: Model) -> str:
    return model.sampler if profile.sampler not in model.choices else profile.sampler or model.sampler


def summary(words: Book, profile: Profile, catalogue: Catalogue) -> str:
    """The words above the panel, for people and for programs that cannot read a switch's colour."""
    current = f"`{code(profile.suffix, _SHOWN_SUFFIX)}`" if profile.suffix else "none"
    model = profile.model(catalogue)
    shown = words.say(
        "settings.now",
        version=version_title(profile.version),
        speed=words.say(f"speed.{profile.speed}"),
        visibility=words.say("visibility.stealth" if profile.stealth else "visibility.public"),
        remix=words.say("switch.on" if profile.remix else "switch.off"),
        variation=words.say(f"strength.{profile.strength}"),
    )
    drawn = words.say("settings.model", model=model.title, licence=model.licence, sampler=_sampler(profile, model))
    lines = [words.say("settings.title"), words.say("settings.suffix", suffix=current), shown, drawn]
    if (pin := profile.pins.get(profile.version)) is not None:
        entry = "settings.held" if pin.meaning == model.meaning else "settings.held.gone"
        told = {"version": version_title(profile.version), "model": pin.meaning.model, "revision": pin.meaning.revision}
        lines.append(words.say(entry, **told, holder=words.say(f"holder.{pin.holder}")))
    return "\n".join(lines)


def version_title(version: str) -> str:
    """`6.1`, `Niji 6`, `Test`."""
    return version.capitalize()


def _switches(words: Book, profile: Profile, speeds: Collection[Speed]) -> list[list[Button]]:
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
            _switch("StickyStyle", words.say("switch.sticky"), on=profile.sticky),
        ],
        [
            *(
                _switch(f"SpeedMode::{speed}", words.say(f"speed.{speed}"), on=profile.speed is speed)
                for speed in SPEEDS
                if speed in speeds
            ),
            _switch("Reset", words.say("switch.reset"), on=False),
            _toggle(HOLD_SWITCH, words.say("switch.hold", version=version_title(profile.version)), on=_holds(profile)),
        ],
    ]


def _holds(profile: Profile) -> bool:
    """Whether they hold their version themselves."""
    pin = profile.pins.get(profile.version)
    return pin is not None and pin.holder is Holder.USER


def _switch(id: str, label: str, *, on: bool) -> Button:
    return _toggle(f"MJ::Settings::{id}", label, on=on)


def _toggle(custom_id: str, label: str, *, on: bool) -> Button:
    return Button(custom_id, label, style=ButtonStyle.SUCCESS if on else ButtonStyle.SECONDARY)
