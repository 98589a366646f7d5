"""Previews at next to no cost: a linear map from each latent position and its neighbours to its patch of pixels.

A decoder is nearly linear in what a thumbnail shows (colours, large shapes), so the map is fitted once by least squares
to what the model's own decoder makes of pictures drawn here; then it is under a millisecond a preview. Near the end the
map is less true than the latents are (dark scenes 0.87 of correlation with the finished picture, the decoder 0.99), so
small pictures are decoded then.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from model import vae as autoencoder

_FITTED_IMAGES = 24
_FITTED_SIDE = 64
_REACH = 3
"""The map sees so many latent positions across: its own and those around it."""
MAX_SHEET_SIDE = 512
NEAR_THE_END = 0.8
"""The share of the steps from which latents are nearly finished."""
_DECODED_PIXELS = 1 << 16
"""Pixels, of all pictures together, that are decoded for a preview: a few hundredths of a second of one core."""


Map = tuple[torch.Tensor, torch.Tensor]
"""Weights (3*f*f, C, 3, 3) and bias (3*f*f,)."""


class Previewer:
    """Latents (n, C, h, w) -> one sheet (rows, columns, 3) uint8 of all n images, two in a row; of videos, latents
    (n, C, F, h, w), how they end: the first frame may be given."""

    def __init__(self, factor: int, fitted: Map | None) -> None:
        """factor: pixels per latent position along one side. fitted: the map, None where latents are pixels."""
        self._factor, self.map = factor, fitted

    def sheet(
        self, latents: torch.Tensor, *, decode: Callable[[torch.Tensor], torch.Tensor] | None = None
    ) -> np.ndarray:
        """The sheet of latents in float or half precision; `decode` gives pictures exactly, where that is cheap."""
        pixels = (latents[:, :, -1] if latents.ndim == 5 else latents).float()
        if decode is not None and latents.ndim == 4 and latents[:, :1].numel() * self._factor**2 <= _DECODED_PIXELS:
            pixels = decode(latents)
        elif self.map is not None:
            weights, bias = self.map
            patches = torch.nn.functional.conv2d(pixels, weights, bias, padding=_REACH // 2)
            pixels = torch.nn.functional.pixel_shuffle(patches, self._factor)
        thinning = -(-2 * max(pixels.shape[-2:]) // MAX_SHEET_SIDE)
        return sheet_of(autoencoder.to_uint8(pixels[..., ::thinning, ::thinning]).cpu().numpy())


def sheet_of(images: np.ndarray) -> np.ndarray:
    """(n, H, W, 3), n 1..4 -> one picture: alone, side by side, or two by two (a missing fourth is black)."""
    if len(images) == 1:
        alone: np.ndarray = images[0]
        return alone
    if len(images) == 3:
        images = np.concatenate([images, np.zeros_like(images[:1])])
    rows = [np.concatenate(images[start : start + 2], axis=1) for start in range(0, len(images), 2)]
    return np.ascontiguousarray(np.concatenate(rows, axis=0))


def previewer_of(vae: Any, device: torch.device) -> Previewer:
    """A previewer fitted to an autoencoder; None is that of a model of pixels."""
    factor = autoencoder.scale_factor(vae)
    return Previewer(factor, None if vae is None else _fit(vae, factor, device))


def _fit(vae: Any, factor: int, device: torch.device) -> Map:
    """The least-squares map from latents to f x f patches of RGB."""
    latents, pixels = [], []
    for picture in _training_pictures(max(_FITTED_SIDE, 4 * factor)):
        latent = autoencoder.encode(vae, picture, device)
        pixels.append(autoencoder.decode(vae, latent).float().clamp(-1, 1).cpu())
        latents.append(latent.float().cpu())
    channels = latents[0].shape[1]
    # (positions, C*3*3) and (positions, 3*f*f)
    inputs = torch.nn.functional.unfold(torch.cat(latents), _REACH, padding=_REACH // 2).transpose(1, 2)
    inputs = inputs.reshape(-1, channels * _REACH**2).double()
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1)
    patches = torch.nn.functional.pixel_unshuffle(torch.cat(pixels), factor)
    outputs = patches.permute(0, 2, 3, 1).reshape(len(inputs), -1).double()
    # A touch of ridge keeps the map tame for latents that hardly vary in these pictures.
    gram = inputs.T @ inputs + 1e-3 * len(inputs) * torch.eye(inputs.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(gram, inputs.T @ outputs).float()
    weights = solution[:-1].T.reshape(-1, channels, _REACH, _REACH)
    return weights.contiguous().to(device), solution[-1].contiguous().to(device)


def _training_pictures(side: int) -> list[np.ndarray]:
    """Colours and edges of all kinds: a ground, often shaded, and a few flat shapes. Always the same pictures."""
    chance = np.random.default_rng(0)
    y, x = np.mgrid[0:side, 0:side] / side

    def colour() -> np.ndarray:
        mixed = chance.uniform(0, 1, 3)
        return mixed.round() if chance.uniform() < 0.5 else mixed  # the pure ones too: they are the hardest

    pictures = []
    for _ in range(_FITTED_IMAGES):
        tilt = chance.uniform(-1, 1, (2, 3)) * chance.integers(0, 2)
        picture = colour() + 0.3 * (x[..., None] * tilt[0] + y[..., None] * tilt[1])
        for _ in range(6):
            centre, normal, radius = chance.uniform(0, 1, 2), chance.uniform(0, 2 * np.pi), chance.uniform(0.05, 0.4)
            shape = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
            if chance.uniform() < 0.5:
                shape &= (x - centre[0]) * np.cos(normal) + (y - centre[1]) * np.sin(normal) > 0
            picture[shape] = colour()
        pictures.append((picture.clip(0, 1) * 255).astype(np.uint8))
    return pictures
