"""How alike pictures are."""

from __future__ import annotations

import numpy as np

from model import tiny
from tests.worker.test_colours import patch
from worker.likeness import likeness


def test_nothing_is_more_like_a_picture_than_itself() -> None:
    """A thing of another colour is less like it, and the farther on the circle of hues, the less."""
    alike = likeness(tiny.reader().picture, patch((220, 30, 20)))
    itself, orange, blue = (alike(patch(colour)) for colour in ((220, 30, 20), (240, 110, 20), (30, 60, 220)))
    assert itself > orange > blue


def test_what_has_no_colour_at_all_can_be_compared() -> None:
    """Two grey pictures, and one of a single pixel."""
    alike = likeness(tiny.reader().picture, np.full((40, 40, 3), 128, np.uint8))
    assert alike(np.full((64, 64, 3), 128, np.uint8)) > alike(np.full((1, 1, 3), (200, 0, 0), np.uint8))
