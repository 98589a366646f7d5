"""A job and its plan as the model's request: names change, numbers do not. Pure, apart from pictures handed in."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from contract.jobs import Generation, Job, Speed, Strength
from contract.plan import By, Plan, Steer
from model import (
    VARIATION_STRONG,
    VARIATION_SUBTLE,
    Control,
    ControlNetUse,
    IPAdapterUse,
    Keep,
    LoraUse,
    NoiseSource,
    Prompt,
    Reference,
    Request,
    Sampling,
    Size,
    Start,
)
from worker.colours import main_colour
from worker.maps import hint

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.uint8]"
NO_PICTURES: Mapping[str, Pixels] = MappingProxyType({})

PREVIEWS = 10
"""Previews asked of a whole job; what is shown of them is a matter of time (`worker.pictures`)."""

_SPEED_URGENCY = {Speed.TURBO: -4.0, Speed.FAST: 0.0, Speed.RELAX: 4.0}
_STRENGTHS = {Strength.SUBTLE: VARIATION_SUBTLE, Strength.STRONG: VARIATION_STRONG}


def request_for(
    job: Job,
    plan: Plan,
    *,
    pictures: Mapping[str, Pixels] = NO_PICTURES,
    indices: Sequence[int] | None = None,
    noises: Sequence[NoiseSource] | None = None,
    start: Start | None = None,
    keep: Keep | None = None,
) -> Request:
    """What the engine needs to draw `job`: its pictures `indices` (None: all) in one request.

    `pictures` are those behind the job's links, (H, W, 3) each. `noises` stand in place of those of its pictures. With
    a `start` it begins from that, not from the pictures that the prompt links to.
    """
    parts = tuple((part.text, part.weight) for part in job.prompt.parts)
    if not parts and any(steer.by is By.LIKENESS for steer in plan.steers):
        parts = (("", 1.0),)  # so that guidance moves towards the pictures
    styles = tuple((steer.name, steer.weight) for steer in plan.steers if steer.by is By.STYLE)
    starts = [(pictures[steer.link], steer.weight) for steer in plan.steers if steer.by is By.START]
    if not job.prompt.parameters.edit:  # there the words alone say what is to be new
        styles += _colours_of(starts)
    wanted = range(job.image_count) if indices is None else indices
    return Request(
        prompt=Prompt(parts, job.prompt.negatives, plan.chaos, plan.weird, styles),
        noises=tuple(noises or (noise_for(job.generations(index)) for index in wanted)),
        size=Size(plan.width, plan.height, plan.tile),
        sampling=Sampling(
            plan.num_inference_steps, plan.guidance_scale, plan.sampler, plan.stop_at, student=plan.student
        ),
        start=start or Start.near(starts),
        keep=keep,
        controls=tuple(_controls(plan.steers, pictures, from_noise=start is None and keep is None)),
    )


def _colours_of(starts: Sequence[tuple[Pixels, float]]) -> tuple[tuple[str, float], ...]:
    """The colours of pictures as words, by their weights: starting from a picture alone keeps little of them."""
    named = ((main_colour(picture), weight) for picture, weight in starts)
    whole = max(1.0, sum(weight for _, weight in starts))
    return tuple((colour, weight / whole) for colour, weight in named if colour is not None)


def _controls(steers: Sequence[Steer], pictures: Mapping[str, Pixels], *, from_noise: bool) -> Iterator[Control]:
    """What starts from a picture has its structure from that."""
    for steer in steers:
        match steer.by:
            case By.LORA:
                yield LoraUse(steer.name, steer.weight)
            case By.LIKENESS:
                yield IPAdapterUse(steer.name, pictures[steer.link], steer.weight, steer.style_only)
            case By.REFERENCE:
                yield Reference(pictures[steer.link])
            case By.STRUCTURE if from_noise and steer.map is not None:
                yield ControlNetUse(steer.name, hint(pictures[steer.link], steer.map), steer.weight)


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
