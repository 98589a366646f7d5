"""One picture of a grid, drawn again because the store has lost it: usually there is nothing to make."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.noise import draw
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """From its line of generations alone, or from its source; it is the same picture as in its grid."""
    return draw(bench) if bench.source is None else Pictures([bench.source])
