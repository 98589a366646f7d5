"""Stage 4, shapes: square training pictures made wide or tall, so that things are not stretched in such pictures.

A picture of things before a plain ground grows on two sides by more of that ground; one of a place loses a part of two
sides instead. Things in places would lose a part too: such pictures stay square.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class Reshaped:
    """Scaled latents (N, C, h, w) of all pictures in one shape; `corners` (N, 2) are the row and the column at which
    the latents of the square picture lie among them, unchanged; negative where they do not."""

    latents: Tensor
    corners: Tensor


def fits(scene: Scene) -> bool:
    """Whether a scene is still whole in another shape."""
    return scene.place is None or (not scene.concepts and scene.person is None)


def encode_shapes(
    vae: AutoencoderKL, training: PictureSet, shapes: Sequence[tuple[int, int]], seed: int
) -> list[Reshaped]:
    """All pictures in each of the shapes (width, height), of a square's side or less."""
    rng, found = random.Random(seed), []
    pixels = 2 ** (len(vae.config.block_out_channels) - 1)  # a side of a latent
    for shape in shapes:
        parts, corners = [], []
        for start in range(0, len(training.scenes), AT_A_TIME):
            some = slice(start, start + AT_A_TIME)
            drawn = [
                reshape(picture, scene, shape, rng, pixels)
                for picture, scene in zip(training.pictures[some], training.scenes[some], strict=True)
            ]
            pictures = Pictures([np.stack([picture for picture, _ in drawn])])
            parts.append(encode_pictures(vae, pictures) * vae.config.scaling_factor)
            corners += [corner for _, corner in drawn]
        found.append(Reshaped(torch.cat(parts), torch.tensor(corners)))
    return found


def reshape(
    picture: np.ndarray, scene: Scene, shape: tuple[int, int], rng: random.Random, step: int = 1
) -> tuple[np.ndarray, tuple[int, int]]:
    """The picture (S, S, 3) uint8 of a scene in another shape (width, height): (height, width, 3) uint8; and where the
    square lies in it (row, column), counted in steps of so many pixels: negative where it does not, in its own size."""
    width, height = shape
    if scene.place is not None:
        return _cropped(picture, width, height), (-1, -1)
    side = min(width, height)
    small = np.asarray(Image.fromarray(picture).resize((side, side), Image.Resampling.HAMMING))
    across, down = (_share(room, rng, step) for room in (width - side, height - side))
    corner = (down[0] // step, across[0] // step) if side == len(picture) else (-1, -1)
    return np.pad(small, (down, across, (0, 0)), mode="edge"), corner


def _share(room: int, rng: random.Random, step: int) -> tuple[int, int]:
    """So many pixels as two parts, before and behind, in whole steps."""
    before = step * round(room / step * min(1.0, max(0.0, rng.gauss(0.5, SPREAD))))
    return before, room - before


def _cropped(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    side, longer = picture.shape[0], max(width, height)
    left, top = ((1 - length / longer) * side / 2 for length in (width, height))
    box = (left, top, side - left, side - top)
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.HAMMING, box))
