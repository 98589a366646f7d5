"""What a person has set, over what their channel and server have set: a prompt is read with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeVar

from contract.catalogue import Catalogue
from contract.jobs import DiscordChannel, Speed, Strength
from contract.prompt import Context, Parameters
from contract.versions import DEFAULT_VERSION, VERSIONS, Versions
from exchange import preferences
from service.asker import Asker
from service.budget import promptly
from service.services import Services

Choice = TypeVar("Choice", bound=StrEnum)

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
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    versions: Versions = VERSIONS

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


async def profile_of(services: Services, asker: Asker) -> Profile:
    """The person's settings over the channel's over the server's. UserError when they cannot be read in time."""
    scopes = [preferences.user(asker.user.id)]
    if isinstance(asker.destination, DiscordChannel):
        scopes.insert(0, preferences.channel(asker.destination.channel_id))
    if asker.guild_id is not None:
        scopes.insert(0, preferences.guild(asker.guild_id))
    async with promptly():
        layers = await services.preferences.layers(scopes)
    return read_profile({name: value for layer in layers for name, value in layer.items()}, services.catalogue)


async def set_preferences(services: Services, asker: Asker, settings: Mapping[str, Any]) -> None:
    """Keep settings of a person; None forgets one. UserError when that is not done in time."""
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
        options=MappingProxyType(options),
        versions=catalogue.versions,
    )


def _text(value: object, fallback: str) -> str:
    return value if isinstance(value, str) else fallback


def _member(kind: type[Choice], value: object, fallback: Choice) -> Choice:
    try:
        return kind(str(value))
    except ValueError:
        return fallback
