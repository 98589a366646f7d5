"""Parts of a picture painted again, drawn with a real engine around a tiny random model."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from contract.actions import Action
from contract.catalogue import EASEL_SMALL
from contract.errors import UserError
from contract.jobs import Chosen, Job
from contract.planning import LEAST_SHARE, plan
from exchange.images import FolderStore
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.conftest import picture
from tests.worker.kinds.conftest import Make
from worker.encoding import encode_lossless, read_pixels
from worker.intake import input_name
from worker.joining import Picture

SINGLE = upscale(imagine("a fox --ar 2:1"), 1, press())
CORNER = 0b11
"""The first two cells of the first row."""
LINK = "https://example.org/a.png"


def region(single: Job, chosen: Chosen, number: int = 80) -> Job:
    """What the form of Vary (Region) makes of a single picture."""
    return follow(single, Action.VARY_REGION, replace(press(seed=number, interaction=number), region=chosen))


def outside(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """(H, W), True outside the corner; a pixel belongs to the cell in which it begins."""
    kept = np.ones(shape[:2], bool)
    kept[: -(-shape[0] // 5), : -(-2 * shape[1] // 5)] = False
    return kept


def test_outside_the_region_not_a_byte_changes_over_ten_edits(make: Make) -> None:
    """Each goes on from the one before; inside, every one of them changes something."""
    [source] = make(SINGLE)
    job, before = SINGLE, source
    for number in range(10):
        edited = region(job, Chosen(CORNER), 80 + 2 * number)
        after = make(edited)[number % 4]
        assert np.array_equal(after[outside(source.shape)], source[outside(source.shape)])
        assert not np.array_equal(after, before)
        job, before = upscale(edited, number % 4, press(interaction=81 + 2 * number)), after


def test_a_region_costs_by_its_area() -> None:
    """A cell, and a quarter of the picture, take at most 45 % of what a grid takes; all but
    a cell takes what a grid takes."""
    grid = plan(imagine("a fox --ar 2:1"), SDXL).cost
    assert plan(region(SINGLE, Chosen(1)), SDXL).cost <= 0.45 * grid
    quarter = sum(1 << row * 5 + column for row in range(3) for column in range(2))
    assert plan(region(SINGLE, Chosen(quarter)), SDXL).cost <= 0.45 * grid
    assert plan(region(SINGLE, Chosen((1 << 24) - 1)), SDXL).cost == pytest.approx(grid, rel=0.1)


def test_a_small_model_draws_a_small_part_with_all_its_pixels() -> None:
    """With fewer, what it paints there comes out in pieces; a large model has enough of them left."""
    cell = region(SINGLE, Chosen(1))
    small, large = plan(cell, EASEL_SMALL), plan(cell, SDXL)
    assert small.width * small.height == pytest.approx(EASEL_SMALL.pixels, rel=0.15)
    assert large.width * large.height == pytest.approx(LEAST_SHARE * SDXL.pixels, rel=0.15)


SDXL = replace(EASEL_SMALL, pixels=1024 * 1024, size_multiple=64)


def test_a_copy_that_was_painted_over_says_where(make: Make, store: FolderStore) -> None:
    """Where it differs from the picture, the picture is painted again, and nowhere else; a JPEG's noise is not seen."""
    [source] = make(SINGLE)
    copy = source.copy()
    copy[:8, :8] = 255 - copy[:8, :8] // 128 * 255
    buffer = io.BytesIO()
    Image.fromarray(copy).save(buffer, "JPEG", quality=95, subsampling=0)
    job = region(SINGLE, Chosen(0, LINK), 120)
    store.put_input(job.id, input_name(0), encode_lossless(read_pixels(buffer.getvalue()), parameters=LINK).data)
    for after in make(job):
        changed = np.argwhere((after != source).any(axis=2))
        assert len(changed)
        assert changed.max() < 12


@pytest.mark.parametrize(
    ("copy", "reason"),
    [(picture(10, 32), "shape"), (None, "nothing"), (picture(0, 32)[:16], "everything")],
    ids=["shape", "nothing", "everything"],
)
def test_a_copy_that_shows_no_region_is_refused(
    make: Make, store: FolderStore, copy: Picture | None, reason: str
) -> None:
    """Another shape, no difference, nothing but differences: a sentence each."""
    [source] = make(SINGLE)
    job = region(SINGLE, Chosen(0, LINK), 121)
    given = source if copy is None else (255 - source) if reason == "everything" else copy
    store.put_input(job.id, input_name(0), encode_lossless(np.ascontiguousarray(given), parameters=LINK).data)
    with pytest.raises(UserError) as refused:
        make(job)
    assert (refused.value.kind, refused.value.values["reason"]) == ("region_copy", reason)


@pytest.mark.parametrize("cells", [0, (1 << 25) - 1])
def test_no_cell_and_all_cells_are_no_region(cells: int) -> None:
    """The form says so before anything is made."""
    with pytest.raises(UserError, match="region_missing"):
        region(SINGLE, Chosen(cells))
