"""Pictures from noise alone, for all kinds that need no other picture."""

from __future__ import annotations

from contract.layout import trimmed
from worker.joining import middle
from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures


def draw(bench: Bench) -> Pictures:
    """All in one request. Models draw in steps of so many pixels, so a little is cut off two sides for the ratio."""
    request = request_for(bench.job, bench.plan, image_prompts=bench.pictures, indices=bench.indices)
    images = bench.enlarge(bench.draw(request))
    if bench.plan.tile:  # cut, it would be no tile any more
        return Pictures(images)
    height, width = images[0].shape[:2]
    size = trimmed((width, height), bench.job.prompt.parameters.aspect)
    return Pictures([middle(image, *size) for image in images])
