"""Z-Image: a flow-matching transformer that takes rows of any size, prompt length and timestep in one batch."""

from collections.abc import Sequence
from typing import Any

import torch

from model.families import Condition
from model.schedulers import FLOW_SAMPLERS


class ZImage:
    """Its time runs from 0 (noise) to 1 (picture) and its output is the negative of the scheduler's velocity."""

    denoiser_class = "ZImageTransformer2DModel"
    samplers = FLOW_SAMPLERS
    default_sampler = "flow_euler"
    halvings = 1  # patches of 2x2 latents
    mixes_shapes = True
    reuses = False

    def __init__(self, denoiser: Any) -> None:
        self.denoiser = denoiser
        self.latent_channels = denoiser.in_channels

    def native_latent_side(self) -> int | None:
        return None

    def image_tokens(self, latent_height: int, latent_width: int) -> int | None:
        return (latent_height // 2) * (latent_width // 2)

    def predict(
        self,
        latents: torch.Tensor | Sequence[torch.Tensor],
        timesteps: torch.Tensor,
        conditions: Sequence[Condition | None],
    ) -> Any:
        rows = [row.to(self.denoiser.dtype).unsqueeze(1) for row in latents]  # (C, 1, h, w) each: one frame
        prompts = [condition.hidden for condition in conditions if condition is not None]
        velocity = self.denoiser(rows, (1000 - timesteps) / 1000, prompts, return_dict=False)[0]
        outputs = [-row.squeeze(1).float() for row in velocity]
        return torch.stack(outputs) if isinstance(latents, torch.Tensor) else outputs
