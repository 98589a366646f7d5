"""Four pictures around one, for all kinds that paint so: what is new is drawn with the old in sight."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from contract.errors import UserError
from contract.kinds.outpaint import Outpaint
from contract.layout import Box
from model import Keep, Request, Start
from worker.joining import filled, joined, scaled, slices
from worker.kinds.bench import Bench, Picture
from worker.render import request_for
from worker.results import Pictures

_NEWNESS, _NEWNESS_OF_THE_SAME = 0.7, 0.5
"""The share of the steps that new parts take, from noise over the colours around them: with other words than the
picture was drawn from, and with the same. With all steps, models that were not taught to fill in paint the prompt once
more beside the picture; what is shown already needs still fewer."""
_GUIDANCE_OF_THE_SAME = 0.4
"""The share of the guidance with the same words: with all of it, parts of the picture are scattered around it."""


def paint(bench: Bench) -> Pictures:
    """The window of the result is drawn at the model's own size, then brought to the size of the source's pixels.

    UserError `nothing_to_paint` when the source fills the result.
    """
    source, layout = bench.start, cast(Outpaint, bench.job.request).layout(_extent(bench.start))
    parent, window = layout.parent, layout.window
    if (parent.width, parent.height) == (layout.width, layout.height):
        raise UserError("nothing_to_paint")
    canvas = np.zeros((layout.height, layout.width, 3), np.uint8)
    canvas[slices(parent)] = scaled(source, parent.width, parent.height)
    known = _inside(parent, window)
    part = filled(canvas[slices(window)], known)
    request = _request(bench, part, known)
    drawn = bench.finish(bench.draw(request), request)
    results = []
    for image in drawn:
        result = canvas.copy()
        result[slices(window)] = joined(part, known, scaled(image, window.width, window.height))
        results.append(result)
    return Pictures(results)


def _request(bench: Bench, part: Picture, known: Box) -> Request:
    """`part` at the size that is drawn, with all to be painted that is not wholly known."""
    plan = bench.plan
    height, width = part.shape[:2]
    mask = np.full((plan.height, plan.width), 255, np.uint8)
    top, bottom = -(-known.top * plan.height // height), (known.top + known.height) * plan.height // height
    left, right = -(-known.left * plan.width // width), (known.left + known.width) * plan.width // width
    mask[top:bottom, left:right] = 0
    small = scaled(part, plan.width, plan.height)
    same = bench.job.prompt.parts == bench.job.ancestors[-1].prompt.parts
    if same:
        plan = replace(plan, guidance_scale=max(1.0, _GUIDANCE_OF_THE_SAME * plan.guidance_scale))
    return request_for(
        bench.job,
        plan,
        pictures=bench.pictures,
        indices=bench.indices,
        start=Start(((small, 1.0),), _NEWNESS_OF_THE_SAME if same else _NEWNESS),
        keep=Keep(small, mask, to_the_byte=False),
    )


def _inside(box: Box, window: Box) -> Box:
    """The part of `box` that lies in `window`, counted from the window's corner."""
    left, top = max(box.left, window.left), max(box.top, window.top)
    right = min(box.left + box.width, window.left + window.width)
    bottom = min(box.top + box.height, window.top + window.height)
    return Box(left - window.left, top - window.top, right - left, bottom - top)


def _extent(picture: Picture) -> tuple[int, int]:
    return picture.shape[1], picture.shape[0]
