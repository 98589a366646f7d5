"""The upscaler enlarges four times and leaves a picture what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import model
from model.components import Bundle
from model.drawing import generate
from model.request import text_to_image
from model.upscale import DRAFT, FACTOR, NARROW, enlarge, load_upscaler
from tests.model.conftest import altered, psnr_db


@pytest.fixture(scope="module")
def disc() -> np.ndarray:
    """A red disc on white, 32 px, hard-edged."""
    y, x = np.mgrid[:32, :32]
    picture = np.full((32, 32, 3), 255, np.uint8)
    picture[(y - 15.5) ** 2 + (x - 15.5) ** 2 < 100] = (220, 20, 30)
    return picture


def test_a_picture_becomes_four_times_as_large_and_stays_itself(disc: np.ndarray) -> None:
    """Averaged back to its old size it is nearly the picture it was."""
    (large,) = enlarge(load_upscaler(), [disc])
    assert large.shape == (32 * FACTOR, 32 * FACTOR, 3)
    small = large.reshape(32, FACTOR, 32, FACTOR, 3).mean(axis=(1, 3))
    assert np.abs(small - disc).mean() < 4


def test_edges_come_out_smooth(disc: np.ndarray) -> None:
    """Repetition leaves stairs of four pixels; the network draws a rounder outline."""
    (large,) = enlarge(load_upscaler(), [disc])
    repeated = disc.repeat(FACTOR, 0).repeat(FACTOR, 1)
    y, x = np.mgrid[:128, :128]
    inside = (y - 63.5) ** 2 + (x - 63.5) ** 2 < 1600
    wrong = [np.count_nonzero((picture[..., 1] < 128) != inside) for picture in (large, repeated)]
    assert wrong[0] < wrong[1]


def test_a_picture_does_not_depend_on_its_neighbours(disc: np.ndarray) -> None:
    """Alone or among others, it is the same to one level."""
    upscaler = load_upscaler()
    alone = enlarge(upscaler, [disc])[0].astype(int)
    among = enlarge(upscaler, [255 - disc, disc])[1].astype(int)
    assert np.abs(alone - among).max() <= 1


def test_a_tile_stays_a_tile(disc: np.ndarray) -> None:
    """A rolled tile enlarged is the enlarged tile rolled."""
    upscaler = load_upscaler()
    rolled = enlarge(upscaler, [np.roll(disc, (7, 5), axis=(0, 1))], tile=True)[0].astype(int)
    expected = np.roll(enlarge(upscaler, [disc], tile=True)[0].astype(int), (7 * FACTOR, 5 * FACTOR), axis=(0, 1))
    assert np.abs(rolled - expected).max() <= 1


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    """An operator reads which file it is."""
    broken = tmp_path / "model.safetensors"
    broken.write_bytes(b"not weights")
    with pytest.raises(model.ModelError, match=r"model\.safetensors"):
        load_upscaler(weights=broken)


@pytest.mark.parametrize(("weights", "least_db"), [(NARROW, 34), (DRAFT, 33)])
def test_the_narrow_networks_draw_what_the_whole_one_draws(default: Bundle, weights: Path, least_db: int) -> None:
    """On pictures of the default model, which they were taught on, where repetition is far from it."""
    asked = text_to_image("a red apple and a blue boat", seed=3, size=(64, 64), images=4, num_inference_steps=6)
    small = generate(default, altered(asked, sampler="dpmpp_2m"))
    wanted, drawn = enlarge(load_upscaler(), small), enlarge(load_upscaler(weights=weights), small)
    assert psnr_db(drawn, wanted) > least_db
    assert psnr_db([picture.repeat(FACTOR, 0).repeat(FACTOR, 1) for picture in small], wanted) < 30
