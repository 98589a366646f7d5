"""Two pictures that are nearly alike become one in which nobody sees where they meet."""

from __future__ import annotations

import numpy as np
import pytest

from contract.layout import Box
from worker.joining import Picture, filled, joined, resized_tile

SIZE = 96


def scenery(shift: float, noise: float, seed: int = 3) -> Picture:
    """A smooth scene with grain; `shift` is how much brighter it is."""
    rows, columns = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    smooth = np.stack([80 + 60 * rows, 90 + 50 * columns, 100 + 30 * np.sin(6 * rows + 4 * columns)], axis=-1)
    grain = np.random.default_rng(seed).normal(0, noise, smooth.shape)
    made: Picture = (smooth + shift + grain).clip(0, 255).round().astype(np.uint8)
    return made


@pytest.mark.parametrize("known", [Box(48, 0, 48, SIZE), Box(0, 24, SIZE, 40), Box(24, 24, 48, 48)])
def test_there_is_no_seam(known: Box) -> None:
    """Drawn 25 levels too bright, the steps across the border are no larger than those on both sides of it, and what
    was known is there to the byte."""
    picture, drawn = scenery(0, 3), scenery(25, 3, seed=4)
    result = joined(picture, known, drawn).astype(float)
    inside = np.s_[known.top : known.top + known.height, known.left : known.left + known.width]
    assert np.array_equal(result[inside], picture[inside])
    for axis, edge in ((1, known.left), (0, known.top)):
        if edge == 0:
            continue
        span = slice(known.top, known.top + known.height) if axis else slice(known.left, known.left + known.width)
        steps = np.abs(np.diff(result, axis=axis)).mean(axis=2)
        steps = steps[span] if axis else steps.T[span]
        at_border, beside = steps[:, edge - 1].mean(), steps[:, edge - 9 : edge + 8]
        assert at_border <= beside.mean() + 2 * beside.std(axis=1).mean()
        assert at_border < 25, "as it would be without a correction"


def test_far_from_the_border_what_was_drawn_stays() -> None:
    """The correction fades away."""
    known = Box(64, 0, 32, SIZE)
    drawn = scenery(25, 0)
    assert np.array_equal(joined(scenery(0, 0), known, drawn)[:, :30], drawn[:, :30])


def test_a_filling_goes_on_from_its_border() -> None:
    """Beside what is known the colours are nearly those of its edge; what is known stays."""
    known = Box(40, 0, 56, SIZE)
    picture = scenery(0, 0)
    result = filled(picture, known)
    assert np.array_equal(result[:, 40:], picture[:, 40:])
    assert np.abs(result[:, 38].astype(int) - picture[:, 40]).mean() < 4


def test_a_tile_that_is_resized_is_one_still() -> None:
    """From its last column to its first is a step like the others."""
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    waves = 127 + 60 * np.sin(angles[None, :] + 2 * angles[:, None])
    tile = np.repeat(waves[..., None], 3, axis=2).astype(np.uint8)
    resized = resized_tile(tile, 80, 48).astype(int)
    assert resized.shape == (48, 80, 3)
    for picture in (resized, resized.transpose(1, 0, 2)):
        across = np.abs(picture[:, 0] - picture[:, -1]).max()
        assert across <= np.abs(np.diff(picture, axis=1)).max() + 1
