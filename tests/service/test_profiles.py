"""Profiles from stored settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.catalogue import DEFAULT_CATALOGUE
from contract.prompt import Prompt
from exchange import keys, preferences
from exchange.connection import connect
from service.profiles import (
    Profile,
    end_sticky_style,
    keep_style,
    profile_of,
    read_profile,
    set_preferences,
)
from service.services import Services
from service.wishes import wish
from tests.service.askers import asker


def test_channel_and_server_settings_stand_below_a_persons() -> None:
    """A later layer wins; nonsense counts as not set; a setting nobody knows is left alone."""
    assert read_profile({}, DEFAULT_CATALOGUE) == Profile(versions=DEFAULT_CATALOGUE.versions)
    nonsense = {"speed": "warp", "version": 7, "stylize": "much", "colour": "red", "raw": True}
    assert read_profile(nonsense, DEFAULT_CATALOGUE) == replace(read_profile({}, DEFAULT_CATALOGUE), raw=True)
    assert read_profile({"version": "emoji"}, DEFAULT_CATALOGUE).version == "8.2"


async def test_sticky_style_loses_no_suffix_that_is_set_meanwhile(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The profile was read with the prompt; since then the person has set another suffix, and just now one more."""
    await set_preferences(services, asker(1), {"sticky": True, "suffix": "--no dogs --sref 3"})
    read = await profile_of(services, asker(1))
    await set_preferences(services, asker(1), {"suffix": "--no cats --sref 4"})
    meanwhile(services, monkeypatch, {"suffix": "--no birds --sref 5"})
    await keep_style(services, asker(1), read, wished("a fox --sref 7", read))
    assert (await profile_of(services, asker(1))).suffix == "--no birds --sref 7"


async def test_sticky_style_that_was_ended_meanwhile_keeps_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does its end bring an older suffix back."""
    await set_preferences(services, asker(1), {"sticky": True, "suffix": "--no dogs --sref 3"})
    read = await profile_of(services, asker(1))
    meanwhile(services, monkeypatch, {"suffix": "--no cats --sref 4"})
    await end_sticky_style(services, asker(1))
    await keep_style(services, asker(1), read, wished("a fox --sref 7", read))
    now = await profile_of(services, asker(1))
    assert (now.sticky, now.suffix) == (False, "--no cats")


def test_a_style_in_the_words_stands_in_for_the_one_that_is_kept() -> None:
    """Otherwise each new style would be mixed with all before it; a suffix without Sticky Style is added to."""
    sticky = Profile(sticky=True, suffix="--no dogs --sref 3 --sw 40")
    assert wished("a fox --sref 7", sticky).echo == "a fox --no dogs --v 8.2 --sref 7"
    assert wished("a fox", sticky).echo == "a fox --no dogs --sw 40 --v 8.2 --sref 3"
    assert wished("a fox --sref 7", replace(sticky, sticky=False)).parameters.style_weight == 40


def wished(text: str, profile: Profile) -> Prompt:
    """What these words of theirs mean."""
    return wish(text, asker(1), profile, DEFAULT_CATALOGUE).jobs[0].prompt


def meanwhile(services: Services, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]) -> None:
    """Another process keeps these of the person, once, while the next change is being made."""
    encode, waiting = preferences._encode, dict(settings)

    def encoded(value: object) -> str:
        while waiting:
            name, other = waiting.popitem()
            with connect(services_url(services)) as client:
                client.hset(keys.preferences(preferences.user(1)), name, encode(other))
        return encode(value)

    monkeypatch.setattr(preferences, "_encode", encoded)


def services_url(services: Services) -> str:
    """The address of their Redis."""
    return f"unix://{services.queue._redis.connection_pool.connection_kwargs['path']}"
