"""A job and its plan as the model's request: names change, numbers do not. Pure, apart from pictures handed in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contract.jobs import Generation, Job, Speed, Strength
from contract.plan import Plan
from model import VARIATION_STRONG, VARIATION_SUBTLE, Keep, NoiseSource, Prompt, Request, Sampling, Size, Start

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PREVIEWS = 10
"""Previews asked of a whole job; what is shown of them is a matter of time (`worker.pictures`)."""

_SPEED_URGENCY = {Speed.TURBO: -4.0, Speed.FAST: 0.0, Speed.RELAX: 4.0}
_STRENGTHS = {Strength.SUBTLE: VARIATION_SUBTLE, Strength.STRONG: VARIATION_STRONG}


def request_for(
    job: Job,
    plan: Plan,
    *,
    image_prompts: Sequence[NDArray[np.uint8]] = (),
    indices: Sequence[int] | None = None,
    noises: Sequence[NoiseSource] | None = None,
    start: Start | None = None,
    keep: Keep | None = None,
) -> Request:
    """What the engine needs to draw `job`: its pictures `indices` (None: all) in one request.

    `noises` stand in place of those of its pictures. With a `start` it begins from that, not from the pictures that
    the prompt links to.

    `image_prompts` are the pictures that the prompt links to, (H, W, 3) each, in the prompt's order; each gets its own
    weight in the prompt times the weight of them all.
    """
    parts = tuple((part.text, part.weight) for part in job.prompt.parts)
    weights = [1.0 if link.weight is None else link.weight for link in job.prompt.images]
    weighted = [(image, weight * plan.image_weight) for image, weight in zip(image_prompts, weights, strict=True)]
    wanted = range(job.image_count) if indices is None else indices
    return Request(
        prompt=Prompt(parts, job.prompt.negatives, plan.chaos, plan.weird),
        noises=tuple(noises or (noise_for(job.generations(index)) for index in wanted)),
        size=Size(plan.width, plan.height, plan.tile),
        sampling=Sampling(plan.num_inference_steps, plan.guidance_scale, plan.sampler, plan.stop_at),
        start=start or Start.near(weighted),
        keep=keep,
    )


def preview_interval(plan: Plan) -> int:
    """How many steps lie between two previews."""
    return max(1, round(plan.num_inference_steps / PREVIEWS))


def urgency_of(job: Job, plan: Plan) -> float:
    """Where `job` stands among the admitted when rows are short: smaller goes first, a whole 1 is a factor of two.

    Short work before long, so that a draft or a single picture does not wait behind a long grid; what answers a press
    before what was typed; turbo before fast before relaxed. The engine sees to it that nothing starves.
    """
    pressed = 1.0 if job.parent is not None else 0.0
    return math.log2(plan.cost) - pressed + _SPEED_URGENCY[job.speed]


def noise_for(line: Sequence[Generation]) -> NoiseSource:
    """The start noise at the end of a picture's line of generations, oldest first."""
    root, *departures = line
    ancestors = []
    for generation in departures:
        if generation.strength is None:
            raise ValueError("only the first generation of a line has no strength")
        ancestors.append((generation.seed, generation.index, _STRENGTHS[generation.strength]))
    return NoiseSource(root.seed, root.index, tuple(ancestors))
