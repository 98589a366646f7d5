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

WHOLE = Path(__file__).parent / "upscaler" / "model.safetensors"
"""The weights for pictures of all kinds."""
NARROW = WHOLE.with_name("narrow.safetensors")
"""Those of half as many channels, in a third of the time, taught by the others on pictures of the default model."""
DRAFT = WHOLE.with_name("draft.safetensors")
"""Those of a quarter, in a sixth of the time, taught in the same way: for its drafts, whose edges may be rougher."""
_CHANNELS = 64
_DEPTH = 18


class Upscaler(nn.Module):
    """The network. Pictures in and out are (B, 3, H, W), 0..1, and come out four times as high and wide."""

    def __init__(self, channels: int = _CHANNELS) -> None:
        super().__init__()
        widths = [3, *([channels] * (_DEPTH - 1)), 3 * FACTOR**2]
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, 3) for before, after in itertools.pairwise(widths))
        self.activations = nn.ModuleList(nn.PReLU(channels) for _ in range(_DEPTH - 1))

    def forward(self, pictures: torch.Tensor, *, tile: bool = False) -> torch.Tensor:
        """`tile` lets opposite edges see each other, so that a tile stays one."""
        features = pictures
        for place, convolution in enumerate(self.convolutions):
            features = convolution(functional.pad(features, (1, 1, 1, 1), mode="circular" if tile else "constant"))
            if place < len(self.activations):
                features = self.activations[place](features)
        enlarged = functional.interpolate(pictures, scale_factor=FACTOR, mode="nearest")
        return (functional.pixel_shuffle(features, FACTOR) + enlarged).clamp(0, 1)


def load_upscaler(device: torch.device | str = "cpu", weights: Path = WHOLE) -> Upscaler:
    """The network with its weights, in float32. ModelError when the file is missing or damaged."""
    try:
        values = {name: value.float() for name, value in load_file(weights).items()}
        upscaler = Upscaler(len(values["activations.0.weight"]))
        upscaler.load_state_dict(values)
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        raise ModelError(f"The upscaler's weights in {weights} cannot be read: {error}") from error
    for parameter in upscaler.parameters():
        if parameter.dim() == 4:  # an eighth faster on a processor: pictures come in pixel by pixel as well
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return upscaler.to(device).eval().requires_grad_(False)


def enlarge(upscaler: Upscaler, images: Sequence[np.ndarray], *, tile: bool = False) -> list[np.ndarray]:
    """Four times as large: (H, W, 3) uint8 in, (4H, 4W, 3) uint8 out. All `images` have one size."""
    device = next(upscaler.parameters()).device
    with torch.inference_mode():
        pictures = torch.from_numpy(np.stack(images)).to(device).permute(0, 3, 1, 2).float() / 255  # (B, 3, H, W)
        larger = upscaler(pictures, tile=tile) * 255
        return list(larger.round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy())
