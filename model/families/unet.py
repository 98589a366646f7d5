"""Text-conditioned UNets (UNet2DConditionModel): SD 1.x, SDXL, and Easel's own small model."""

from collections.abc import Sequence
from typing import Any

import torch

from model.families import Condition
from model.families.reuse import ReusingUNet
from model.schedulers import DIFFUSION_SAMPLERS

Added = dict[str, torch.Tensor] | None


class TextUNet:
    """SD 1.5 takes the prompt by cross-attention; SDXL takes its pooled form and the picture's size as well."""

    denoiser_class = "UNet2DConditionModel"
    samplers = DIFFUSION_SAMPLERS
    default_sampler = "ddim"
    mixes_shapes = False

    def __init__(self, denoiser: Any) -> None:
        self.denoiser = denoiser
        config = denoiser.config
        self.latent_channels = config.in_channels
        self.halvings = len(config.block_out_channels) - 1
        self.reuses = self.halvings > 0
        self._takes_size = config.addition_embed_type == "text_time"
        self.pixels_per_latent = 8  # for SDXL's size embedding; components.load sets it to the autoencoder's
        self._stacked: tuple[Any, Sequence[Condition | None], torch.Tensor, Added] | None = None
        self._reusing: ReusingUNet | None = None

    def native_latent_side(self) -> int | None:
        side = self.denoiser.config.sample_size
        return side if side is None or isinstance(side, int) else max(side)

    def image_tokens(self, latent_height: int, latent_width: int) -> int | None:
        return None

    def added(self, conditions: Sequence[Condition | None], latent_size: tuple[int, int]) -> Added:
        """SDXL's further conditions for R rows of latents (h, w): pooled prompt (R, P) and sizes (R, 6)."""
        if not self._takes_size:
            return None
        pooled = torch.stack([row.pooled for row in conditions if row is not None and row.pooled is not None])
        height, width = (side * self.pixels_per_latent for side in latent_size)
        size = torch.tensor([height, width, 0, 0, height, width], dtype=pooled.dtype, device=pooled.device)
        return {"text_embeds": pooled, "time_ids": size.expand(len(pooled), 6)}

    def _stack(
        self, conditions: Sequence[Condition | None], latent_size: tuple[int, int]
    ) -> tuple[torch.Tensor, Added]:
        """The rows' embeddings (R, L, D) as one batch, kept while the batch has the same members."""
        key = (latent_size, *map(id, conditions))
        if self._stacked is None or self._stacked[0] != key:
            hidden = torch.stack([row.hidden for row in conditions if row is not None])
            # Holding the conditions keeps their ids from being used again.
            self._stacked = (key, conditions, hidden, self.added(conditions, latent_size))
        return self._stacked[2], self._stacked[3]

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        return self._forward(self.denoiser, latents, timesteps, conditions).float()

    def predict_reusing(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Sequence[Condition | None],
        deep: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self._reusing is None:
            self._reusing = ReusingUNet(self.denoiser)
        output, deep = self._reusing(lambda unet: self._forward(unet, latents, timesteps, conditions), deep)
        return output.float(), deep

    def _forward(
        self, unet: Any, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        height, width = latents.shape[-2:]
        hidden, added = self._stack(conditions, (height, width))
        return unet(
            latents.to(hidden.dtype),
            timesteps,
            encoder_hidden_states=hidden,
            added_cond_kwargs=added,
            return_dict=False,
        )[0]
