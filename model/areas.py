"""What lies where: parts of a picture with words of their own, for any model that reads words.

Each area is predicted by its own words, and counts where it lies (MultiDiffusion, Bar-Tal et al. 2023, arXiv
2302.08113). In the first steps an area's prediction sees nothing but its own part of the picture, on white, so that
what it draws comes to lie inside.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from model import vae
from model.components import Bundle
from model.request import Area, Size

ALONE = 0.35
"""The share of the steps in which an area sees only itself."""


def weights(areas: Sequence[Area], shape: tuple[int, ...], device: torch.device) -> list[torch.Tensor]:
    """How much each counts where: (1, 1, h, w) in 0..1 for latents of this shape, together at most 1."""
    masks = [
        torch.nn.functional.interpolate(
            torch.from_numpy(vae.mask_share(area.mask)).to(device)[None, None], size=shape[-2:], mode="area"
        )
        for area in areas
    ]
    total = torch.stack(masks).sum(0).clamp_min(1.0)
    return [mask / total * area.strength for mask, area in zip(masks, areas, strict=True)]


def blank(bundle: Bundle, size: Size) -> torch.Tensor:
    """White, as clean latents (1, C, h, w): what an area sees around itself."""
    return vae.encode(bundle.vae, np.full((size.height, size.width, 3), 255, np.uint8), bundle.device)
