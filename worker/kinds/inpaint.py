"""A part of an uploaded picture painted again; outside it not a byte changes."""

from __future__ import annotations

from typing import cast

import numpy as np

from contract.jobs import Strength
from contract.kinds.inpaint import Inpaint
from worker.joining import scaled
from worker.kinds.bench import Bench
from worker.kinds.region import painted_again
from worker.results import Pictures

_BRIGHT = 127


def make(bench: Bench) -> Pictures:
    """What is bright in the mask is drawn at the model's own size, with all of the picture around it."""
    request = cast(Inpaint, bench.job.request)
    source = bench.pictures[request.picture].copy()  # torch takes no memory that may not be written to
    height, width = source.shape[:2]
    mask = scaled(bench.pictures[request.mask], width, height)[..., 0] > _BRIGHT
    return painted_again(bench, source, mask, np.s_[:, :], Strength.STRONG)
