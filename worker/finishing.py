"""Drawn pictures as people get them: enlarged, and painted where the words ask for a style that the model cannot draw.

Only what is painted is enlarged one by one: a network rounds otherwise among others, and painting would make more of
it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contract.plan import Plan
from model.painting import PLAINLY, painted

if TYPE_CHECKING:
    from model import Request
    from worker.engines import Warm

_SEEDS = 2**32
"""There are so many; an index lies above them in a generator's number."""


def enlarged(warm: Warm, plan: Plan, images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """In the size that people get, as they were drawn."""
    return list(images) if warm.enlarge is None else warm.enlarge(list(images), plan)


def finished(warm: Warm, plan: Plan, images: Sequence[NDArray[np.uint8]], request: Request) -> list[NDArray[np.uint8]]:
    """The pictures of a request, in the size that people get and in the style that it asks for."""
    manner = warm.manner(request.prompt)
    if manner == PLAINLY:
        return enlarged(warm, plan, images)
    made = []
    for image, noise in zip(images, request.noises, strict=True):
        [large] = enlarged(warm, plan, [image])
        # A variation has the grain of the picture that it comes from, and so have the frames of a loop.
        made.append(painted(large, manner, noise.seed + _SEEDS * noise.index, tile=plan.tile))
    return made


def paints(warm: Warm, request: Request) -> bool:
    """Whether its pictures are painted."""
    return warm.manner(request.prompt) != PLAINLY
