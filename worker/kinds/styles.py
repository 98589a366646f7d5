"""The same noise under the same words in several styles, on one sheet."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from contract.kinds.sheet import Sheet
from worker.contact import contact_sheet
from worker.kinds.bench import Bench
from worker.kinds.noise import dyed_in, in_shape
from worker.render import noise_for, request_for
from worker.results import Pictures

_COLUMNS = 3
_CELL = 320
"""Pixels of the longer side of a picture."""


def make(bench: Bench) -> Pictures:
    """One request for each style, all drawn in one batch."""
    job, request = bench.job, cast(Sheet, bench.job.request)
    dyed = dyed_in(bench)
    requests = [
        request_for(
            replace(job, prompt=request.prompt_of(choice, job.prompt)),
            bench.plan,
            pictures=bench.pictures,
            noises=(noise_for(request.line(job.seed, choice)),),
            start=None if dyed is None else dyed.start,
        )
        for choice in range(request.choices)
    ]
    drawn = zip(bench.draw_together(requests), requests, strict=True)
    images = [image for images, request in drawn for image in in_shape(bench, bench.shown_small(images, request))]
    images = images if dyed is None else dyed.around(images)
    return Pictures([contact_sheet(images, request.options, columns=_COLUMNS, cell=_CELL)])
