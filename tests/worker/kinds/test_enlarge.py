"""Pictures made twice as large, drawn with a real engine around a tiny random model."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from contract.actions import Action
from contract.layout import tiles
from contract.planning import plan
from exchange.images import FolderStore
from model.errors import Cancelled
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.kinds.conftest import TINY, Make
from worker.engines import Cancellable
from worker.joining import Picture, scaled
from worker.pictures import Studio

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


def test_where_a_version_had_them_a_picture_gets_two_or_four_times_as_large(make: Make) -> None:
    """And keeps every shape."""
    single = upscale(imagine("a fox --v 5.2"), 1, press())
    [source] = make(single)
    height, width = source.shape[:2]
    for number, (action, factor) in enumerate(((Action.UPSCALE_2X, 2), (Action.UPSCALE_4X, 4))):
        [large] = make(follow(single, action, press(seed=75, interaction=75 + number)))
        assert large.shape == (factor * height, factor * width, 3)
        assert _difference(scaled(large, width, height), source) < 16


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


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_cancel_between_two_tiles_ends_it(studio: Studio, store: FolderStore, after: int) -> None:
    """As one within a tile does: the rest is not drawn, and nothing is kept."""
    job = follow(SINGLE, Action.UPSCALE_CREATIVE, press(seed=77, interaction=90 + after))
    tickets: list[Cancellable] = []

    def started(ticket: Cancellable) -> None:
        tickets.append(ticket)
        if len(tickets) > after:
            ticket.cancel()

    with pytest.raises(Cancelled):
        studio.make(replace(job, plan=plan(job, TINY)), started=started)
    assert len(tickets) == after + 1
    assert store.get_image(job.id, 0) is None
    assert store.get_document(job.id) is None
