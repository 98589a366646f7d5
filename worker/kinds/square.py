"""A picture with more on both of its longer sides, so that it is square."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.outpaint import paint
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """Where the source lies and what is drawn, its request says."""
    return paint(bench)
