"""FLUX.1 Fill: FLUX.1 that paints a part of a picture, which it sees beside the mask in further channels."""

from collections.abc import Mapping
from typing import Any

import torch

from model.families.flux import Flux
from model.family import Parts

_SEEN_CHANNELS = 384  # of tokens: the latents, those of the masked picture, and the mask


class FluxFill(Flux):
    """Without a mask it paints the whole picture."""

    name = "flux-fill"
    takes_mask = True

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        named = index.get("_class_name")
        return named == "FluxFillPipeline" or (named is None and config.get("in_channels") == _SEEN_CHANNELS)

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        parts = super().tiny(seed)
        return Parts(
            {**parts.modules, "transformer": cls.tiny_transformer(in_channels=4 * (4 + 4 + 16), out_channels=16)},
            parts.scheduler,
            {"_class_name": "FluxFillPipeline"},
        )

    def mask_channels(self, mask: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
        """Every pixel of the mask is a channel of its own."""
        return torch.cat([masked, torch.nn.functional.pixel_unshuffle(mask, self.pixels_per_latent).to(masked)], dim=1)
