"""A request: everything that decides a picture, as plain values. No torch here."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

MAX_IMAGES = 4


@dataclass(frozen=True)
class NoiseSource:
    """Where the starting noise of one image comes from: numbers only, so a picture can be made again from them.

    The root is drawn from (`seed`, `index`). Each later generation, oldest first, is (seed_k, index_k, strength_k)
    and turns the noise by strength_k of the way (0..1) towards the draw of (seed_k, index_k). A variation of a
    variation therefore needs no stored picture. Seeds are 0..2**32-1 (0 is a seed), indices count from 0.
    """

    seed: int
    index: int = 0
    ancestors: tuple[tuple[int, int, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Request:
    """One job for the engine, of one to four images of the same size. Compared by identity: it may hold arrays.

    prompt: weighted parts; `((text, 1.0),)` is a plain prompt, `()` is unconditional (guidance is then off).
    mixing: how several parts combine. "conjunction" predicts each part by itself and sums the predictions (one more
        row an image and part, the parts stay apart); "blend" averages the embeddings (no extra cost, meanings melt).
    negative_prompt: joined by commas; has an effect only where guidance is on.
    noises: one per image, 1..4. Any subset gives the same pictures: image 3 alone equals image 3 of the grid.
    width, height: pixels, multiples of the model's grid (`model.fit_size` finds them).
    guidance_scale: diffusers' scale for UNets: 1.0 is off. For flow transformers too, so theirs plus one.
    sampler: a name from `model.schedulers.SAMPLERS`.
    stop_at: 0..1, the share of the steps after which the picture is decoded as far as it has come.
    image, latents: what to start from, with `strength` (0..1, 1.0 ignores it): (H, W, 3) uint8, or clean latents
        (C, h, w) or (n, C, h, w) as float32.
    mask: (H, W), 0 keeps `image` (to the byte), 255 or True paints anew; values between mix at the seam.
    image_prompts: pictures to be near to, each with its weight (about 0..3); they set where the walk begins.
    tile: the picture's opposite edges fit each other.
    chaos: 0..1, how far the images of one request move apart. weird: 0..1, how far all move off the beaten track.
    preview_every: a preview with every k-th step, 0 for none.
    deadline_s: seconds from submission until the request fails with DeadlineExceeded.
    """

    prompt: tuple[tuple[str, float], ...]
    noises: tuple[NoiseSource, ...]
    width: int
    height: int
    num_inference_steps: int = 20
    guidance_scale: float = 4.5
    negative_prompt: tuple[str, ...] = ()
    mixing: Literal["conjunction", "blend"] = "conjunction"
    sampler: str = "ddim"
    stop_at: float = 1.0
    strength: float = 1.0
    image: np.ndarray | None = None
    mask: np.ndarray | None = None
    latents: np.ndarray | None = None
    tile: bool = False
    chaos: float = 0.0
    weird: float = 0.0
    image_prompts: tuple[tuple[np.ndarray, float], ...] = ()
    preview_every: int = 0
    deadline_s: float | None = None
