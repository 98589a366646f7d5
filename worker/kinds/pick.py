"""One small picture of a sheet, drawn at full quality from the noise that it had there."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.noise import draw
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """With all steps, in which its composition comes out as it did in few."""
    return draw(bench)
