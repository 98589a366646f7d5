"""Text to image: encode the prompt, draw one noise per image, denoise, decode.

The functions that build a `Request` are what callers use with the engine. `generate` tells the same story from top to
bottom for one request alone, without threads: read it to see how a picture comes about, run it to check the engine.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from model import vae
from model.components import Bundle
from model.denoise import Denoiser
from model.request import NoiseSource, Request
from model.tile import wrapped_around
from model.walk import Walk


def text_to_image(
    prompt: str | Sequence[tuple[str, float]], *, seed: int, size: tuple[int, int], images: int = 4, **settings: Any
) -> Request:
    """A grid of `images` pictures of size (width, height) from one seed; `settings` are further fields of Request."""
    parts = ((prompt, 1.0),) if isinstance(prompt, str) else tuple(prompt)
    noises = tuple(NoiseSource(seed, index) for index in range(images))
    return Request(prompt=parts, noises=noises, width=size[0], height=size[1], **settings)


def image_to_image(
    image: np.ndarray, prompt: str | Sequence[tuple[str, float]], *, seed: int, strength: float, **settings: Any
) -> Request:
    """Like `text_to_image`, but starting from `image` (H, W, 3): strength 0 leaves it, 1 forgets it."""
    height, width = image.shape[:2]
    return text_to_image(prompt, seed=seed, size=(width, height), image=image, strength=strength, **settings)


@torch.inference_mode()
def generate(bundle: Bundle, request: Request) -> list[np.ndarray]:
    """Draw one request alone, in this thread. (H, W, 3) uint8 each."""
    walk = Walk(bundle, request)  # prompts encoded, noise drawn, timesteps laid out
    denoiser = Denoiser(bundle, max_rows=walk.row_count or 1)
    while not walk.done:
        [prediction] = denoiser.predict([walk], request.tile)
        walk.advance(prediction)
    with wrapped_around(bundle.vae if request.tile else None):
        images = vae.to_uint8(vae.decode(bundle.vae, walk.result())).cpu().numpy()
    if request.mask is not None and request.image is not None:
        images = vae.keep_outside(images, request.image, request.mask)
    return list(images)
