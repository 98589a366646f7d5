"""The colour of what a picture shows, as a word: what a model that cannot look at pictures is told of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 64
_HUES = (("red", 12), ("orange", 42), ("yellow", 68), ("green", 160), ("teal", 192), ("blue", 255), ("purple", 300),
         ("pink", 342), ("red", 360))  # fmt: skip
"""Names of hues, and the degree up to which each is called so."""
_DIFFERENT, _VIVID, _DARKEST = 0.15, 0.3, 0.2
_FEWEST = 0.02
"""Of a picture; a smaller patch of colour is not its colour."""
_ONE_COLOUR = 0.5
"""Of the vivid pixels, for one colour to be that of the whole."""


def main_colour(picture: NDArray[np.uint8]) -> str | None:
    """The colour that most of what stands out of a picture (H, W, 3) has; None where there is no such colour."""
    pixels, _, vivid = _standing_out(picture)
    if vivid.mean() < _FEWEST:
        return None
    hues = _hues(pixels[vivid])
    names = np.array([name for name, _ in _HUES])[np.searchsorted([end for _, end in _HUES], hues, side="right")]
    found, counts = np.unique(names, return_counts=True)
    best = int(counts.argmax())
    return str(found[best]) if counts[best] >= _ONE_COLOUR * len(names) else None


def colour_shares(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(13,): how much of what stands out of a picture (H, W, 3) has each of twelve hues around the circle, and how much
    has no colour. A hue counts for its neighbours too, as there are no sharp ends."""
    pixels, chosen, vivid = _standing_out(picture)
    hues = np.zeros(12)
    if vivid.any():
        hues += np.bincount((_hues(pixels[vivid]) // 30).astype(int), minlength=12)
    spread = hues / 2 + np.roll(hues, 1) / 4 + np.roll(hues, -1) / 4
    shares: NDArray[np.float64] = np.append(spread, float(np.count_nonzero(chosen & ~vivid)))
    return shares / max(float(shares.sum()), 1.0)


def _standing_out(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """A picture in 0..1, small, what stands out of it and what of that is vivid.

    What stands out is what differs from the border; where little does, the whole picture counts.
    """
    small = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / np.float32(255)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    chosen: NDArray[np.bool_] = np.abs(pixels - np.median(border, axis=0)).max(axis=2) > _DIFFERENT
    if chosen.mean() < _FEWEST:
        chosen[:] = True
    high, low = pixels.max(axis=2), pixels.min(axis=2)
    return pixels, chosen, chosen & (high - low > _VIVID * high) & (high > _DARKEST)


def _hues(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """Degrees, from 0 to 360, of vivid colours (N, 3) in 0..1."""
    red, green, blue = colours.T
    high, spread = colours.max(axis=1), np.ptp(colours, axis=1)
    sixth = np.select(
        [high == red, high == green],
        [(green - blue) / spread % 6, (blue - red) / spread + 2],
        (red - green) / spread + 4,
    )
    degrees: NDArray[np.float32] = (60 * sixth).astype(np.float32).clip(0, 359.9)
    return degrees
