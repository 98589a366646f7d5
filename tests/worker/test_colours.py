"""The colour of what a picture shows, as a word."""

from __future__ import annotations

import numpy as np
import pytest

from worker.colours import main_colour


def patch(colour: tuple[int, int, int], ground: tuple[int, int, int] = (250, 250, 250)) -> np.ndarray:
    picture = np.full((80, 80, 3), ground, np.uint8)
    picture[20:60, 20:60] = colour
    return picture


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        *(((220, 30, 20), "red"), ((240, 140, 20), "orange"), ((240, 220, 30), "yellow"), ((30, 160, 40), "green")),
        *(((20, 160, 170), "teal"), ((30, 60, 220), "blue"), ((130, 40, 200), "purple"), ((240, 90, 190), "pink")),
        ((230, 20, 60), "red"),
    ],
)
def test_the_colour_of_what_stands_out_is_named(colour: tuple[int, int, int], name: str) -> None:
    """On any plain ground; a picture of one colour has that."""
    assert main_colour(patch(colour)) == name
    assert main_colour(patch(colour, (20, 20, 20))) == name
    assert main_colour(np.full((40, 40, 3), colour, np.uint8)) == name


def test_what_has_no_one_colour_has_none() -> None:
    """Grey, a speck, and many colours side by side."""
    many = patch((220, 30, 20))
    many[20:34], many[34:48] = (30, 60, 220), (240, 220, 30)
    speck = np.full((80, 80, 3), 240, np.uint8)
    speck[40:44, 40:44] = (220, 30, 20)
    for picture in (patch((120, 122, 119)), speck, many):
        assert main_colour(picture) is None
