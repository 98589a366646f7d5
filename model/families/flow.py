"""What flow-matching transformers have in common: sampled by flow schedulers, in patches of 2x2 latents."""

from collections.abc import Mapping
from typing import Any

import torch

from model.family import Family
from model.schedulers import Schedule


class FlowFamily(Family):
    """The base of families that predict a velocity."""

    denoiser_part = "transformer"
    schedules = (Schedule.FLOW,)
    default_sampler = "flow_euler"
    halvings = 1

    def image_tokens(self, height: int, width: int) -> int:
        """Length of the picture's sequence, for latents of height x width."""
        return (height // 2) * (width // 2)

    def timestep_arguments(self, steps: int, height: int, width: int, scheduler: Mapping[str, Any]) -> dict[str, Any]:
        """Even steps of sigma down to 1/steps, shifted by the picture's size where the schedule says so."""
        arguments: dict[str, Any] = {"sigmas": torch.linspace(1.0, 1 / steps, steps).tolist()}
        if scheduler.get("use_dynamic_shifting"):
            arguments["mu"] = self.shift(steps, self.image_tokens(height, width), scheduler)
        return arguments

    def shift(self, steps: int, tokens: int, scheduler: Mapping[str, Any]) -> float:
        """Log of the time shift: linear in the number of image tokens (Esser et al. 2024, arXiv 2403.03206)."""
        low, high = scheduler.get("base_image_seq_len", 256), scheduler.get("max_image_seq_len", 4096)
        base, top = scheduler.get("base_shift", 0.5), scheduler.get("max_shift", 1.15)
        slope = (top - base) / (high - low)
        return float(tokens * slope + base - slope * low)
