"""Pictures made twice as large, drawn with a real engine around a tiny random model."""

from __future__ import annotations

import itertools

import numpy as np

from contract.actions import Action
from contract.layout import tiles
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.kinds.conftest import Make
from worker.joining import Picture, scaled

SINGLE = upscale(imagine("a fox --ar 2:1"), 1, press())


def test_subtle_keeps_every_shape_and_creative_does_not(make: Make) -> None:
    """Both are twice as high and wide. Made small again, subtle is much nearer to what it was made from."""
    [source] = make(SINGLE)
    height, width = source.shape[:2]
    distances = []
    for number, action in enumerate((Action.UPSCALE_SUBTLE, Action.UPSCALE_CREATIVE)):
        [large] = make(follow(SINGLE, action, press(seed=70, interaction=70 + number)))
        assert large.shape == (2 * height, 2 * width, 3)
        distances.append(_difference(scaled(large, width, height), source))
    assert 2 * distances[0] < distances[1]


def test_an_enlarged_picture_is_enlarged_again_at_the_same_size_of_tiles(make: Make) -> None:
    """Four times as large a side in all; what is drawn at once stays as it is."""
    [source] = make(SINGLE)
    once = follow(SINGLE, Action.UPSCALE_SUBTLE, press(seed=71, interaction=72))
    make(once)
    [twice] = make(follow(once, Action.UPSCALE_SUBTLE, press(seed=72, interaction=73)))
    assert twice.shape == (4 * source.shape[0], 4 * source.shape[1], 3)


def test_tiles_cover_a_picture_and_overlap() -> None:
    """Every pixel lies in a tile, and every inner border of one lies well within another."""
    covered = np.zeros((300, 700), int)
    boxes = tiles((700, 300), 256)
    for box in boxes:
        assert (box.width, box.height) == (256, 256)
        covered[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert covered.min() == 1
    lefts = sorted({box.left for box in boxes})
    assert all(after - before <= 192 for before, after in itertools.pairwise(lefts))
    assert tiles((100, 80), 256)[0].width == 100


def _difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other).mean())
