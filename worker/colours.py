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

_PLAIN = 20
"""Levels of 255 that a picture of one colour differs by, as a JPEG may."""
_GROUNDS = {
    "white": (255, 255, 255), "black": (0, 0, 0), "gray": (128, 128, 128), "light gray": (205, 205, 205),
    "red": (215, 40, 40), "orange": (245, 140, 30), "yellow": (245, 215, 45), "green": (50, 150, 60),
    "teal": (20, 150, 150), "blue": (40, 90, 210), "purple": (130, 60, 170), "pink": (235, 90, 160),
    "brown": (120, 75, 40), "beige": (235, 220, 190), "light blue": (160, 205, 240), "light green": (165, 220, 160),
    "light pink": (250, 195, 210), "light yellow": (250, 240, 165),
}  # fmt: skip


def main_colour(picture: NDArray[np.uint8], share: float = _ONE_COLOUR) -> str | None:
    """The colour that most of what stands out of a picture (H, W, 3) has, that `share` of it at least; None where there
    is no such colour."""
    pixels, vivid = _standing_out(picture)
    if vivid.mean() < _FEWEST:
        return None
    hues = _hues(pixels[vivid])
    names = np.array([name for name, _ in _HUES])[np.searchsorted([end for _, end in _HUES], hues, side="right")]
    found, counts = np.unique(names, return_counts=True)
    best = int(counts.argmax())
    return str(found[best]) if counts[best] >= share * len(names) else None


def commonest_colour(picture: NDArray[np.uint8]) -> str | None:
    """The colour that more of what stands out of a picture (H, W, 3) has than any other; None where there is none."""
    return main_colour(picture, share=0)


def ground_colour(picture: NDArray[np.uint8]) -> str | None:
    """The colour of a picture (H, W, 3) that shows nothing else; None where it shows anything."""
    pixels = picture.reshape(-1, 3)
    low, high = np.percentile(pixels, (1, 99), axis=0)
    if (high - low).max() > _PLAIN:
        return None
    colour = np.median(pixels, axis=0)
    return min(_GROUNDS, key=lambda name: float(np.abs(colour - _GROUNDS[name]).sum()))


def _standing_out(picture: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A picture in 0..1, small, and what stands out of it and is vivid.

    What stands out is what differs from the border; where little does, the whole picture counts.
    """
    small = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / np.float32(255)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    chosen: NDArray[np.bool_] = np.abs(pixels - np.median(border, axis=0)).max(axis=2) > _DIFFERENT
    if chosen.mean() < _FEWEST:
        chosen[:] = True
    high, low = pixels.max(axis=2), pixels.min(axis=2)
    return pixels, chosen & (high - low > _VIVID * high) & (high > _DARKEST)


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
