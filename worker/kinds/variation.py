"""Four pictures near one: its start noise, turned a little towards four others."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.noise import draw
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """The lines of generations hold the source's noise and the turns away from it, so no stored picture is needed."""
    return draw(bench)
