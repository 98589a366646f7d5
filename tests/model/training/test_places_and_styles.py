"""Places look like themselves at every time, and every style changes a picture in its own way."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from model.training.places import PLACES, SIDE, TIMES, WEATHERS, add_weather, draw_place
from model.training.styles import STYLES, apply_style


def draw(name: str, time: str = "day", seed: int = 0) -> np.ndarray:
    return np.asarray(draw_place(name, time, random.Random(seed))).astype(int)


@pytest.mark.parametrize("name", list(PLACES))
def test_the_same_seed_draws_the_same_place_and_another_seed_another(name: str) -> None:
    assert draw(name).shape == (SIDE, SIDE, 3)
    assert np.array_equal(draw(name), draw(name))
    assert np.abs(draw(name) - draw(name, seed=1)).mean() > 1


@pytest.mark.parametrize("name", [name for name, place in PLACES.items() if place.timed])
def test_night_is_darker_than_day(name: str) -> None:
    brightness = {time: np.mean([draw(name, time, seed).mean() for seed in range(3)]) for time in TIMES}
    assert brightness["night"] < brightness["sunset"] < brightness["day"]


@pytest.mark.parametrize("name", [name for name, place in PLACES.items() if place.timed or place.floating])
def test_no_place_is_nearly_black(name: str) -> None:
    """Guidance takes what is dark further: it became black where nothing could be seen."""
    assert np.mean(draw(name, "night").max(2) < 48) < 0.05


def test_places_differ_more_from_each_other_than_from_themselves() -> None:
    """By the mean colours of a coarse grid, averaged over three drawings."""
    means = {
        name: np.mean([draw(name, seed=seed).reshape(4, 64, 4, 64, 3).mean((1, 3)) for seed in range(3)], axis=0)
        for name in PLACES
    }
    for name in PLACES:
        fresh = draw(name, seed=9).reshape(4, 64, 4, 64, 3).mean((1, 3))
        order = sorted(PLACES, key=lambda other: float(np.abs(means[other] - fresh).mean()))
        assert name in order[:4], (name, order[:4])


@pytest.mark.parametrize("weather", WEATHERS)
def test_weather_is_seen_and_clear_weather_changes_nothing(weather: str) -> None:
    before = draw_place("meadow", "day", random.Random(2))
    after = add_weather(before, weather, random.Random(2))
    difference = np.abs(np.asarray(after).astype(int) - np.asarray(before)).mean()

    assert (difference == 0) == (weather == "clear")


@pytest.mark.parametrize("name", list(STYLES))
def test_a_style_repeats_with_its_seed_and_keeps_the_size(name: str) -> None:
    picture = draw_place("beach", "day", random.Random(4))
    first, again = (np.asarray(apply_style(picture, name, random.Random(1))) for _ in range(2))

    assert np.array_equal(first, again)
    assert first.shape == (SIDE, SIDE, 3)
    assert np.abs(first.astype(int) - np.asarray(picture)).mean() > 2


def test_styles_are_what_they_say() -> None:
    """Grey has no colour, pixel art few steps, a blueprint is blue and neon mostly dark."""
    picture = draw_place("mountains", "day", random.Random(4))

    def styled(name: str) -> np.ndarray:
        return np.asarray(apply_style(picture, name, random.Random(1))).astype(int)

    grey = styled("black and white")
    assert np.ptp(grey, axis=-1).max() == 0
    assert np.count_nonzero(np.abs(np.diff(styled("pixel art"), axis=1)).max(axis=(0, 2))) < 30
    blueprint = styled("blueprint").mean((0, 1))
    assert blueprint[2] > blueprint[1] > blueprint[0]
    assert (styled("neon").max(-1) < 90).mean() > 0.5
    assert np.median(styled("pencil sketch")) > 150


def test_a_style_works_on_one_colour_alone() -> None:
    for name in STYLES:
        assert apply_style(Image.new("RGB", (SIDE, SIDE), (0, 0, 0)), name, random.Random(0)).size == (SIDE, SIDE)


@pytest.mark.parametrize(
    ("style", "subject", "true"),
    [
        ("neon", "a red car on a light pink gradient background", "a red car"),
        ("blueprint", "an orange hamster by a lake", "a hamster by a lake"),
        ("pencil sketch", "a woman with red hair and a blue apple", "a woman with red hair and an apple"),
        ("watercolor", "a red car on a teal background", "a red car on a teal background"),
    ],
)
def test_a_caption_says_what_a_style_has_left(style: str, subject: str, true: str) -> None:
    """A blueprint has no orange hamster and no pink background, whatever it was made from."""
    assert STYLES[style].still_true(subject) == true
