"""Sana-Sprint: Sana distilled to one to four steps, with guidance as an input (Chen et al. 2025, arXiv 2503.09641)."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from model.families.qwen_image import padded
from model.families.sana import Sana
from model.family import Conditions, Guidance, Parts
from model.schedulers import Schedule

_START, _SECOND = 1.57080, 1.3  # angles; the second one is what two-step models were trained with


class SanaSprint(Sana):
    """Its time is the angle between picture (0) and noise (a quarter turn); the transformer was trained on shares."""

    name = "sana-sprint"
    schedules = (Schedule.TRIGONOMETRIC,)
    default_sampler = "scm"
    guidance = Guidance.EMBEDDED

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return bool(config.get("guidance_embeds"))

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        parts = super().tiny(seed)
        transformer = cls.tiny_transformer(guidance_embeds=True, guidance_embeds_scale=0.1, timestep_scale=1.0)
        index = {"_class_name": "SanaSprintPipeline"}
        return Parts({**parts.modules, "transformer": transformer}, {"_class_name": "SCMScheduler"}, index)

    def timestep_arguments(self, steps: int, sides: Sequence[int], scheduler: Mapping[str, Any]) -> dict[str, Any]:
        return {"max_timesteps": _START, "intermediate_timesteps": _SECOND if steps == 2 else None}

    def predict(self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions) -> torch.Tensor:
        rows = [condition for condition in conditions if condition is not None]
        hidden, mask = padded([row.hidden for row in rows])
        scales = torch.tensor([row.guidance or 1.0 for row in rows], device=latents.device)
        noise = (timesteps.sin() / (timesteps.cos() + timesteps.sin())).view(-1, 1, 1, 1)  # its share
        length = (noise**2 + (1 - noise) ** 2).sqrt()
        mixed = latents * length
        velocity: torch.Tensor = self.denoiser(
            mixed.to(self.denoiser.dtype),
            encoder_hidden_states=hidden.to(self.denoiser.dtype),
            encoder_attention_mask=None if mask is None else mask.to(torch.int64),
            guidance=(scales * self.denoiser.config.guidance_embeds_scale).to(hidden.dtype),
            timestep=noise.flatten(),
            return_dict=False,
        )[0]
        return (((1 - 2 * noise) * mixed + (1 - 2 * noise + 2 * noise**2) * velocity) / length).float()
