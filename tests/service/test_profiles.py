"""Profiles from stored settings."""

from __future__ import annotations

from dataclasses import replace

from contract.catalogue import DEFAULT_CATALOGUE
from service.profiles import Profile, read_profile


def test_channel_and_server_settings_stand_below_a_persons() -> None:
    """A later layer wins; nonsense counts as not set; a setting nobody knows is left alone."""
    assert read_profile({}, DEFAULT_CATALOGUE) == Profile(versions=DEFAULT_CATALOGUE.versions)
    nonsense = {"speed": "warp", "version": 7, "stylize": "much", "colour": "red", "raw": True}
    assert read_profile(nonsense, DEFAULT_CATALOGUE) == replace(read_profile({}, DEFAULT_CATALOGUE), raw=True)
    assert read_profile({"version": "emoji"}, DEFAULT_CATALOGUE).version == "6.1"
