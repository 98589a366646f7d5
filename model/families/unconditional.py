"""Unconditional UNets (UNet2DModel), in pixel or latent space: DDPM and its relatives."""

import torch

from model.family import Conditions, Family, Guidance, Parts, TextEncoder
from model.schedulers import Schedule


class Unconditional(Family):
    """Predicts without a prompt; guidance means nothing to it."""

    name = "unconditional"
    denoiser_class = "UNet2DModel"
    schedules = (Schedule.DIFFUSION,)
    default_sampler = "ddpm"
    guidance = Guidance.NONE

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        config = self.denoiser.config
        self.latent_channels = config.in_channels
        self.halvings = len(config.block_out_channels) - 1

    @classmethod
    def text(cls, parts: Parts) -> TextEncoder | None:
        return None

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        """In pixel space: neither text encoder nor autoencoder."""
        from diffusers import UNet2DModel

        torch.manual_seed(seed)
        unet = UNet2DModel(
            sample_size=16,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            norm_num_groups=8,
            attention_head_dim=8,
        )
        return Parts({"unet": unet}, {"num_train_timesteps": 1000, "beta_schedule": "linear"})

    def native_latent_side(self) -> int | None:
        side: int | None = self.denoiser.config.sample_size
        return side

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        output: torch.Tensor = self.denoiser(latents.to(self.denoiser.dtype), timesteps, return_dict=False)[0]
        return output.float()
