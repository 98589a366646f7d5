"""Four pictures of a prompt from fresh noise, near the pictures that it links to."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.kinds.noise import draw
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """All four in one request."""
    return draw(bench)
