"""Stage 4, shapes: square training pictures made wide or tall, so that things are not stretched in such pictures.

A picture of things before a plain ground grows on two sides by more of that ground; one of a place loses a part of two
sides instead.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .autoencoder import encode_pictures
from .compose import Pictures, PictureSet, Scene

if TYPE_CHECKING:
    from diffusers import AutoencoderKL

AT_A_TIME = 512  # pictures that are held in another shape

SPREAD = 0.15  # deviation of where a thing stands, as a share of the room around it


def encode_shapes(
    vae: AutoencoderKL, training: PictureSet, shapes: Sequence[tuple[int, int]], seed: int
) -> list[Tensor]:
    """Scaled latents (N, C, h, w) of all pictures in each of the shapes (width, height)."""
    rng, found = random.Random(seed), []
    for shape in shapes:
        parts = []
        for start in range(0, len(training.scenes), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            drawn = [
                reshape(picture, scene, shape, rng)
                for picture, scene in zip(training.pictures[some], training.scenes[some], strict=True)
            ]
            parts.append(encode_pictures(vae, Pictures([np.stack(drawn)])) * vae.config.scaling_factor)
        found.append(torch.cat(parts))
    return found


def reshape(picture: np.ndarray, scene: Scene, shape: tuple[int, int], rng: random.Random) -> np.ndarray:
    """The picture (S, S, 3) uint8 of a scene in another shape (width, height): (height, width, 3) uint8."""
    width, height = shape
    if scene.place is not None:
        return _cropped(picture, width, height)
    side = min(width, height)
    small = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.HAMMING))
    across, down = (_share(room, rng) for room in (width - side, height - side))
    return np.pad(small, (down, across, (0, 0)), mode="edge")


def _share(room: int, rng: random.Random) -> tuple[int, int]:
    """So many pixels as two parts, before and behind."""
    before = round(room * min(1.0, max(0.0, rng.gauss(0.5, SPREAD))))
    return before, room - before


def _cropped(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    side, longer = picture.shape[0], max(width, height)
    left, top = ((1 - length / longer) * side / 2 for length in (width, height))
    box = (left, top, side - left, side - top)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.HAMMING, box))
