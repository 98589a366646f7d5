"""What text-conditioned UNets (UNet2DConditionModel) have in common."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from model.adapters.controlnet import residuals
from model.adapters.ip_adapter import looking
from model.errors import ModelError
from model.families.reuse import ReusingUNet
from model.family import Conditions, Family, Guidance, Parts
from model.memory import place_of
from model.schedulers import Schedule

Added = dict[str, torch.Tensor] | None


class TextUNet(Family):
    """The base of families that read the prompt by cross-attention.

    An inpainting UNet takes five more channels: the mask and the masked picture. A guidance-distilled one takes the
    scale as an input (`time_cond_proj_dim`).
    """

    denoiser_class = "UNet2DConditionModel"
    schedules = (Schedule.DIFFUSION, Schedule.EDM)
    default_sampler = "ddim"
    takes_controls = True

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.config = config = parts.config(self.denoiser_part)
        self.latent_channels = config.out_channels
        more = config.in_channels - config.out_channels
        if more not in (0, 1 + self.latent_channels):
            raise ModelError(
                f"This UNet takes {config.in_channels} channels, {more} more than it gives; "
                f"Easel knows UNets that take none more, and inpainting UNets that take {1 + self.latent_channels}."
            )
        self.takes_mask = more > 0
        self.guidance = Guidance.EMBEDDED if config.time_cond_proj_dim else Guidance.CLASSIFIER_FREE
        self.halvings = len(config.block_out_channels) - 1
        self.reuses = self.halvings > 0
        self._stacked: tuple[Any, Conditions, dict[str, Any]] | None = None
        self._reusing: ReusingUNet | None = None

    @classmethod
    def schedule(cls, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Latents are not bound to -1..1, as the pixels were that `clip_sample` is for: some schedulers clip unless a
        config says that they must not, and a config written by another scheduler says nothing of it."""
        return {"clip_sample": False, **config}

    def native_latent_side(self) -> int | None:
        side: int | tuple[int, int] | None = self.config.sample_size
        return max(side) if isinstance(side, list | tuple) else side

    def added(self, conditions: Conditions, latent_size: tuple[int, int]) -> Added:
        """What the UNet takes beside the prompt for R rows of latents (h, w)."""
        return None

    def inputs(self, latents: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        """R rows of latents with the further channels of an inpainting UNet: (R, C, h, w) -> (R, in_channels, h, w)."""
        if not self.takes_mask:
            return latents
        channels = torch.stack([row.channels for row in conditions if row is not None and row.channels is not None])
        return torch.cat([latents, channels.to(latents.dtype)], dim=1)

    def embedded_guidance(self, conditions: Conditions) -> torch.Tensor | None:
        """(R, D) for a guidance-distilled UNet, None for others."""
        width: int | None = self.config.time_cond_proj_dim
        if not width:
            return None
        scales = [row.guidance or 1.0 for row in conditions if row is not None]
        return _guidance_embedding(torch.tensor(scales), width).to(place_of(self.denoiser), self.denoiser.dtype)

    def _stack(self, conditions: Conditions, latent_size: tuple[int, int]) -> dict[str, Any]:
        """What the UNet takes beside latents and timesteps, as one batch, kept while the batch has the same members."""
        key = (latent_size, *map(id, conditions))
        if self._stacked is None or self._stacked[0] != key:
            inputs = {
                "encoder_hidden_states": aligned([row.hidden for row in conditions if row is not None]),
                "added_cond_kwargs": self.added(conditions, latent_size),
                "timestep_cond": self.embedded_guidance(conditions),
            }
            self._stacked = (key, conditions, inputs)  # holding the conditions keeps their ids from being used again
        return self._stacked[2]

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
        stacked = self._stack(conditions, (height, width))
        rows = [condition for condition in conditions if condition is not None]
        latents = latents.to(self.denoiser.dtype)
        steered = residuals(self.controlnets, rows, latents, timesteps, stacked)
        with looking(self.denoiser, self.ip_adapters, [row.likenesses for row in rows]):
            inputs = self.inputs(latents, conditions)
            output: torch.Tensor = unet(inputs, timesteps, **stacked, **steered, return_dict=False)[0]
        return output


def aligned(prompts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Prompts (L_r, D) of whole windows as one batch (R, L, D): each is repeated until all are of one length.

    Attention over tokens that all stand there equally often gives what it gives over each once.
    """
    length = math.lcm(*(len(prompt) for prompt in prompts))
    return torch.stack([prompt.repeat(length // len(prompt), 1) for prompt in prompts])


def _guidance_embedding(scales: torch.Tensor, width: int) -> torch.Tensor:
    """Sines and cosines of the scales (R,) -> (R, width), as in diffusers' pipelines (Meng et al. 2022, 2210.03142)."""
    half = width // 2
    frequencies = torch.exp(torch.arange(half) * -(math.log(10000.0) / (half - 1)))
    angles = (scales - 1.0)[:, None] * 1000.0 * frequencies[None]
    return torch.nn.functional.pad(torch.cat([angles.sin(), angles.cos()], dim=1), (0, width % 2))
