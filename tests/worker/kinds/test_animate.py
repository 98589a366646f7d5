"""Pictures set in motion, drawn with a real engine around a tiny random model."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageSequence

from contract.actions import Action
from contract.jobs import Job
from contract.kinds.animate import FRAMES
from contract.planning import plan
from exchange.images import FolderStore
from tests.contract.factories import follow, imagine, press, upscale
from tests.worker.kinds.conftest import TINY
from worker.encoding import is_animated, read_parameters, read_pixels, smaller_animations
from worker.joining import Picture, scaled
from worker.pictures import Studio

SINGLE = upscale(imagine("a fox --ar 3:2"), 1, press())
ZOOMED = upscale(follow(SINGLE, Action.ZOOM_2, press(seed=30)), 2, press(interaction=31))
SLOWER = replace(TINY, num_inference_steps=6, honours=TINY.honours | {"hd"})
"""With so many steps a share of them can be more or less."""

File = Callable[[Job], bytes]


@pytest.fixture
def file(studio: Studio, store: FolderStore) -> File:
    """What the store has of a job's only picture after it was made."""

    def made(job: Job) -> bytes:
        studio.make(replace(job, plan=plan(job, SLOWER)), started=lambda ticket: None)
        kept = store.get_image(job.id, 0)
        assert kept is not None
        return kept

    return made


@pytest.mark.parametrize("single", [SINGLE, ZOOMED], ids=["from noise", "from a picture"])
def test_it_moves_without_a_jump_and_high_motion_moves_further(file: File, single: Job) -> None:
    """More frames than are drawn; from the last to the first is no further than between any two others. `further` is
    counted from the picture."""
    distances, source = {}, read_pixels(file(single))
    for number, action in enumerate((Action.ANIMATE_LOW, Action.ANIMATE_HIGH)):
        frames = _frames(file(follow(single, action, press(seed=60, interaction=60 + number))))
        assert len(frames) >= 2 * FRAMES
        steps = [_difference(one, other) for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)]
        assert steps[-1] <= max(steps[:-1])
        distances[action] = np.mean([_difference(source, frame) for frame in frames])
    assert distances[Action.ANIMATE_LOW] < distances[Action.ANIMATE_HIGH]


@pytest.mark.parametrize("flags", ["", "--draft"])
def test_what_starts_from_noise_begins_with_the_picture_itself(file: File, flags: str) -> None:
    """As far as a lossy file can say so: its colours are coarse, so only light and dark are compared. A draft moves as
    the student draws it."""
    single = upscale(imagine(f"a fox --ar 3:2 {flags}"), 1, press())
    frames = _frames(file(follow(single, Action.ANIMATE_LOW, press(seed=62, interaction=63))))
    picture = read_pixels(file(single))
    assert frames[0].shape == picture.shape
    first, *others = (_difference(_grey(frame), _grey(picture)) for frame in frames)
    assert first < 1.5 * min(others)
    assert first < max(others) / 2


@pytest.mark.parametrize(
    "more",
    [
        "https://example.org/a.png",
        "--sref https://example.org/a.png",
        "--map https://example.org/map.png",
        "--tile",
        "--hd",
    ],
)
def test_whatever_a_picture_was_drawn_with_it_moves(file: File, more: str) -> None:
    """It begins with the picture, or near it: a map is not laid out again for every frame, and frames are neither
    seamless nor larger than what is drawn at once."""
    single = upscale(imagine(f"a fox {more}"), 1, press())
    picture = read_pixels(file(single))
    frames = _frames(file(follow(single, Action.ANIMATE_LOW, press(seed=67, interaction=67))))
    height, width = frames[0].shape[:2]
    picture = scaled(picture, width, height)
    assert _difference(_grey(frames[0]), _grey(picture)) <= 1.5 * min(
        _difference(_grey(frame), _grey(picture)) for frame in frames
    )


def test_the_same_press_makes_the_same_file(file: File, store: FolderStore) -> None:
    """A retry repeats it; another press walks elsewhere."""
    job = follow(SINGLE, Action.ANIMATE_LOW, press(seed=64, interaction=64))
    once = file(job)
    store.delete(job.id)
    assert file(job) == once
    assert file(follow(SINGLE, Action.ANIMATE_LOW, press(seed=65, interaction=65))) != once


def test_a_file_too_large_for_a_message_gets_smaller_and_still_moves(file: File) -> None:
    """Lower qualities, then half the size; its parameters stay in it."""
    data = file(follow(SINGLE, Action.ANIMATE_HIGH, press(seed=66, interaction=66)))
    assert read_parameters(data)
    smaller = next(one for one in smaller_animations(data) if len(one) < len(data) // 2)
    assert is_animated(smaller)
    assert read_parameters(smaller) == read_parameters(data)
    assert len(_frames(smaller)) == len(_frames(data))


def _frames(data: bytes) -> list[Picture]:
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]


def _grey(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).convert("L"))


def _difference(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other).mean())
