"""What differs between kinds of denoisers, behind one small interface; all the rest of `model/` is the same for all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from model.errors import ModelError


@dataclass(frozen=True, eq=False)
class Condition:
    """One encoded prompt. hidden: (L, D), pooled: (P,) where the model has one. Compared by identity."""

    hidden: torch.Tensor
    pooled: torch.Tensor | None = None


class Family(Protocol):
    """One kind of denoiser."""

    denoiser: torch.nn.Module
    latent_channels: int
    samplers: frozenset[str]
    default_sampler: str
    halvings: int
    """How often the denoiser halves the latents: their sides must be multiples of 2**halvings."""
    mixes_shapes: bool
    """Whether rows of different latent sizes may share one forward."""
    reuses: bool
    """Whether it is `Reusing` as well."""

    def native_latent_side(self) -> int | None:
        """Side of the latents the model was trained on, None if its config does not say."""

    def image_tokens(self, latent_height: int, latent_width: int) -> int | None:
        """Length of the picture's sequence where the noise schedule depends on it."""

    def predict(
        self, latents: torch.Tensor, timesteps: torch.Tensor, conditions: Sequence[Condition | None]
    ) -> torch.Tensor:
        """What the scheduler's `step` takes, for R rows: (R, C, h, w), (R,) own timesteps -> (R, C, h, w) float32."""


class Reusing(Protocol):
    """A denoiser whose deep part may be kept over steps (Ma et al. 2024, DeepCache, arXiv 2312.00858)."""

    def predict_reusing(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        conditions: Sequence[Condition | None],
        deep: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `Family.predict`, and beside it what the deep part gave, (R, D, h, w): what may be handed in as `deep` at
        a later step, where then only the outermost level is computed."""


def family_of(denoiser: Any) -> Family:
    """The adapter of a denoiser, chosen by its diffusers class."""
    from model.families.pixel import PixelUNet
    from model.families.unet import TextUNet
    from model.families.z_image import ZImage

    for family in (TextUNet, PixelUNet, ZImage):
        if type(denoiser).__name__ == family.denoiser_class:
            return family(denoiser)
    raise ModelError(f"Easel cannot drive a {type(denoiser).__name__} yet.")
