"""Text-conditioned UNets (UNet2DConditionModel): SD 1.x, SDXL, and Easel's own small model."""

from collections.abc import Sequence
from typing import Any

import torch

from model.families import Condition
from model.schedulers import DIFFUSION_SAMPLERS


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
        self._takes_size = config.addition_embed_type == "text_time"
        self.pixels_per_latent = 8  # for SDXL's size embedding; components.load sets it to the autoencoder's
        self._stacked: tuple[tuple[int, ...], Sequence[Any], torch.Tensor, torch.Tensor | None] | None = None

    def native_latent_side(self) -> int | None:
        side = self.denoiser.config.sample_size
        return side if side is None or isinstance(side, int) else max(side)

    def image_tokens(self, latent_height: int, latent_width: int) -> int | None:
        return None

    def _stack(self, conditions: Sequence[Condition | None]) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The rows' embeddings as one batch (R, L, D) and (R, P), kept while the batch has the same members."""
        key = tuple(map(id, conditions))
        if self._stacked is None or self._stacked[0] != key:
            rows = [condition for condition in conditions if condition is not None]
            hidden = torch.stack([row.hidden for row in rows])
            pooled = torch.stack([row.pooled for row in rows]) if self._takes_size else None  # type: ignore[misc]
            self._stacked = (key, conditions, hidden, pooled)  # holding the conditions keeps their ids from reuse
        return self._stacked[2], self._stacked[3]

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        hidden, pooled = self._stack(conditions)
        added = None
        if self._takes_size:
            height, width = (side * self.pixels_per_latent for side in latents.shape[-2:])
            size = torch.tensor([height, width, 0, 0, height, width], dtype=hidden.dtype, device=hidden.device)
            added = {"text_embeds": pooled, "time_ids": size.expand(len(latents), 6)}
        return self.denoiser(
            latents.to(hidden.dtype),
            timesteps,
            encoder_hidden_states=hidden,
            added_cond_kwargs=added,
            return_dict=False,
        )[0].float()
