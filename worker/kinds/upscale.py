"""One picture of a grid, drawn again because the store has lost it: usually there is nothing to make."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """From its line of generations alone; it is the same picture as in its grid."""
    request = request_for(bench.job, bench.plan, image_prompts=bench.pictures)
    return Pictures(bench.enlarge(bench.draw(request)))
