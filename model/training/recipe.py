"""The recipes: every size and number of a training run, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial

from .compose import Mixture
from .nouns import CORE, FADED, LATER, NEXT, PERSONS, PRACTISED
from .scenes import SceneMixture


@dataclass(frozen=True)
class Recipe:
    """One way to train the default model. Learning rates are those of the first steps after warm-up."""

    name: str
    size: int = 128  # pixels a side
    icon_size: int = 160  # pixels the icons and people are rendered at
    people: int = 2400  # different people
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
    shapes: tuple[tuple[int, int], ...] = ()  # pixels (width, height) of pictures that are not square
    shaped: float = 0.5  # share of the batches that have one of these shapes
    grounded: bool = False  # a thing stands before one colour, and captions may call that a place: see `lessons`
    ema_decay: float = 0.999
    caption_left_out: float = 0.5  # share of pictures that the adapter for likeness sees without words
    likeness_rate: float = 1e-3
    student_steps: int = 4
    student_rate: float = 4e-4
    guidance_scale: float = 4.5  # that the student learns, and that the model is served with
    guided_from: float = 0.1  # share of the steps before which nothing is guided, so that the pictures of a grid differ

    @property
    def latent_size(self) -> int:
        return self.size >> (len(self.vae_channels) - 1)

    @property
    def disk_bytes(self) -> int:
        """About what a run writes: composed pictures, then checkpoints, icons and weights."""
        return self.pictures * self.size**2 * 3 + 600_000_000


def practice(following: float, seldom: float, people: float, breadth: float = 0.0, faded: float = 1.0) -> SceneMixture:
    """Scenes of all practised nouns: those that the first weights knew count 1, of which those that later weights draw
    worse `faded`, those of `nouns.NEXT` `following`, persons `people`, and all others `seldom`."""
    weight_of = dict.fromkeys(NEXT, following) | dict.fromkeys(PERSONS, people) | dict.fromkeys(CORE + LATER, 1.0)
    weight_of |= dict.fromkeys(FADED, faded)
    weights = tuple((noun, weight_of.get(noun, seldom)) for noun, _ in PRACTISED)
    plain = Mixture(breadth=breadth, emphasis=weights, two_objects=0.3, repainted=0.25, white=0.45, styled=0.12)
    return SceneMixture(plain=plain, scenes=0.44, empty_places=0.05, people=0.08)


_of_64_pixels = partial(Recipe, size=64, latent_channels=12, vae_channels=(16, 24, 64, 96), vae_batch=16)
"""Of one shape, so that each may go on from the weights of another."""

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # Hours on one or two CPU cores; goes on from the weights of revision 4 with --init.
        _of_64_pixels(
            "small",
            mixture=practice(following=0.6, seldom=0.12, people=1.0),
            unet_rate=4e-4,
        ),
        # An hour of two CPU cores, from weights that draw plain things well, which go on answering for what they know
        # in square pictures: learns what those lack. Places are empty, and things in places stay things before a
        # colour, so that nothing that came out gets worse.
        _of_64_pixels(
            "broad",
            pictures=16_000,
            mixture=SceneMixture(
                plain=replace(
                    practice(following=0.2, seldom=0.03, people=0.0).plain,
                    repainted=0.3,
                    alike=0.08,
                    two_objects=0.22,
                    styled=0.25,
                ),
                scenes=0.0,
                empty_places=0.18,
                people=0.08,
                people_in_places=0.0,
                styled=0.0,
            ),
            unet_rate=2.5e-4,
            shapes=((80, 48), (48, 80)),
            shaped=0.35,
            grounded=True,
        ),
        # From weights that draw empty places too (--checkpoint): puts things and people into places, which are out of
        # focus behind them, while older weights (--init) answer for things before a colour.
        _of_64_pixels(
            "placed",
            pictures=32_000,
            mixture=SceneMixture(
                plain=replace(
                    practice(following=0.2, seldom=0.03, people=0.0, faded=2.5).plain,
                    repainted=0.4,
                    alike=0.07,
                    two_objects=0.28,
                    styled=0.05,
                ),
                scenes=0.23,
                empty_places=0.09,
                people=0.16,
                people_in_places=0.25,
                two_things=0.12,
                styled=0.0,
                cleared=True,
                sides=(190, 214),
            ),
            unet_rate=3e-4,
            student_rate=2e-4,
            shapes=((96, 64), (64, 96)),
            shaped=0.3,
        ),
        # As long again: 128 pixels, grows from the weights of `small` with --init.
        Recipe("medium", mixture=practice(following=0.6, seldom=0.12, people=1.0)),
        # Half an hour on one data-centre GPU, from nothing: a denoiser twice as large, every concept.
        Recipe(
            "large",
            pictures=300_000,
            mixture=practice(following=1.0, seldom=1.0, people=1.3, breadth=0.15),
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
