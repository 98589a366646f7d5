"""Previews are small pictures, paced."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from worker.previews import SIDE, Pace, encode_preview


@pytest.mark.parametrize(("shape", "size"), [((16, 16, 3), (SIDE, SIDE)), ((1000, 500, 3), (SIDE // 2, SIDE))])
def test_a_preview_has_one_size_whatever_the_sheet(shape: tuple[int, int, int], size: tuple[int, int]) -> None:
    """Tiny sheets of latents are enlarged and large ones reduced, keeping their shape."""
    preview = Image.open(io.BytesIO(encode_preview(np.full(shape, 200, np.uint8))))
    assert preview.format == "WEBP"
    assert preview.size == size
    assert abs(np.asarray(preview.convert("RGB"), int) - 200).max() <= 3


def test_a_preview_costs_kilobytes() -> None:
    """Even noise, which compresses worst, stays below what a Redis message should carry."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    assert len(encode_preview(noise)) < 40_000


def test_pace_lets_the_first_through_and_then_two_a_second() -> None:
    """At 20 steps a second for two seconds, five previews pass: at 0, 0.5, 1, 1.5 and 2 s."""
    moments = iter(step / 20 for step in range(41))
    pace = Pace(0.5, lambda: next(moments))
    assert [step / 20 for step in range(41) if pace.allows()] == [0, 0.5, 1.0, 1.5, 2.0]
