"""A job's pictures made in this thread alone, without queue, store and links: for programs that have a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from contract import planning
from contract.catalogue import Model
from contract.jobs import Job
from contract.plan import Plan
from model import Request
from model.ways import Ways, joined
from worker.engines import Ticket, Warm
from worker.finishing import enlarged, finished, paints
from worker.kinds import MAKERS, Bench
from worker.recipes import of_both
from worker.render import NO_PICTURES, Pixels
from worker.results import Pictures, Result, Words
from worker.sources import Source, source_of


def make_alone(
    job: Job,
    plan: Plan,
    model: Model,
    warm: Warm,
    indices: Sequence[int] | None = None,
    pictures: Mapping[str, Pixels] = NO_PICTURES,
    source: Source | None = None,
    rows_of: int = 0,
) -> Result:
    """What a worker makes of it, or of those of its pictures that are wanted. What it starts from, the `source`, is
    drawn first where it is not given.

    `pictures` are those of the web that it and its ancestors need, by their links. Requests of fewer pictures than
    `rows_of` have as many rows as if they were of so many: what was drawn in a grid is rounded as there.
    """
    if source is None and job.ancestors:
        source = source_alone(job, model, warm, pictures)
    ways: list[Ways] = []

    def submitted(request: Request) -> tuple[Ticket, Fraction]:
        asked = len(request.noises)
        noises = (*request.noises, *request.noises[:1] * (rows_of - asked))
        return warm.engine.submit(replace(request, noises=noises)), Fraction(asked, len(noises))

    def drawn(ticket: Ticket, asked: Fraction) -> list[NDArray[np.uint8]]:
        images = ticket.result()
        ways.append(ticket.ways)
        return images[: int(len(images) * asked)]  # one is several frames of a video

    bench = Bench(
        job,
        plan,
        pictures,
        range(job.image_count) if indices is None else indices,
        draw_each=lambda requests: [drawn(*submitted(request)) for request in requests],
        finish=partial(finished, warm, plan),
        paints=partial(paints, warm),
        enlarge=partial(enlarged, warm, plan),
        upscale=warm.upscale,
        draw_together=lambda requests: [drawn(*ticket) for ticket in [*map(submitted, requests)]],
        read=warm.read,
        describe=warm.describe,
        source=None if source is None else source.picture,
    )
    result = MAKERS[job.request.kind](bench)
    if isinstance(result, Words):
        return result
    return replace(result, drawn_by=of_both(() if source is None else source.drawn_by, job, joined(ways)))


def source_alone(job: Job, model: Model, warm: Warm, pictures: Mapping[str, Pixels] = NO_PICTURES) -> Source:
    """The picture that a job starts from, drawn by this model."""

    def again(source: Job, index: int) -> Source:
        result = make_alone(source, planning.plan(source, model), model, warm, (index,), pictures)
        assert isinstance(result, Pictures), "only pictures have descendants"
        return Source(result.images[0], result.drawn_by)

    return source_of(replace(job, model=model.name), lambda id, index: None, again)
