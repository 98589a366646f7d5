"""A part of a picture painted again; outside it not a byte changes."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from contract.errors import UserError
from contract.jobs import Strength
from contract.kinds.region import NEWNESS, Region
from contract.layout import CELLS
from model import Keep, Start
from worker.joining import Picture, fading, matched, mean, scaled, slices
from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures

_FEATHER = 0.06
"""So wide a band inside the region's edge, as a share of the shorter side of what is drawn, mixes old and new."""
_PAINTED_LEVELS = 48
"""By so many levels a colour has to differ where a copy was painted over; less is what a JPEG does."""
_RATIO_TOLERANCE = 0.03


def make(bench: Bench) -> Pictures:
    """The region and what lies around it is drawn at the model's own size. UserError `region_copy` when an uploaded
    copy shows no region."""
    source, request = bench.start, cast(Region, bench.job.request)
    height, width = source.shape[:2]
    mask = (
        _painted(source, bench.pictures[request.painted]) if request.painted else _cells(request.cells, width, height)
    )
    return painted_again(bench, source, mask, slices(request.window((width, height))), request.how)


def painted_again(
    bench: Bench, source: Picture, mask: NDArray[np.bool_], window: tuple[slice, slice], how: Strength
) -> Pictures:
    """The pictures of `bench` in which what is True in `mask` (H, W) of `source` is new: `window` is what is drawn."""
    part, new = source[window], mask[window]
    plan = bench.plan
    small = scaled(part, plan.width, plan.height)
    small_mask = scaled(np.repeat((new * np.uint8(255))[..., None], 3, axis=2), plan.width, plan.height)[..., 0]
    request = request_for(
        bench.job,
        plan,
        pictures=bench.pictures,
        indices=bench.indices,
        start=Start(((small, 1.0),), NEWNESS[how]),
        keep=Keep(small, np.where(small_mask > 0, 255, 0).astype(np.uint8), to_the_byte=False),
    )
    drawn = bench.finish(bench.draw(request), request)
    share = _feathered(new, max(1, round(_FEATHER * min(new.shape))))
    results = []
    for image in drawn:
        result = source.copy()
        painted = matched(part, ~new, scaled(image, part.shape[1], part.shape[0]))
        mixed = (part + (painted - part) * share).round().clip(0, 255).astype(np.uint8)
        result[window] = np.where(new[..., None], mixed, part)
        results.append(result)
    return Pictures(results)


def _cells(cells: int, width: int, height: int) -> NDArray[np.bool_]:
    """(H, W), True in the chosen cells."""
    rows, columns = np.arange(height) * CELLS // height, np.arange(width) * CELLS // width
    chosen = np.array([bool(cells >> number & 1) for number in range(CELLS**2)])
    mask: NDArray[np.bool_] = chosen[rows[:, None] * CELLS + columns[None, :]]
    return mask


def _painted(source: Picture, copy: Picture) -> NDArray[np.bool_]:
    """(H, W), True where a copy of `source` was painted over."""
    height, width = source.shape[:2]
    if abs(copy.shape[1] / copy.shape[0] * height / width - 1) > _RATIO_TOLERANCE:
        raise UserError("region_copy", reason="shape")
    away = np.abs(scaled(copy, width, height).astype(np.float32) - source).max(axis=2, keepdims=True)
    mask: NDArray[np.bool_] = mean(away, max(1, min(height, width) // 128))[..., 0] > _PAINTED_LEVELS
    if not mask.any():
        raise UserError("region_copy", reason="nothing")
    if mask.mean() > 0.95:
        raise UserError("region_copy", reason="everything")
    return mask


def _feathered(mask: NDArray[np.bool_], radius: int) -> NDArray[np.float32]:
    """(H, W, 1): 0 at the region's edge, 1 from `radius` inside it on; it begins and ends without a step."""
    inside = (mean(mask[..., None].astype(np.float32), radius) - 0.5) * 2
    return fading(1 - inside, 1.0)
