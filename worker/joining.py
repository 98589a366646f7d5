"""Pictures made of several: scaled, and joined so that nobody sees where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.layout import Box, trimmed

Picture = NDArray[np.uint8]

_SHORT = 0.03
"""Over this share of the shorter side the finest differences at a border fade away; coarse ones over ten times that."""
_LONG = 0.3


def slices(box: Box) -> tuple[slice, slice]:
    """Where a box lies in an array of rows and columns."""
    return slice(box.top, box.top + box.height), slice(box.left, box.left + box.width)


def scaled(picture: Picture, width: int, height: int) -> Picture:
    """(H, W, 3) at another size, by Lanczos' filter; itself where it has that size."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def resized_tile(picture: Picture, width: int, height: int) -> Picture:
    """(H, W, 3) at another size, as if it lay beside copies of itself: it goes on over its edges as before."""
    if picture.shape[:2] == (height, width):
        return picture
    beside = scaled(np.tile(picture, (3, 3, 1)), 3 * width, 3 * height)
    return beside[height : 2 * height, width : 2 * width]


def fitted(picture: Picture, side: int) -> Picture:
    """(H, W, 3) made smaller until no side is longer than `side`; itself where none is."""
    height, width = picture.shape[:2]
    share = side / max(height, width)
    return picture if share >= 1 else scaled(picture, max(1, round(width * share)), max(1, round(height * share)))


def middle(picture: Picture, width: int, height: int) -> Picture:
    """The middle of a picture (H, W, 3), of this size."""
    left, top = (picture.shape[1] - width) // 2, (picture.shape[0] - height) // 2
    return np.ascontiguousarray(picture[top : top + height, left : left + width])


def in_ratio(pictures: Sequence[Picture], ratio: tuple[int, int] | None, *, tile: bool = False) -> list[Picture]:
    """Drawn pictures of one size with the ratio that was asked for: models draw in coarse steps, so a little is cut off
    two sides. A tile would be none any more if it were cut: it is resized."""
    height, width = pictures[0].shape[:2]
    size = trimmed((width, height), ratio)
    return [(resized_tile if tile else middle)(picture, *size) for picture in pictures]


def filled(picture: Picture, known: Box) -> Picture:
    """A picture of which only `known` is there, with the colours of its border going on outwards, ever more evenly."""
    height, width = picture.shape[:2]
    top, left = known.top, known.left
    rows = np.clip(np.arange(height), top, top + known.height - 1)
    columns = np.clip(np.arange(width), left, left + known.width - 1)
    result = picture[rows[:, None], columns[None, :]].astype(np.float32)
    inside = np.s_[top : top + known.height, left : left + known.width]
    for share in (0.25, 0.12, 0.06, 0.03):
        result = mean(result, max(1, round(share * min(height, width))))
        result[inside] = picture[inside]
    return result.round().clip(0, 255).astype(np.uint8)


def joined(picture: Picture, known: Box, drawn: Picture) -> Picture:
    """`picture` inside `known`, to the byte, and `drawn` around it, of the same size.

    Both show the same things inside, not quite alike. By what they differ at the border, `drawn` is corrected outside:
    fully at the border, less and less away from it, fine differences sooner than coarse ones.
    """
    height, width = picture.shape[:2]
    top, left = known.top, known.left
    bottom, right = top + known.height, left + known.width
    near_rows, near_columns = np.clip(np.arange(height), top, bottom - 1), np.clip(np.arange(width), left, right - 1)
    across, down = np.abs(np.arange(width) - near_columns), np.abs(np.arange(height) - near_rows)
    distance = np.hypot(down[:, None], across[None, :]).astype(np.float32)[..., None]
    inside = np.s_[top:bottom, left:right]
    difference = picture[inside].astype(np.float32) - drawn[inside]
    short, long = (max(2.0, share * min(height, width)) for share in (_SHORT, _LONG))
    coarse = mean(difference, round(short))
    nearest = np.ix_(near_rows - top, near_columns - left)
    correction = coarse[nearest] * fading(distance, long) + (difference - coarse)[nearest] * fading(distance, short)
    result: Picture = (drawn + correction).clip(0, 255).round().astype(np.uint8)
    result[inside] = picture[inside]
    return result


def matched(picture: Picture, known: NDArray[np.bool_], drawn: Picture) -> NDArray[np.float32]:
    """`drawn` with the colours of `picture` at the edge of what is `known` (H, W); less and less away from it.

    Both show the same where it is known, not quite alike: how much they differ there is what is corrected elsewhere.
    """
    radius = max(1, round(_LONG / 2 * min(known.shape)))
    weight = known[..., None].astype(np.float32)
    nearby = mean(weight, radius)
    difference = mean((picture.astype(np.float32) - drawn) * weight, radius) / np.maximum(nearby, 1e-6)
    result: NDArray[np.float32] = drawn + difference * (2 * nearby).clip(0, 1)
    return result


def fading(distance: NDArray[np.float32], reach: float) -> NDArray[np.float32]:
    """1 at 0, 0 from `reach` on, without a corner at either end."""
    share = (1 - distance / reach).clip(0, 1)
    faded: NDArray[np.float32] = share * share * (3 - 2 * share)
    return faded


def mean(values: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    """(H, W, C) averaged over squares of 2 x radius + 1; beyond the edges the edge goes on."""
    for axis in (0, 1):
        padding = [(0, 0)] * values.ndim
        padding[axis] = (radius + 1, radius)
        sums = np.cumsum(np.pad(values, padding, mode="edge"), axis=axis, dtype=np.float64)
        length, span = values.shape[axis], 2 * radius + 1
        upper, lower = np.arange(length) + span, np.arange(length)
        values = ((np.take(sums, upper, axis) - np.take(sums, lower, axis)) / span).astype(np.float32)
    return values
