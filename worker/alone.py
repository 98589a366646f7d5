"""A job's pictures made in this thread alone, without queue, store and links: for programs that have a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contract import planning
from contract.catalogue import Model
from contract.jobs import Job
from contract.plan import Plan
from worker.engines import Warm
from worker.kinds import MAKERS, Bench
from worker.results import Pictures, Result
from worker.sources import source_of


def make_alone(job: Job, plan: Plan, model: Model, warm: Warm, indices: Sequence[int] | None = None) -> Result:
    """What a worker makes of it, or of those of its pictures that are wanted. What it starts from is drawn first.

    Neither it nor its ancestors may need pictures of the web.
    """

    def again(source: Job, index: int) -> NDArray[np.uint8]:
        result = make_alone(source, planning.plan(source, model), model, warm, (index,))
        assert isinstance(result, Pictures), "only pictures have descendants"
        return result.images[0]

    bench = Bench(
        job,
        plan,
        (),
        range(job.image_count) if indices is None else indices,
        draw_each=lambda requests: [warm.engine.submit(request).result() for request in requests],
        enlarge=lambda images: images if warm.enlarge is None else warm.enlarge(images, plan.tile),
        upscale=warm.upscale,
        source=source_of(job, lambda id, index: None, again) if job.ancestors else None,
    )
    return MAKERS[job.request.kind](bench)
