"""Variations: the same prompt from a noise turned part of the way towards a new one.

How far the picture moves follows how far the noise is turned. Measured on a small model (mean absolute difference in
0..1): a turn of 0.1 moves the picture by 0.02, 0.25 by 0.05, 0.5 by 0.10, a new seed by 0.17.
"""

from dataclasses import replace

from model.request import NoiseSource, Request

VARIATION_SUBTLE = 0.25
"""Details change, the composition stays: about a third of the way a re-roll would go."""

VARIATION_STRONG = 0.55
"""The composition may change, the parent stays recognisable: about two thirds of the way a re-roll would go."""


def vary(noise: NoiseSource, seed: int, index: int, strength: float) -> NoiseSource:
    """The noise of a variation: its parent's, turned by `strength` (0..1) towards the draw of (`seed`, `index`)."""
    return replace(noise, ancestors=(*noise.ancestors, (seed, index, strength)))


def variation(parent: Request, image: int, *, seed: int, strength: float, images: int = 4) -> Request:
    """A grid of variations of picture `image` (from 0) of `parent`, with the seed of the new grid."""
    source = parent.noises[image]
    return replace(parent, noises=tuple(vary(source, seed, index, strength) for index in range(images)))
