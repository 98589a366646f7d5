"""Many small pictures of one prompt, numbered, on one sheet."""

from __future__ import annotations

from typing import cast

from contract.jobs import GRID_SIZE
from contract.kinds.sheet import Sheet
from worker.contact import contact_sheet
from worker.kinds.bench import Bench
from worker.kinds.noise import dyed_in, in_shape
from worker.render import noise_for, request_for
from worker.results import Pictures

_COLUMNS = 6
_CELL = 192
"""Pixels of the longer side of a small picture."""


def make(bench: Bench) -> Pictures:
    """Drawn in one batch and few steps; they are shown as small as they are drawn, so only what is painted is
    enlarged."""
    job, request = bench.job, cast(Sheet, bench.job.request)
    noises = [noise_for(request.line(job.seed, choice)) for choice in range(request.choices)]
    dyed = dyed_in(bench)
    start = None if dyed is None else dyed.start
    requests = [
        request_for(job, bench.plan, pictures=bench.pictures, noises=noises[first : first + GRID_SIZE], start=start)
        for first in range(0, len(noises), GRID_SIZE)
    ]
    drawn = zip(bench.draw_together(requests), requests, strict=True)
    images = in_shape(bench, [image for images, request in drawn for image in bench.shown_small(images, request)])
    images = images if dyed is None else dyed.around(images)
    return Pictures([contact_sheet(images, request.options, columns=_COLUMNS, cell=_CELL)])
