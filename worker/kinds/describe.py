"""Four prompts that say what a picture shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from contract.errors import UserError
from contract.jobs import GRID_SIZE
from contract.layout import ratio_of
from contract.prompt import Context, parse
from model import NoiseSource, Request
from worker.kinds.bench import Bench, Picture
from worker.render import request_for
from worker.results import Words

_SEED = 0
"""Of their noise: always the same, so that a picture's first description stays what it is."""


def make(bench: Bench) -> Words:
    """Each with the picture's ratio. UserError `kind_not_supported` when this worker's model has no towers."""
    picture = bench.pictures[bench.job.links[0]]
    if bench.describe is None:
        raise UserError("kind_not_supported", action="describe", model=bench.job.model)
    height, width = picture.shape[:2]
    across, down = ratio_of(width, height)

    def draw(texts: Sequence[str], count: int) -> list[list[Picture]]:
        drawn = iter(bench.draw_together([one for text in texts for one in _tried(bench, text, count)]))
        grids = math.ceil(count / GRID_SIZE)
        return [[picture for grid in islice(drawn, grids) for picture in grid] for _ in texts]

    captions = bench.describe(picture, bench.job.seed, draw)
    return Words([f"{caption} --ar {across}:{down}" for caption in captions], picture=picture)


def _tried(bench: Bench, text: str, count: int) -> list[Request]:
    """A caption as the model draws it, as large as it likes best, a grid at a time."""
    [prompt] = parse(text, Context(accepted_before=True)).prompts
    job = replace(bench.job, prompt=prompt)
    places = [range(start, min(start + GRID_SIZE, count)) for start in range(0, count, GRID_SIZE)]
    return [request_for(job, bench.plan, noises=[NoiseSource(_SEED, place) for place in grid]) for grid in places]
