"""The recipes: every size and number of a training run, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from .compose import Mixture
from .nouns import CORE, LATER, PERSONS, PRACTISED
from .scenes import SceneMixture


@dataclass(frozen=True)
class Recipe:
    """One way to train the default model. Learning rates are those of the first steps after warm-up."""

    name: str
    size: int = 128  # pixels a side
    icon_size: int = 160  # pixels the icons and people are rendered at
    people: int = 1500  # different people
    pictures: int = 60_000  # training pictures
    shard: int = 4000  # pictures drawn, and kept, at a time
    mixture: SceneMixture = field(default_factory=SceneMixture)

    latent_channels: int = 48
    vae_channels: tuple[int, ...] = (16, 24, 64, 96, 128)  # one halving less than widths: 16 pixels a latent
    vae_groups: int = 8
    vae_batch: int = 6
    vae_rate: float = 1e-3

    vocabulary: int = 16_000
    prompt_tokens: int = 40
    text_width: int = 256
    text_layers: int = 2
    image_tower_width: int = 128
    image_tower_layers: int = 4
    embedding: int = 128  # length of the vectors in which captions and pictures are compared
    contrast_batch: int = 96
    contrast_rate: float = 1e-3
    lesson_batch: int = 12
    lesson_rate: float = 4e-4

    unet_channels: tuple[int, ...] = (64, 128)
    unet_attention: tuple[bool, ...] = (False, True)  # which levels read the prompt
    unet_batch: int = 16
    unet_rate: float = 8e-4
    caption_dropout: float = 0.1
    ema_decay: float = 0.999

    @property
    def latent_size(self) -> int:
        return self.size >> (len(self.vae_channels) - 1)

    @property
    def disk_bytes(self) -> int:
        """About what a run writes: composed pictures, then checkpoints, icons and weights."""
        return self.pictures * self.size**2 * 3 + 600_000_000


def practice(new: float, people: float, breadth: float = 0.0) -> SceneMixture:
    """Scenes of all practised nouns: those that the first weights knew count 1, the others `new`, persons `people`."""
    known, persons = set(CORE + LATER), set(PERSONS)
    weights = tuple((noun, people if noun in persons else new) for noun, _ in PRACTISED if noun not in known)
    plain = Mixture(breadth=breadth, emphasis=weights, two_objects=0.3, repainted=0.25, white=0.45, styled=0.12)
    return SceneMixture(plain=plain)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # Hours on one or two CPU cores; grows from the weights of revision 3 (64 pixels) with --init.
        Recipe("small", mixture=practice(new=0.6, people=1.3)),
        # Half an hour on one data-centre GPU, from nothing: a denoiser twice as large, every concept.
        Recipe(
            "large",
            pictures=300_000,
            mixture=practice(new=1.0, people=1.3, breadth=0.15),
            vae_batch=64,
            image_tower_layers=6,
            contrast_batch=512,
            unet_channels=(96, 192),
            unet_batch=256,
            unet_rate=1.5e-3,
            ema_decay=0.9995,
        ),
    )
}
