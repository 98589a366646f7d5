"""The recipes: every size and number of a training run, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from .compose import Mixture
from .nouns import CORE, LATER


@dataclass(frozen=True)
class Recipe:
    """One way to train the default model. Learning rates are those of the first steps after warm-up."""

    name: str
    size: int = 64  # pixels a side; latents are size / 8
    icon_size: int = 96  # pixels the icons are rendered at
    pictures: int = 30_000  # training pictures composed for the denoiser
    broad_pictures: int = 20_000  # for autoencoder and towers: all concepts, so both know more than the denoiser draws
    mixture: Mixture = field(default_factory=Mixture)

    latent_channels: int = 12
    vae_channels: tuple[int, ...] = (16, 24, 64, 96)  # three halvings: 8 pixels a latent
    vae_groups: int = 8
    vae_batch: int = 4
    vae_rate: float = 1e-3

    vocabulary: int = 16_000
    prompt_tokens: int = 20
    text_width: int = 256
    text_layers: int = 2
    image_tower_width: int = 128
    image_tower_layers: int = 4
    embedding: int = 128  # length of the vectors in which captions and pictures are compared
    contrast_batch: int = 96
    contrast_rate: float = 1e-3

    unet_channels: tuple[int, ...] = (64, 128)
    unet_attention: tuple[bool, ...] = (False, True)  # which levels read the prompt
    unet_batch: int = 16
    unet_rate: float = 8e-4
    caption_dropout: float = 0.1
    ema_decay: float = 0.999

    @property
    def latent_size(self) -> int:
        return self.size // 8

    @property
    def disk_bytes(self) -> int:
        """About what a run writes: composed pictures, then checkpoints, icons and weights."""
        return (self.pictures + self.broad_pictures) * self.size**2 * 3 + 400_000_000


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # Hours on one or two CPU cores.
        Recipe(
            "small",
            pictures=60_000,
            mixture=Mixture(
                only=CORE + LATER,
                emphasis=tuple((noun, 2.5) for noun in LATER),
                # Half of the time on pairs: two small objects are twice the work of a large one.
                two_objects=0.45,
                repainted=0.3,
            ),
        ),
        # Half an hour on one data-centre GPU: four times the pixels, every concept.
        Recipe(
            "large",
            size=128,
            icon_size=144,
            pictures=300_000,
            broad_pictures=60_000,
            mixture=Mixture(breadth=0.4, moved=0.35, mirrored=0.35),
            vae_channels=(24, 48, 96, 128),
            vae_batch=64,
            image_tower_layers=6,
            contrast_batch=512,
            unet_channels=(64, 128, 160),
            unet_attention=(False, True, True),
            unet_batch=256,
            unet_rate=1.5e-3,
            ema_decay=0.9995,
        ),
    )
}
