"""Enlarging finished pictures four times with a small convolutional network (Real-ESRGAN's compact generator).

Eighteen 3x3 convolutions on the small picture, the last of which paints 4x4 sub-pixels for each pixel (pixel shuffle,
arXiv 1609.05158), added to the picture enlarged by repetition: the network only draws what the repetition lacks.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from model.errors import ModelError

FACTOR = 4

_WEIGHTS = Path(__file__).parent / "upscaler" / "model.safetensors"
_CHANNELS = 64
_DEPTH = 18


class Upscaler(nn.Module):
    """The network. Pictures in and out are (B, 3, H, W), 0..1, and come out four times as high and wide."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, *([_CHANNELS] * (_DEPTH - 1)), 3 * FACTOR**2]
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, 3) for before, after in itertools.pairwise(widths))
        self.activations = nn.ModuleList(nn.PReLU(_CHANNELS) for _ in range(_DEPTH - 1))

    def forward(self, pictures: torch.Tensor, *, tile: bool = False) -> torch.Tensor:
        """`tile` lets opposite edges see each other, so that a tile stays one."""
        features = pictures
        for place, convolution in enumerate(self.convolutions):
            features = convolution(functional.pad(features, (1, 1, 1, 1), mode="circular" if tile else "constant"))
            if place < len(self.activations):
                features = self.activations[place](features)
        enlarged = functional.interpolate(pictures, scale_factor=FACTOR, mode="nearest")
        return (functional.pixel_shuffle(features, FACTOR) + enlarged).clamp(0, 1)


def load_upscaler(device: torch.device | str = "cpu", weights: Path = _WEIGHTS) -> Upscaler:
    """The network with its weights, in float32. ModelError when the file is missing or damaged."""
    upscaler = Upscaler()
    try:
        upscaler.load_state_dict({name: value.float() for name, value in load_file(weights).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise ModelError(f"The upscaler's weights in {weights} cannot be read: {error}") from error
    return upscaler.to(device).eval().requires_grad_(False)


def enlarge(upscaler: Upscaler, images: Sequence[np.ndarray], *, tile: bool = False) -> list[np.ndarray]:
    """Four times as large: (H, W, 3) uint8 in, (4H, 4W, 3) uint8 out. All `images` have one size."""
    device = next(upscaler.parameters()).device
    with torch.inference_mode():
        pictures = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W)
        larger = upscaler(pictures, tile=tile) * 255
        return list(larger.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy())
