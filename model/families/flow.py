"""What flow-matching transformers have in common: sampled by flow schedulers, in patches of 2x2 latents."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from model.families.first_block import FirstBlockTransformer, block_count
from model.family import Conditions, Family, Parts
from model.schedulers import Schedule


class FlowFamily(Family):
    """The base of families that predict a velocity."""

    denoiser_part = "transformer"
    schedules = (Schedule.FLOW,)
    default_sampler = "flow_euler"
    halvings = 1
    keeps_blocks: ClassVar[bool] = False
    """Whether its transformer hands the picture's tokens from block to block, so that those after the first may be kept
    over steps (`model.families.first_block`)."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self.reuses = self.keeps_blocks and block_count(self.denoiser) > 1
        self._kept: FirstBlockTransformer | None = None

    def predict_reusing(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions, deep: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Reusing`."""
        if self._kept is None:
            self._kept = FirstBlockTransformer(self.denoiser)

        def call(transformer: Any) -> torch.Tensor:
            family = copy.copy(self)
            family.denoiser = transformer
            predicted: torch.Tensor = family.predict(latents, timesteps, conditions)
            return predicted

        return self._kept(call, deep)

    def native_latent_side(self) -> int | None:
        side = self.denoiser.config.get("sample_size")
        return side if isinstance(side, int) else None

    def image_tokens(self, sides: Sequence[int]) -> int:
        """Length of the picture's sequence, for latents of these sides."""
        height, width = sides
        return (height // 2) * (width // 2)

    def timestep_arguments(self, steps: int, sides: Sequence[int], scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """Even steps of sigma down to 1/steps, shifted by the picture's size where the schedule says so."""
        arguments: dict[str, Any] = {"sigmas": torch.linspace(1.0, 1 / steps, steps).tolist()}
        if scheduler.get("use_dynamic_shifting"):
            arguments["mu"] = self.shift(steps, self.image_tokens(sides), scheduler)
        return arguments

    def shift(self, steps: int, tokens: int, scheduler: Mapping[str, Any]) -> float:
        """Log of the time shift: linear in the number of image tokens (Esser et al. 2024, arXiv 2403.03206)."""
        low, high = scheduler.get("base_image_seq_len", 256), scheduler.get("max_image_seq_len", 4096)
        base, top = scheduler.get("base_shift", 0.5), scheduler.get("max_shift", 1.15)
        slope = (top - base) / (high - low)
        return float(tokens * slope + base - slope * low)
