"""A picture made smaller, with more of the scene around it."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.outpaint import paint
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """Where the source lies and what is drawn, its request says."""
    return paint(bench)
