"""Unconditional UNets (UNet2DModel), in pixel or latent space: DDPM and its relatives."""

from collections.abc import Sequence
from typing import Any

import torch

from model.families import Condition
from model.schedulers import DIFFUSION_SAMPLERS


class PixelUNet:
    """Predicts without a prompt; guidance means nothing to it."""

    denoiser_class = "UNet2DModel"
    samplers = DIFFUSION_SAMPLERS
    default_sampler = "ddpm"
    mixes_shapes = False
    reuses = False

    def __init__(self, denoiser: Any) -> None:
        self.denoiser = denoiser
        self.latent_channels = denoiser.config.in_channels
        self.halvings = len(denoiser.config.block_out_channels) - 1

    def native_latent_side(self) -> int | None:
        return self.denoiser.config.sample_size

    def image_tokens(self, latent_height: int, latent_width: int) -> int | None:
        return None

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        return self.denoiser(latents.to(self.denoiser.dtype), timesteps, return_dict=False)[0].float()
