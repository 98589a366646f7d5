"""Films: what is in them, how small they get, and what they say about themselves."""

from __future__ import annotations

import importlib.util
from itertools import islice

import numpy as np
import pytest

from worker import mp4

PARAMETERS = "a fox – 狐 🦊 --ar 3:2 --seed 0\nSteps: 20, Model: e35b075e"


def moving(height: int, width: int, count: int = 9) -> list[mp4.Pixels]:
    """Soft shapes that go to the right."""
    y, x = np.mgrid[0:height, 0:width] / 40
    shown = [np.stack([np.sin(x - step / 3), np.cos(y), np.sin(x + y)], -1) * 100 + 128 for step in range(count)]
    return [frame.astype(np.uint8) for frame in shown]


@pytest.mark.parametrize("size", [(64, 96), (65, 96), (64, 97), (33, 51)])
def test_a_film_shows_its_frames_and_says_what_made_it(size: tuple[int, int]) -> None:
    """Nearly as they are; odd sides get a row or a column more, which shows the last one again."""
    frames = moving(*size)
    shown, comment = mp4.decode(mp4.encode(frames, 40, parameters=PARAMETERS))
    assert comment == PARAMETERS
    assert len(shown) == len(frames)
    for one, other in zip(shown, frames, strict=True):
        assert one.shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
        assert np.abs(one[: size[0], : size[1]].astype(int) - other).mean() < 3


def test_it_lasts_as_long_as_its_frames() -> None:
    """At any number of milliseconds a frame, not at a round number of frames a second alone."""
    import io

    import av

    for frame_ms in (40, 70):
        with av.open(io.BytesIO(mp4.encode(moving(32, 32, 10), frame_ms, parameters="")), "r") as film:
            assert film.duration is not None
            assert film.duration / av.time_base == pytest.approx(10 * frame_ms / 1000, rel=0.01)


def test_the_same_frames_are_the_same_file() -> None:
    """A retry posts the same, and a film can be compared with one that is drawn again."""
    for frames in (moving(48, 64), moving(202, 320)):
        assert len({mp4.encode(frames, 70, parameters="a") for _ in range(3)}) == 1


def test_a_ladder_ends_in_any_limit() -> None:
    """Lower qualities first, then half the size; the words stay."""
    grain = np.random.default_rng(0)
    frames = [frame + grain.integers(0, 60, frame.shape, np.uint8) for frame in moving(128, 128, 5)]
    files = list(islice(mp4.ladder(frames, 40, parameters="a fox"), 9))
    sizes = [len(file) for file in files]
    for rung in (sizes[:4], sizes[4:8], sizes[::4]):
        assert rung == sorted(rung, reverse=True)
    assert sizes[-1] < sizes[0] / 4
    shown, comment = mp4.decode(files[-1])
    assert (shown[0].shape, comment) == ((32, 32, 3), "a fox")


@pytest.mark.parametrize("data", [b"", b"words", b"\0\0\0 ftypisom" + bytes(40)])
def test_what_is_no_film_is_said_to_be_damaged(data: bytes) -> None:
    """Never another exception."""
    with pytest.raises(ValueError, match="damaged"):
        mp4.decode(data)
    with pytest.raises(ValueError, match="at least one"):
        mp4.encode([], 40, parameters="")


def test_a_host_without_the_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is drawn."""
    assert mp4.missing() is None
    monkeypatch.setattr(mp4, "find_spec", lambda name: None)
    assert mp4.missing() == "PyAV is not installed"
    monkeypatch.setattr(mp4, "find_spec", importlib.util.find_spec)
    monkeypatch.setattr(mp4, "_ENCODER", "libx999")
    assert mp4.missing() == "this build of PyAV has no libx999"
