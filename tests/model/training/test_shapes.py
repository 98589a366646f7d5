"""Square training pictures in other shapes."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL

from model.training.autoencoder import build_autoencoder, encode_pictures
from model.training.compose import PictureSet, Scene
from model.training.recipe import Recipe
from model.training.shapes import encode_shapes, fits, reshape

CAR = Scene("a car", (0,), (None,), "white", None)


@pytest.fixture
def square() -> np.ndarray:
    """A black thing, twice as wide as high, in the middle of white ground."""
    picture = np.full((64, 64, 3), 255, np.uint8)
    picture[24:40, 16:48] = 0
    return picture


@pytest.mark.parametrize("shape", [(80, 48), (48, 80), (64, 64)])
def test_a_thing_keeps_its_proportions(square: np.ndarray, shape: tuple[int, int]) -> None:
    """It stands whole on more of its ground, wherever it stands."""
    for seed in range(5):
        picture, _ = reshape(square, CAR, shape, random.Random(seed))
        assert picture.shape == (shape[1], shape[0], 3)
        dark = np.argwhere(picture[..., 0] < 128)
        height, width = dark.max(0) - dark.min(0) + 1
        assert (width, height) == (min(shape) // 2, min(shape) // 4)


@pytest.mark.parametrize(("shape", "seen"), [((80, 48), (13, 51)), ((48, 80), (0, 64))])
def test_a_place_loses_two_sides(shape: tuple[int, int], seen: tuple[int, int]) -> None:
    """It goes on to every edge, and nothing of it is stretched."""
    rows = np.repeat(np.arange(64, dtype=np.uint8)[:, None, None], 64, axis=1).repeat(3, axis=2)
    picture, corner = reshape(rows, replace(CAR, place="beach"), shape, random.Random(0))
    assert picture.shape == (shape[1], shape[0], 3)
    assert corner[0] < 0
    top, bottom = int(picture[0, 0, 0]), int(picture[-1, 0, 0])
    assert (top, bottom) == pytest.approx((seen[0], seen[1] - 1), abs=1)


def test_things_in_places_stay_square() -> None:
    """They would lose a part of themselves too."""
    assert fits(CAR)
    assert fits(replace(CAR, concepts=(), place="beach"))
    assert not fits(replace(CAR, place="beach"))


def test_every_picture_has_latents_in_every_shape(tiny: Recipe, pictures: PictureSet) -> None:
    """As many as the shape is large. Where a shape has room for them, those of the square picture are among them,
    unchanged."""
    vae: AutoencoderKL = build_autoencoder(tiny)
    square = encode_pictures(vae, pictures.pictures) * vae.config.scaling_factor
    wide, tall, small = encode_shapes(vae, pictures, ((48, 32), (32, 48), (48, 24)), seed=0)
    assert wide.latents.shape == (len(pictures.scenes), tiny.latent_channels, 4, 6)
    assert tall.latents.shape == (len(pictures.scenes), tiny.latent_channels, 6, 4)
    assert bool((small.corners < 0).all())
    whole = [number for number, scene in enumerate(pictures.scenes) if scene.place is None]
    assert whole
    for number in whole:
        for shape in (wide, tall):
            top, left = shape.corners[number].tolist()
            found = shape.latents[number, :, top : top + 4, left : left + 4]
            torch.testing.assert_close(found, square[number], atol=2e-3, rtol=0)
