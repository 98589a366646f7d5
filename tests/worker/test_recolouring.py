"""Things in other colours."""

from __future__ import annotations

import numpy as np
import pytest

from contract.colours import COLOURS
from worker.colours import main_colour
from worker.recolouring import recoloured

GROUND = (250, 248, 240)


def ball(colour: tuple[int, int, int]) -> np.ndarray:
    """A square with a dark outline, a highlight and a shaded half."""
    picture = np.full((64, 64, 3), GROUND, np.uint8)
    picture[14:50, 14:50] = (10, 10, 10)
    picture[16:48, 16:48] = colour
    picture[32:48, 16:48] = np.array(colour) * 2 // 3
    picture[20:24, 20:24] = 255
    return picture


@pytest.mark.parametrize("colour", [name for name in COLOURS if name not in ("black", "gray", "white", "brown")])
@pytest.mark.parametrize("before", [(200, 30, 30), (30, 60, 200), (110, 112, 115)])
def test_a_thing_gets_its_colour_and_keeps_its_shade(colour: str, before: tuple[int, int, int]) -> None:
    """Outline, highlight and ground stay; what was darker is darker; a grey thing is dyed too."""
    picture = ball(before)
    made = recoloured(picture, colour)
    assert made is not None
    assert main_colour(made.picture) == colour
    away = np.abs(made.picture.astype(int) - picture)
    assert not away[~made.thing].any()
    assert not away[15, 15].any()
    assert made.picture[40, 40].max() < made.picture[28, 40].max()
    if max(before) - min(before) > 50:
        assert not away[22, 22].any()


def test_where_no_thing_stands_out_nothing_is_dyed() -> None:
    """A scene, a picture of one colour, a thing that fills everything."""
    scene = np.random.default_rng(0).integers(0, 255, (40, 40, 3), np.uint8)
    full = np.full((40, 40, 3), GROUND, np.uint8)
    full[1:-1, 1:-1] = (200, 30, 30)
    for picture in (scene, np.full((40, 40, 3), GROUND, np.uint8), full):
        assert recoloured(picture, "blue") is None
