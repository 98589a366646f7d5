"""Encode and decode: the only doors between pixels and latents.

A bundle without an autoencoder works in pixel space: its latents are the pixels themselves, scaled to -1..1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from model.autoencoders import codec

Decoder = Callable[[torch.Tensor], torch.Tensor]
"""Latents (n, C, h, w) -> pixels (n, 3, H, W) in about -1..1: what `decode` does with an autoencoder, done faster."""

# Decode at most this many pixels at once, so that four large images do not hold four sets of activations.
SLICE_PIXELS = 2 * 1024 * 1024


def scale_factor(vae: Any) -> int:
    """Pixels per latent position along one side."""
    return 1 if vae is None else codec(vae).factor(vae)


def to_unit_range(image: np.ndarray, device: torch.device) -> torch.Tensor:
    """(H, W, 3) uint8 -> (1, 3, H, W) float32 in -1..1. A copy: torch takes no memory that may not be written to."""
    pixels = torch.from_numpy(np.array(image, order="C")).to(device=device, dtype=torch.float32)
    return (pixels / 127.5 - 1.0).permute(2, 0, 1).unsqueeze(0)


def encode(vae: Any, image: np.ndarray, device: torch.device) -> torch.Tensor:
    """(H, W, 3) uint8 -> latents (1, C, H/f, W/f) float32: the mode of the posterior, so a picture has one encoding."""
    return encode_pixels(vae, to_unit_range(image, device))


def encode_pixels(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W) in -1..1 -> latents (n, C, H/f, W/f) float32."""
    return pixels if vae is None else codec(vae).encode(vae, pixels.to(vae.device, vae.dtype)).float()


def decode(vae: Any, latents: torch.Tensor) -> torch.Tensor:
    """Latents (n, C, h, w) -> pixels (n, 3, H, W) in about -1..1; of videos, latents (n, C, F, h, w) -> pixels
    (n, 3, T, H, W)."""
    if vae is None:
        return latents
    return decode_by(partial(codec(vae).decode, vae), latents.to(vae.dtype), scale_factor(vae))


def decode_by(decoder: Decoder, latents: torch.Tensor, factor: int) -> torch.Tensor:
    """As `decode`, by something else than an autoencoder; factor: pixels per latent position along one side."""
    parts = torch.split(latents, per_slice(latents[0, 0].numel() * factor * factor))
    return torch.cat([decoder(part) for part in parts])


def per_slice(pixels: int) -> int:
    """How many pictures of so many pixels are decoded at once."""
    return max(1, SLICE_PIXELS // pixels)


def to_uint8(pixels: torch.Tensor) -> torch.Tensor:
    """(n, 3, H, W) in -1..1 -> (n, H, W, 3) uint8 on the same device, rounded exactly as diffusers' post-processing."""
    levels = (pixels.float() * 0.5 + 0.5).clamp_(0, 1).mul_(255).round_()
    return levels.to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def fit(image: np.ndarray, width: int, height: int) -> np.ndarray:
    """Cut the middle of a picture to the aspect of `width` x `height` and scale it to that size. (H, W, 3) uint8."""
    rows, columns = image.shape[:2]
    if (rows, columns) == (height, width):
        return image
    scale = min(rows / height, columns / width)
    cut_rows, cut_columns = min(rows, round(height * scale)), min(columns, round(width * scale))
    top, left = (rows - cut_rows) // 2, (columns - cut_columns) // 2
    middle = np.array(image[top : top + cut_rows, left : left + cut_columns], order="C")
    pixels = torch.from_numpy(middle).permute(2, 0, 1).unsqueeze(0).float()
    scaled = torch.nn.functional.interpolate(pixels, size=(height, width), mode="bicubic", antialias=True)
    return scaled[0].permute(1, 2, 0).clamp(0, 255).round().to(torch.uint8).numpy()


def mask_share(mask: np.ndarray) -> np.ndarray:
    """(H, W) bool, 0..255 or 0..1 -> float32 share of new paint, 0..1."""
    share = np.asarray(mask)
    if share.ndim == 3:
        share = share[..., 0]
    return np.ascontiguousarray(share, dtype=np.float32) / (255.0 if share.dtype == np.uint8 else 1.0)


def keep_outside(images: np.ndarray, original: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Put `original` (H, W, 3) back wherever the mask keeps it: byte for byte where it is 0. (n, H, W, 3) uint8."""
    share = mask_share(mask)[..., None]
    mixed = images * share + original * (1 - share)
    return np.where(share == 0, original, np.where(share == 1, images, mixed.round())).astype(np.uint8)
