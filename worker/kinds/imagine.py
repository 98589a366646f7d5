"""Four pictures of a prompt from fresh noise, near the pictures that it links to."""

from __future__ import annotations

from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures


def make(bench: Bench) -> Pictures:
    """All four in one request."""
    request = request_for(bench.job, bench.plan, image_prompts=bench.pictures)
    return Pictures(bench.enlarge(bench.draw(request)))
