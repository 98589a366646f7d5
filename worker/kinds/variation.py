"""Four pictures near one: its start noise, turned a little towards four others."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """The lines of generations hold the source's noise and the turns away from it, so no stored picture is needed."""
    request = request_for(bench.job, bench.plan, image_prompts=bench.pictures)
    return Pictures(bench.enlarge(bench.draw(request)))
