"""What text-conditioned UNets (UNet2DConditionModel) have in common."""

from typing import Any

import torch

from model.families.base import Conditions, Family
from model.families.reuse import ReusingUNet
from model.schedulers import DIFFUSION_SAMPLERS

Added = dict[str, torch.Tensor] | None


class TextUNet(Family):
    """The base of families that read the prompt by cross-attention."""

    denoiser_class = "UNet2DConditionModel"
    samplers = DIFFUSION_SAMPLERS
    default_sampler = "ddim"

    def __init__(self, denoiser: Any) -> None:
        super().__init__(denoiser)
        config = denoiser.config
        self.latent_channels = config.in_channels
        self.halvings = len(config.block_out_channels) - 1
        self.reuses = self.halvings > 0
        self._stacked: tuple[Any, Conditions, torch.Tensor, Added] | None = None
        self._reusing: ReusingUNet | None = None

    def native_latent_side(self) -> int | None:
        side: int | tuple[int, int] | None = self.denoiser.config.sample_size
        return side if side is None or isinstance(side, int) else max(side)

    def added(self, conditions: Conditions, latent_size: tuple[int, int]) -> Added:
        """What the UNet takes beside the prompt for R rows of latents (h, w)."""
        return None

    def _stack(self, conditions: Conditions, latent_size: tuple[int, int]) -> tuple[torch.Tensor, Added]:
        """The rows' embeddings (R, L, D) as one batch, kept while the batch has the same members."""
        key = (latent_size, *map(id, conditions))
        if self._stacked is None or self._stacked[0] != key:
            hidden = torch.stack([row.hidden for row in conditions if row is not None])
            # Holding the conditions keeps their ids from being used again.
            self._stacked = (key, conditions, hidden, self.added(conditions, latent_size))
        return self._stacked[2], self._stacked[3]

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        return self._forward(self.denoiser, latents, timesteps, conditions).float()

    def predict_reusing(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions, deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Reusing`."""
        if self._reusing is None:
            self._reusing = ReusingUNet(self.denoiser)
        output, deep = self._reusing(lambda unet: self._forward(unet, latents, timesteps, conditions), deep)
        return output.float(), deep

    def _forward(
        self, unet: Any, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        height, width = latents.shape[-2:]
        hidden, added = self._stack(conditions, (height, width))
        output: torch.Tensor = unet(
            latents.to(hidden.dtype),
            timesteps,
            encoder_hidden_states=hidden,
            added_cond_kwargs=added,
            return_dict=False,
        )[0]
        return output
