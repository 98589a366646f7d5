"""A picture made larger: enlarged, then drawn again lightly in tiles, so that memory does not depend on its size."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from contract.kinds.enlarge import TILE_STRENGTH, WHOLE_STRENGTHS, Enlarge
from contract.layout import NATIVE, Box, tiles
from model import NoiseSource, Request, Start
from worker.joining import Picture, mean, scaled, slices
from worker.kinds.bench import Bench
from worker.render import request_for
from worker.results import Pictures

_PIECE, _MARGIN = 256, 16
"""Pixels of a source that the image upscaler takes at once, and how many around them it sees."""
_COARSE = 0.04
"""What is larger than this share of a tile is coarse."""


def make(bench: Bench) -> Pictures:
    """Creative redraws the whole first, in one piece, so that its parts still belong together. Of what the tiles gain
    only the fine is taken: each of them knows the words, but not what the others show. What is painted is enlarged and
    nothing else."""
    detail = cast(Enlarge, bench.job.request).detail
    height, width = (side * detail.factor for side in bench.start.shape[:2])
    side = round(NATIVE * width / bench.job.extent[0])
    boxes = tiles((width, height), side)
    if bench.paints(_request(bench, bench.start, 0, TILE_STRENGTH)):  # the model would take strokes for things
        return Pictures([_enlarged(bench, bench.start, detail.factor)])
    strength = WHOLE_STRENGTHS.get(detail)
    source = _redrawn(bench, strength) if strength else bench.start
    large = _enlarged(bench, source, detail.factor)
    starts = [_at_drawn_size(bench, large[slices(box)]) for box in boxes]
    requests = [_unguided(_request(bench, start, number, TILE_STRENGTH)) for number, start in enumerate(starts, 1)]
    gained, weights = np.zeros(large.shape, np.float32), np.zeros((height, width, 1), np.float32)
    for box, start, [image] in zip(boxes, starts, bench.draw_each(requests), strict=True):
        before, after = (scaled(one, box.width, box.height) for one in bench.enlarge([start, image]))
        weight = _weight(box)
        gained[slices(box)] += (after.astype(np.float32) - before) * weight
        weights[slices(box)] += weight
    gained /= weights
    fine = gained - mean(gained, max(1, round(side * _COARSE)))
    return Pictures([(large + fine).clip(0, 255).round().astype(np.uint8)])


def _redrawn(bench: Bench, strength: float) -> Picture:
    """The source drawn again from noise over itself."""
    height, width = bench.start.shape[:2]
    request = _request(bench, _at_drawn_size(bench, bench.start), 0, strength)
    [image] = bench.enlarge(bench.draw(request))
    return scaled(image, width, height)


def _at_drawn_size(bench: Bench, picture: Picture) -> Picture:
    return scaled(picture, bench.plan.width, bench.plan.height)


def _request(bench: Bench, picture: Picture, number: int, strength: float) -> Request:
    """Each has noise of its own: `number` stands in place of a picture's index."""
    noises, start = (NoiseSource(bench.job.seed, number),), Start(((picture, 1.0),), strength)
    return request_for(bench.job, bench.plan, pictures=bench.pictures, noises=noises, start=start)


def _unguided(request: Request) -> Request:
    """Guidance would pull each tile towards all that the words say: one full of an apple's red would become an apple
    with a ground around it, and where tiles meet there would be lines."""
    return replace(request, sampling=replace(request.sampling, guidance_scale=1.0))


def _enlarged(bench: Bench, source: Picture, factor: int) -> Picture:
    """By the image upscaler, piece by piece."""
    height, width = source.shape[:2]
    large = np.empty((height * factor, width * factor, 3), np.uint8)
    padded = np.pad(source, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), mode="edge")
    for top in range(0, height, _PIECE):
        for left in range(0, width, _PIECE):
            rows, columns = min(_PIECE, height - top), min(_PIECE, width - left)
            piece = padded[top : top + rows + 2 * _MARGIN, left : left + columns + 2 * _MARGIN]
            grown = scaled(bench.upscale(piece), piece.shape[1] * factor, piece.shape[0] * factor)
            margin = _MARGIN * factor
            large[top * factor : (top + rows) * factor, left * factor : (left + columns) * factor] = grown[
                margin : margin + rows * factor, margin : margin + columns * factor
            ]
    return large


def _weight(box: Box) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """(H, W, 1): largest in the middle, nearly nothing at the edges."""
    down, across = (1 - np.abs(np.linspace(-1, 1, length)) + 0.01 for length in (box.height, box.width))
    return np.outer(down, across).astype(np.float32)[..., None]
