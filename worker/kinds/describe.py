"""Four prompts that say what a picture shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contract.errors import UserError
from contract.layout import ratio_of
from contract.prompt import Context, parse
from model import NoiseSource, Request
from worker.kinds.bench import Bench, Picture
from worker.render import request_for
from worker.results import Words

_TRIES = 3
"""So many pictures are drawn of a caption to see what it draws; more tell hardly more (`benchmarks.words`)."""
_SEED = 0
"""Of their noise: always the same, so that a picture's first description stays what it is."""


def make(bench: Bench) -> Words:
    """Each with the picture's ratio. UserError `kind_not_supported` when this worker's model has no towers."""
    picture = bench.pictures[bench.job.links[0]]
    if bench.describe is None:
        raise UserError("kind_not_supported", action="describe", model=bench.job.model)
    height, width = picture.shape[:2]
    across, down = ratio_of(width, height)

    def draw(texts: Sequence[str]) -> list[list[Picture]]:
        return bench.draw_together([_tried(bench, text) for text in texts])

    captions = bench.describe(picture, bench.job.seed, draw)
    return Words([f"{caption} --ar {across}:{down}" for caption in captions], picture=picture)


def _tried(bench: Bench, text: str) -> Request:
    """A caption as the model draws it, as large as it likes best."""
    [prompt] = parse(text, Context(accepted_before=True)).prompts
    noises = [NoiseSource(_SEED, index) for index in range(_TRIES)]
    return request_for(replace(bench.job, prompt=prompt), bench.plan, noises=noises)
