"""How alike pictures are, to the eye of a model's image tower and in the colours of what stands out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from worker.colours import colour_shares

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.uint8]

_COLOURS = 0.5
"""What the same colours count beside what the tower sees, whose cosines hardly leave 0.5 to 1."""


def likeness(see: Callable[[Pixels], Tensor], picture: Pixels) -> Callable[[Pixels], float]:
    """What says how much another picture is like this one: more is more. `see` gives unit vectors of pictures."""
    seen, shares = see(picture), colour_shares(picture)

    def alike(other: Pixels) -> float:
        return float(see(other) @ seen) + _COLOURS * float(np.minimum(colour_shares(other), shares).sum())

    return alike
