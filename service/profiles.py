"""What a person has set, over what their channel and server have set: a prompt is read with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from contract.catalogue import Catalogue, Model
from contract.errors import UserError
from contract.jobs import DiscordChannel, Speed, Strength
from contract.pins import NO_PINS, Holder, Meaning, Pin, Pins
from contract.prompt import Context, Parameters, Prompt, flags_typed, has_flag, kept_flags
from contract.versions import DEFAULT_VERSION, VERSIONS, Versions
from exchange import preferences
from service.asker import Asker
from service.budget import promptly
from service.quotas import check_speed
from service.services import Services

Choice = TypeVar("Choice", bound=StrEnum)

PIN_PREFIX = "pin:"
"""What a version is held at is a setting of its own, too."""
OPTION_PREFIX = "option:"
"""Every `/prefer option` is a setting of its own, so that two changed at once do not overwrite each other."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings in force for one person in one place. Anything not set stands as Midjourney has it."""

    version: str = DEFAULT_VERSION
    speed: Speed = Speed.FAST
    stealth: bool = False
    stylize: int | None = None
    raw: bool = False
    strength: Strength = Strength.STRONG
    remix: bool = False
    auto_dm: bool = False
    suffix: str = ""
    sampler: str | None = None
    sticky: bool = False
    """Whether the style of one prompt is kept for those after it, in the suffix."""
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    versions: Versions = VERSIONS
    pins: Pins = field(default_factory=lambda: NO_PINS)

    def context(self, command: str = "imagine") -> Context:
        """What the language needs to know before it reads a prompt of this person."""
        return Context(
            version=self.version,
            speed=self.speed.value,
            suffix=self.suffix,
            options=self.options,
            command=command,
            defaults=Parameters(stylize=self.stylize, raw=self.raw),
            versions=self.versions,
        )

    def model(self, catalogue: Catalogue) -> Model:
        """The model of their version, for showing: what it is held at, or what draws it where that is gone."""
        with suppress(UserError):
            return catalogue.resolve(self.version, self.pins)
        return catalogue.resolve(self.version)


async def profile_of(services: Services, asker: Asker) -> Profile:
    """The person's settings over the channel's over the server's over the operator's. UserError when they
    cannot be read in time."""
    scopes = {**_scopes_below(asker), preferences.user(asker.user.id): Holder.USER}
    async with promptly():
        layers = await services.preferences.layers(list(scopes))
    profile = read_profile({name: value for layer in layers for name, value in layer.items()}, services.catalogue)
    return replace(profile, pins=pins_in(zip(scopes.values(), layers, strict=True)))


def _scopes_below(asker: Asker) -> dict[str, Holder]:
    """Whose settings hold where a person has set nothing; a later one counts before an earlier one."""
    scopes = {preferences.EVERYONE: Holder.OPERATOR}
    if asker.guild_id is not None:
        scopes[preferences.guild(asker.guild_id)] = Holder.GUILD
    if isinstance(asker.destination, DiscordChannel):
        scopes[preferences.channel(asker.destination.channel_id)] = Holder.GUILD
    return scopes


async def set_preferences(services: Services, asker: Asker, settings: Mapping[str, Any]) -> None:
    """Keep settings of a person; None forgets one. UserError when that is not done in time, and `speed_off`."""
    if settings.get("speed") is not None:
        await check_speed(services, Speed(settings["speed"]))
    async with promptly():
        for name, value in settings.items():
            await services.preferences.set(preferences.user(asker.user.id), name, value)


def read_profile(settings: Mapping[str, Any], catalogue: Catalogue) -> Profile:
    """A profile from stored settings. A value that makes no sense (an older or newer Easel's, a version that no model
    answers to any more) counts as not set."""
    fallback = Profile(version=catalogue.default_version)
    version = _text(settings.get("version"), fallback.version)
    options = {
        name.removeprefix(OPTION_PREFIX): value
        for name, value in settings.items()
        if name.startswith(OPTION_PREFIX) and isinstance(value, str)
    }
    stylize = settings.get("stylize")
    return Profile(
        version=version if version in catalogue.offered else fallback.version,
        speed=_member(Speed, settings.get("speed"), fallback.speed),
        stealth=settings.get("stealth") is True,
        stylize=stylize if isinstance(stylize, int) else None,
        raw=settings.get("raw") is True,
        strength=_member(Strength, settings.get("strength"), fallback.strength),
        remix=settings.get("remix") is True,
        auto_dm=settings.get("auto_dm") is True,
        suffix=_text(settings.get("suffix"), fallback.suffix),
        sampler=_text(settings.get("sampler"), "") or None,
        sticky=settings.get("sticky") is True,
        options=MappingProxyType(options),
        versions=catalogue.versions,
    )


def pins_in(layers: Iterable[tuple[Holder, Mapping[str, Any]]]) -> Pins:
    """What versions are held at by stored settings; a later layer counts before an earlier one."""
    found = {}
    for holder, settings in layers:
        for name, value in settings.items():
            if name.startswith(PIN_PREFIX) and (meaning := Meaning.read(value)) is not None:
                found[name.removeprefix(PIN_PREFIX)] = Pin(meaning, holder)
    return MappingProxyType(found)


STYLE_FIELDS = frozenset({"style", "raw", "style_references", "style_weight", "style_version"})
"""What Sticky Style keeps of a prompt."""
_OF_REFERENCES = frozenset({"style_weight", "style_version"})
"""What only says how the references count."""


async def keep_style(services: Services, asker: Asker, profile: Profile, prompt: Prompt) -> None:
    """Sticky Style: the style that was typed takes the place of the one in the suffix. UserError when that is not done
    in time."""
    typed = kept_flags(flags_typed(prompt), STYLE_FIELDS)
    if not profile.sticky or not typed:
        return

    def change(now: Profile) -> dict[str, Any]:
        if not now.sticky or kept_flags(now.suffix, STYLE_FIELDS) == typed:
            return {}
        return {"suffix": f"{_without_style(now.suffix)} {typed}".strip()}

    await _change(services, asker, change)


def styled_anew(profile: Profile, text: str) -> Profile:
    """`profile` as it holds for these words: a style in them stands in for the one that Sticky Style has kept, a weight
    alone for the weight of that one."""
    typed = {field for field in STYLE_FIELDS if has_flag(text, field)}
    if not profile.sticky or not typed:
        return profile
    instead = typed if typed <= _OF_REFERENCES else STYLE_FIELDS
    return replace(profile, suffix=kept_flags(profile.suffix, instead, others=True))


async def end_sticky_style(services: Services, asker: Asker) -> None:
    """No style is kept any more, nor the one that was. UserError when that is not done in time."""
    await _change(services, asker, lambda now: {"sticky": False, "suffix": _without_style(now.suffix)})


async def _change(services: Services, asker: Asker, change: Callable[[Profile], dict[str, Any]]) -> None:
    """Keep what `change` makes of a person's profile, in the step in which their own settings are read."""

    def changed(own: dict[str, Any]) -> dict[str, Any]:
        return change(read_profile({**below, **own}, services.catalogue))

    async with promptly():
        layers = await services.preferences.layers(list(_scopes_below(asker)))
        below = {name: value for layer in layers for name, value in layer.items()}
        await services.preferences.change_all(preferences.user(asker.user.id), changed)


def _without_style(suffix: str) -> str:
    """A suffix without what Sticky Style keeps."""
    return kept_flags(suffix, STYLE_FIELDS, others=True)


def _text(value: object, fallback: str) -> str:
    return value if isinstance(value, str) else fallback


def _member(kind: type[Choice], value: object, fallback: Choice) -> Choice:
    try:
        return kind(str(value))
    except ValueError:
        return fallback
