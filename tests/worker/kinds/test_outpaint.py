"""Pictures that grow out of another one, drawn with a real engine around a tiny random model."""

from __future__ import annotations

import numpy as np
import pytest

from contract.actions import Action
from contract.jobs import Job
from exchange.images import FolderStore
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.kinds.conftest import Make
from worker.joining import Picture, scaled

SQUARE = upscale(imagine("a fox"), 1, press())
WIDE = upscale(imagine("a fox --ar 2:1"), 1, press())
TALL = upscale(imagine("a fox --ar 1:2"), 1, press())


def after(single: Job, action: Action, seed: int = 60) -> Job:
    """What a button under a single picture makes."""
    return follow(single, action, press(seed=seed, interaction=seed))


@pytest.mark.parametrize("single", [SQUARE, WIDE, TALL], ids=["square", "wide", "tall"])
@pytest.mark.parametrize("action", [Action.PAN_LEFT, Action.PAN_RIGHT, Action.PAN_UP, Action.PAN_DOWN])
def test_a_pan_keeps_every_byte_of_its_source(make: Make, single: Job, action: Action) -> None:
    """The source lies at the side away from the pan, untouched; the new strip differs from picture to picture."""
    [source] = make(single)
    height, width = source.shape[:2]
    pictures = make(after(single, action))
    for picture in pictures:
        kept = {
            Action.PAN_LEFT: picture[:, -width:],
            Action.PAN_RIGHT: picture[:, :width],
            Action.PAN_UP: picture[-height:],
            Action.PAN_DOWN: picture[:height],
        }[action]
        assert np.array_equal(kept, source)
        assert picture.shape[0] * picture.shape[1] > height * width
    assert not np.array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("single", [WIDE, TALL], ids=["wide", "tall"])
def test_a_square_keeps_every_byte_of_its_source(make: Make, single: Job) -> None:
    """It lies in the middle of a square as wide as its longer side."""
    [source] = make(single)
    height, width = source.shape[:2]
    side = max(height, width)
    for picture in make(after(single, Action.MAKE_SQUARE)):
        assert picture.shape == (side, side, 3)
        top, left = (side - height) // 2, (side - width) // 2
        assert np.array_equal(picture[top : top + height, left : left + width], source)


@pytest.mark.parametrize(("action", "factor"), [(Action.ZOOM_2, 2), (Action.ZOOM_1_5, 1.5)])
def test_a_zoom_holds_its_source_made_smaller(make: Make, action: Action, factor: float) -> None:
    """The picture keeps its size, and in the middle of it lies the source, scaled, to the byte."""
    [source] = make(SQUARE)
    height, width = source.shape[:2]
    small = scaled(source, round(width / factor), round(height / factor))
    rows, columns = small.shape[:2]
    top, left = (height - rows) // 2, (width - columns) // 2
    for picture in make(after(SQUARE, action)):
        assert picture.shape == source.shape
        assert np.array_equal(picture[top : top + rows, left : left + columns], small)


def test_what_the_store_has_lost_is_drawn_again(make: Make, store: FolderStore) -> None:
    """A pan of a zoom of an upscale, with nothing left of any of them, comes out as before."""
    make(SQUARE)
    zoomed = upscale(after(SQUARE, Action.ZOOM_2), 2, press(interaction=61))
    panned = after(zoomed, Action.PAN_UP)
    first = make(panned)
    for id in (panned.id, *(made.id for made in panned.ancestors)):
        store.delete(id)
    assert all(map(np.array_equal, make(panned), first))


def test_near_a_picture_it_stays_what_it_is(make: Make) -> None:
    """Vary (Subtle) of a zoom is a zoom of the same source, nearer to its picture than Vary (Strong) is."""
    [source] = make(SQUARE)
    zoom = after(SQUARE, Action.ZOOM_2)
    of = make(zoom)[0]
    single = upscale(zoom, 0, press(interaction=62))

    def distance(action: Action, interaction: int) -> float:
        varied = follow(single, action, press(seed=63, interaction=interaction))
        assert varied.request.kind == "zoom"
        return float(np.mean([_difference(picture, of) for picture in make(varied)]))

    assert 0 < distance(Action.VARY_SUBTLE, 63) < distance(Action.VARY_STRONG, 64)
    assert of.shape == source.shape


def _difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other).mean())
