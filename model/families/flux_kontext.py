"""FLUX.1 Kontext: FLUX.1 that changes a picture, which it sees as further tokens."""

from collections.abc import Mapping
from typing import Any

import torch

from model.families.flux import Flux
from model.family import Parts
from model.request import Pixels

_SIZES = (
    *((672, 1568), (688, 1504), (720, 1456), (752, 1392), (800, 1328), (832, 1248), (880, 1184), (944, 1104)),
    *((1024, 1024), (1104, 944), (1184, 880), (1248, 832), (1328, 800), (1392, 752), (1456, 720), (1504, 688)),
    (1568, 672),
)
"""(width, height) that it was trained to see."""


class FluxKontext(Flux):
    """Without a picture it draws as FLUX.1 dev does."""

    name = "flux-kontext"
    max_references = 1

    @classmethod
    def serves(cls, config: Mapping[str, Any], index: Mapping[str, Any]) -> bool:
        return index.get("_class_name") == "FluxKontextPipeline"

    @classmethod
    def tiny(cls, seed: int = 0) -> Parts:
        parts = super().tiny(seed)
        return Parts(parts.modules, parts.scheduler, {"_class_name": "FluxKontextPipeline"})

    def reference(self, picture: Pixels) -> torch.Tensor:
        from diffusers.image_processor import VaeImageProcessor
        from PIL import Image

        ratio, multiple = picture.shape[1] / picture.shape[0], 2 * self.pixels_per_latent
        _, width, height = min((abs(ratio - width / height), width, height) for width, height in _SIZES)
        width, height = width // multiple * multiple, height // multiple * multiple
        processor = VaeImageProcessor(vae_scale_factor=multiple)
        resized = processor.resize(Image.fromarray(picture), height, width)
        pixels: torch.Tensor = processor.preprocess(resized, height, width)
        return pixels
