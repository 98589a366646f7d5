"""Where old and new meet in the pictures of the model that ships: nobody sees a line there."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmarks.operations import WORDS, first, offered, pressed
from contract.actions import Action
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.jobs import Job
from contract.kinds.outpaint import Outpaint
from contract.layout import Box, tiles
from contract.planning import plan
from worker.alone import make_alone
from worker.engines import Warm
from worker.joining import Picture, scaled
from worker.loading import Loader
from worker.results import Pictures

MIDDLE_CELLS = sum(1 << row * 5 + column for row in (1, 2, 3) for column in (1, 2, 3))
UNSEEN = 1.0
"""Levels of 255: on a plain ground, where there is no spread, a smaller step is none."""
TILE = 256
"""Pixels of a side of the tiles in which a picture is made larger."""
PLAIN = 1.5
"""Levels of 255: where no step is larger, nobody sees one."""
Levels = NDArray[np.float64]
REACH = 12
"""Pixels on each side of a border whose steps are compared with the border's own."""


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    """The model that ships."""
    torch.set_num_threads(1)
    made = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    yield made
    made.engine.close()


AROUND = [action for action in Action if action.value.makes in ("zoom", "square", "pan")]


@pytest.mark.parametrize("action", [*AROUND, Action.VARY_REGION], ids=lambda action: action.name.lower())
def test_the_step_across_the_border_is_one_of_many(warm: Warm, action: Action) -> None:
    """It is within the spread of the steps on both of its sides, in each of the four pictures."""
    for prompt in ("a red apple", "a green tree on a blue background"):
        single = pressed(first(f"{prompt} --ar 3:2", 4), Action.UPSCALE, 1)
        assert offered(single, action)
        words = WORDS[action].format(prompt=prompt) if action is Action.CUSTOM_ZOOM else ""
        _check(warm, single, pressed(single, action, 2, words, cells=MIDDLE_CELLS))


@pytest.mark.parametrize("prompt", ["a green tree on a blue background", "a smiling face with sunglasses"])
def test_a_pan_that_is_repeated_has_no_seam_either(warm: Warm, prompt: str) -> None:
    """Three times to the right, each from one of the pictures before."""
    single = pressed(first(f"{prompt} --ar 3:2", 4), Action.UPSCALE, 1)
    for number in (10, 20, 30):
        job = pressed(single, Action.PAN_RIGHT, number)
        _check(warm, single, job)
        single = pressed(job, Action.UPSCALE, number + 1)


def test_no_line_stands_where_tiles_share_a_quarter(warm: Warm) -> None:
    """Where the picture is plain there, in the middle of the apple's red above all, it stays plain."""
    single = pressed(first("a red apple --ar 3:2", 3), Action.UPSCALE, 1)
    job = pressed(single, Action.UPSCALE_SUBTLE, 5)
    result = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm)
    assert isinstance(result, Pictures)
    [large], [source] = result.images, _source(single, warm)
    height, width = large.shape[:2]
    before = scaled(source, width, height).astype(float)
    boxes = tiles((width, height), TILE)
    gained, lefts, tops = large - before, sorted({box.left for box in boxes}), sorted({box.top for box in boxes})
    down = _at_middles(gained, before, tops)
    across = _at_middles(np.swapaxes(gained, 0, 1), np.swapaxes(before, 0, 1), lefts)
    plain = [step for step, step_before in (*down, *across) if step_before < PLAIN]
    assert len(plain) > 10
    assert max(plain) < PLAIN


def _at_middles(gained: Levels, before: Levels, starts: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Around the middle of every part that two tiles share, in pieces of 48 columns: the largest step down the rows in
    what was `gained`, and the largest that was there `before`."""
    for end, begin in itertools.pairwise(starts):
        rows = slice((begin + end + TILE) // 2 - REACH, (begin + end + TILE) // 2 + REACH)
        for left in range(0, gained.shape[1] - 47, 48):
            part = rows, slice(left, left + 48)
            yield _largest_step(gained[part].mean(axis=1)), _largest_step(before[part])


def _largest_step(values: Levels) -> float:
    steps = np.abs(np.diff(values, axis=0))
    return float(steps.mean(axis=tuple(range(1, steps.ndim))).max())


def _check(warm: Warm, single: Job, job: Job) -> None:
    result = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm)
    assert isinstance(result, Pictures)
    [source] = _source(single, warm)
    height, width = source.shape[:2]
    request = job.request
    cells = Box(width // 5, height // 5, 3 * width // 5, 3 * height // 5)
    kept = request.layout((width, height)).parent if isinstance(request, Outpaint) else cells
    for picture in result.images:
        for steps in _borders(picture, kept):
            beside = np.delete(steps, REACH)
            assert steps[REACH] <= max(UNSEEN, beside.mean() + 3.1 * beside.std())


def _source(single: Job, warm: Warm) -> list[Picture]:
    made = make_alone(single, plan(single, EASEL_SMALL), EASEL_SMALL, warm)
    assert isinstance(made, Pictures)
    return list(made.images)


def _borders(picture: Picture, box: Box) -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Per border of `box` inside the picture: the mean steps between neighbours, from `REACH` before to behind it."""
    rows = np.abs(np.diff(picture[:, box.left : box.left + box.width].astype(float), axis=0)).mean(axis=(1, 2))
    columns = np.abs(np.diff(picture[box.top : box.top + box.height].astype(float), axis=1)).mean(axis=(0, 2))
    down = [(rows, edge) for edge in (box.top, box.top + box.height)]
    across = [(columns, edge) for edge in (box.left, box.left + box.width)]
    for steps, edge in (*down, *across):
        if REACH < edge < len(steps) - REACH:
            yield steps[edge - 1 - REACH : edge + REACH]
