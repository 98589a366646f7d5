"""What a kind has at hand while it makes one job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contract.jobs import Job
from contract.plan import Plan

if TYPE_CHECKING:
    from model import Request

Picture = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True, slots=True)
class Bench:
    """`pictures` are those behind `job.links`, in that order.

    `draw` has the model draw a request: its progress is published, a cancel ends it with `model.Cancelled`, every
    other trouble is a `model.ModelError`. `enlarge` brings drawn pictures to the size that people get.
    """

    job: Job
    plan: Plan
    pictures: Sequence[Picture]
    draw: Callable[[Request], list[Picture]]
    enlarge: Callable[[list[Picture]], list[Picture]]
