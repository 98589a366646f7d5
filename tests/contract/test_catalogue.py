"""An operator's offer is a file; what is wrong with it is said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.catalogue import EASEL_SMALL, read_catalogue
from contract.errors import UserError

EXAMPLE = (Path(__file__).parents[2] / "models.example.toml").read_text(encoding="utf-8")


def test_the_example_is_a_catalogue() -> None:
    """The first model that answers draws; the small one is there for every other version."""
    catalogue = read_catalogue(EXAMPLE)
    assert catalogue.resolve("6.1").name == "sdxl"
    assert catalogue.resolve("niji 6") == EASEL_SMALL


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("[[models]]", "[[models", "not TOML"),
        ("pixels = 1048576", "", "models.0.pixels"),
        ("pixels = 1048576", 'pixels = "many"', "models.0.pixels"),
        ("pixels = 1048576", "pixels = 0", "start at 1"),
        ("enlargement = 4", "enlargement = 3", "1 or 4"),
        ("enlargement = 4", "size = 4", "unknown key size"),
        ('name = "easel-small"', 'name = "sdxl"', "same name"),
        ('"5.2"', '"5.7"', "no version 5.7"),
    ],
)
def test_a_mistake_is_named(old: str, new: str, reason: str) -> None:
    """Which model, which key, what it may be."""
    with pytest.raises(UserError) as caught:
        read_catalogue(EXAMPLE.replace(old, new, 1))
    assert caught.value.kind == "bad_catalogue"
    assert reason in str(caught.value.values["reason"])


def test_an_empty_offer_is_refused() -> None:
    """A bot without a model has nothing to do."""
    with pytest.raises(UserError, match="offers no model"):
        read_catalogue("")
