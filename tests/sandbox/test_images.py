"""Types and sizes of files, from their bytes."""

from __future__ import annotations

import numpy as np
import pytest

from sandbox.images import Image, measure
from worker import mp4

FILM = mp4.encode([np.full((48, 64, 3), shade, np.uint8) for shade in (0, 90)], 40, parameters="a fox")


def test_a_film_has_its_type_and_its_size() -> None:
    """As Discord says them of an MP4."""
    assert measure(FILM) == Image("video/mp4", 64, 48)


@pytest.mark.parametrize("data", [FILM[:24], FILM[:60], b"\0\0\0\x20ftyp", FILM[:32] + bytes(64)])
def test_a_film_cut_off_has_neither(data: bytes) -> None:
    """It is a file like any other."""
    assert measure(data) is None
