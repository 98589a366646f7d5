"""Previews show the picture's colours and shapes before the decoder has drawn it."""

from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from model import vae
from model.components import Bundle
from model.previews import previewer_of
from tests.model.conftest import DEFAULT


@pytest.fixture(scope="module")
def drawn() -> list[np.ndarray]:
    """Pictures that the default model drew, (64, 64, 3) each, from the sheet that ships with it."""
    with Image.open(DEFAULT / "sheet.webp") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    tops, lefts = (range(0, length - 63, 72) for length in pixels.shape[:2])
    tiles = [pixels[top : top + 64, left : left + 64] for top in tops for left in lefts]
    return [tile for tile in tiles if tile.std() > 10][::8]


def test_a_preview_is_true_in_colour_and_shape(default: Bundle, drawn: list[np.ndarray]) -> None:
    """Beside what the decoder makes of the same latents: correlation over 0.95, no colour off by more than 12."""
    previewer = previewer_of(default.vae, torch.device("cpu"))
    latents = vae.encode(default.vae, drawn[0], torch.device("cpu"))
    exact = previewer.sheet(latents, decode=partial(vae.decode, default.vae))
    assert np.abs(exact.astype(int) - decoded_of(default, drawn[0])).max() <= 1
    correlations, shifts = [], []
    for picture in drawn:
        latents = vae.encode(default.vae, picture, torch.device("cpu"))
        decoded = decoded_of(default, picture).astype(float)
        preview = previewer.sheet(latents).astype(float)
        correlations.append(np.corrcoef(preview.ravel(), decoded.ravel())[0, 1])
        shifts.append(np.abs(preview.mean(axis=(0, 1)) - decoded.mean(axis=(0, 1))).max())
    assert min(correlations) > 0.95
    assert max(shifts) < 12


def decoded_of(bundle: Bundle, picture: np.ndarray) -> np.ndarray:
    """What is left of a picture once it has been latents."""
    [decoded] = vae.to_uint8(vae.decode(bundle.vae, vae.encode(bundle.vae, picture, torch.device("cpu")))).numpy()
    shown: np.ndarray = decoded
    return shown
