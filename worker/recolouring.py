"""The thing of a picture in another colour, with its light and shade: an edit of colour for models that read no
instructions."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.joining import Picture, mean

Mask = NDArray[np.bool_]

_DIFFERENT = 0.12
"""By so much, of 1, a pixel differs from the border of the picture to be of the thing."""
_SMALLEST, _LARGEST = 0.02, 0.9
"""Of a picture: what is smaller or larger is no thing before a background."""
_EVEN = 0.12
"""The border may differ so much from its own middle colour, on average; more is a scene, not a background."""
_VIVID = 0.25
"""Of saturation: what has less is an outline, an eye or a light, and keeps its colour."""
_FEW = 0.25
"""When fewer of the thing's pixels are vivid, it is grey all over, and all of it is dyed."""
_HUES = {"red": 0, "orange": 28, "yellow": 52, "green": 125, "teal": 178, "blue": 222, "purple": 275, "pink": 325,
         "brown": 25}  # fmt: skip
"""Degrees."""
_LIGHT = {"red": 0.86, "orange": 0.95, "yellow": 0.97, "green": 0.7, "teal": 0.72, "blue": 0.85, "purple": 0.75,
          "pink": 0.95, "brown": 0.5, "black": 0.16, "gray": 0.55, "white": 0.97}  # fmt: skip
"""How light such a thing usually is: the most of red, green and blue, of 1."""


@dataclass(frozen=True, slots=True)
class Recoloured:
    """`picture` (H, W, 3) with its thing in another colour; `thing` (H, W) is where that is, with a narrow rim."""

    picture: Picture
    thing: Mask


def recoloured(picture: Picture, colour: str) -> Recoloured | None:
    """`picture` with its thing in `colour`, one of `contract.colours.COLOURS`. None where no thing stands out from a
    background of about one colour."""
    pixels = (picture / 255).astype(np.float32)
    thing = _thing(pixels)
    if thing is None:
        return None
    high, low = pixels.max(axis=2), pixels.min(axis=2)
    saturation = (high - low) / np.maximum(high, 1e-6)
    vivid = thing & (saturation > _VIVID) & (high > 0.12)
    dyed = vivid if vivid.sum() >= _FEW * thing.sum() else thing & (high > 0.12)
    if not dyed.any():
        return None
    light = (high * (_LIGHT[colour] / max(float(np.median(high[dyed])), 0.05))).clip(0, 1)
    grey = colour not in _HUES
    deep = np.zeros_like(saturation) if grey else np.maximum(saturation, 0.55).clip(0, 0.92)
    pure = np.array(colorsys.hsv_to_rgb(_HUES.get(colour, 0) / 360, 1, 1), np.float32)
    turned = light[..., None] * (1 - deep[..., None] * (1 - pure))
    made = np.where(dyed[..., None], turned, pixels)
    rim = max(1, min(thing.shape) // 48)
    return Recoloured((made * 255).round().astype(np.uint8), mean(thing[..., None].astype(np.float32), rim)[..., 0] > 0)


def _thing(pixels: NDArray[np.float32]) -> Mask | None:
    """Where (H, W) something else is than what the border shows."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.median(border, axis=0)
    if np.abs(border - ground).max(axis=1).mean() > _EVEN:
        return None
    thing: Mask = np.abs(pixels - ground).max(axis=2) > _DIFFERENT
    return thing if _SMALLEST < thing.mean() < _LARGEST else None
