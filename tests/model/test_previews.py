"""Previews show the picture's colours and shapes before the decoder has drawn it."""

from functools import partial

import numpy as np
import pytest
import torch

from contract.catalogue import EASEL_SMALL
from model import vae
from model.components import Bundle
from model.engine import Engine
from model.previews import previewer_of
from model.request import text_to_image
from model.state import Shortcuts

PROMPTS = (
    "a cat",
    "a blue car",
    "a dog and a heart",
    "a beach at sunset",
    "a forest",
    "a purple star",
    "a man with a beard",
)


@pytest.fixture(scope="module")
def drawn(default: Bundle) -> list[np.ndarray]:
    """Pictures of the default model as it is served, (64, 64, 3) each: things, two of them, places and people."""
    requests = [text_to_image(prompt, seed=7, size=default.native_size, num_inference_steps=8) for prompt in PROMPTS]
    engine = Engine(default, shortcuts=Shortcuts(EASEL_SMALL.guidance_interval), quicken="off")
    engine.start()
    try:
        return [image for request in requests for image in engine.submit(request).result()]
    finally:
        engine.close()


def test_a_preview_is_true_in_colour_and_shape(default: Bundle, drawn: list[np.ndarray]) -> None:
    """Beside what the decoder makes of the same latents: correlation over 0.95, no colour off by more than 13."""
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
    assert max(shifts) < 13


def decoded_of(bundle: Bundle, picture: np.ndarray) -> np.ndarray:
    """What is left of a picture once it has been latents."""
    [decoded] = vae.to_uint8(vae.decode(bundle.vae, vae.encode(bundle.vae, picture, torch.device("cpu")))).numpy()
    shown: np.ndarray = decoded
    return shown
