"""Maps that say what lies where: read by the legend, and laid out as pictures to start from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.errors import UserError
from contract.layout import Box
from contract.legend import LEGEND, Entry, hexadecimal
from contract.plan import MapKind
from worker.joining import Picture, scaled, slices

Labels = NDArray[np.int16]
"""(h, w): a number in the legend, `FREE` where nothing is said, `STRANGE` for a colour that is none of the legend's."""

FREE, STRANGE = -1, -2
_TOLERANCE = 28
"""Levels in the channel that differs most: what a JPEG or a smoothed edge does to a colour."""
_STRANGE_SHARE = 0.15
"""More of a map than this in strange colours is a mistake, not a smoothed edge."""
_GRID = 96
"""Maps are read at this size: areas, not lines."""
_FINE = 256
"""For a ControlNet, which sees borders."""
_SMALLEST = 0.004
"""Of a map; what is smaller is a speck."""
MAX_THINGS = 8

_COLOURS = np.array([entry.colour for entry in LEGEND], np.int16)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing of a map. `box` is where it lies, in shares of the map: left, top, right, bottom."""

    entry: Entry
    box: tuple[float, float, float, float]


def check_map(picture: Picture, kind: MapKind) -> None:
    """UserError `map_colours` for a map of areas in colours that are not the legend's, `map_empty` for one that says
    nothing."""
    if kind != "areas":
        if picture.std() < 2:
            raise UserError("map_empty", reason="plain")
        return
    labels = labels_of(picture)
    said = labels != FREE
    if not said.any():
        raise UserError("map_empty")
    share = float((labels == STRANGE).sum() / said.sum())
    if share > _STRANGE_SHARE:
        worst = _commonest(_small(picture, _GRID)[labels == STRANGE])
        nearest = LEGEND[int(np.abs(_COLOURS - np.array(worst, np.int16)).sum(axis=1).argmin())]
        raise UserError(
            "map_colours",
            share=round(100 * share),
            colour=hexadecimal(worst),
            nearest=nearest.name,
            code=nearest.code,
        )


def labels_of(picture: Picture, side: int = _GRID) -> Labels:
    """What a map of areas says, with `side` numbers on its longer side."""
    small = _small(picture, side).astype(np.int16)
    away = np.abs(small[:, :, None, :] - _COLOURS).max(axis=3)
    labels: Labels = away.argmin(axis=2).astype(np.int16)
    labels[away.min(axis=2) > _TOLERANCE] = STRANGE
    labels[(small.min(axis=2) > 235) | (small.max(axis=2) < 20)] = FREE
    return labels


def things_on(labels: Labels) -> list[Thing]:
    """The things of a map, the largest first, at most `MAX_THINGS`: each connected area is one."""
    found: list[tuple[int, Thing]] = []
    height, width = labels.shape
    for number, entry in enumerate(LEGEND):
        if entry.ground is not None:
            continue
        for rows, columns in _connected(labels == number):
            if len(rows) >= _SMALLEST * labels.size:
                left, top, right, bottom = min(columns), min(rows), max(columns) + 1, max(rows) + 1
                box = (left / width, top / height, right / width, bottom / height)
                found.append((len(rows), Thing(entry, box)))
    found.sort(key=lambda one: -one[0])
    return [thing for _, thing in found[:MAX_THINGS]]


def grounds(labels: Labels, width: int, height: int) -> Picture:
    """(H, W, 3): the usual colours of what fills areas, which go on behind things; white elsewhere."""
    labels = _behind(labels)
    canvas = np.full((*labels.shape, 3), 255, np.uint8)
    for number, entry in enumerate(LEGEND):
        if entry.ground is not None:
            canvas[labels == number] = entry.ground
    return np.array(Image.fromarray(canvas).resize((width, height), Image.Resampling.BILINEAR))


def _behind(labels: Labels) -> Labels:
    """`labels` with what is nearest in place of each thing: a ground, or nothing."""
    is_ground = np.array([entry.ground is not None for entry in LEGEND])
    known = (labels == FREE) | ((labels >= 0) & is_ground[labels.clip(0)])
    open_ = (labels >= 0) & ~known
    labels = labels.copy()
    while open_.any():
        before = open_.sum()
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            beside, is_known = np.roll(labels, step, axis), np.roll(known, step, axis)
            edge = (slice(0, 1) if step > 0 else slice(-1, None), slice(None))
            is_known[edge if axis == 0 else edge[::-1]] = False  # nothing comes round the edge
            reached = open_ & is_known
            labels[reached] = beside[reached]
            known, open_ = known | reached, open_ & ~reached
        if open_.sum() == before:
            break  # there is no ground around them
    return labels


def placed(canvas: Picture, thing: Thing, drawn: Picture) -> None:
    """Put a picture of a thing, drawn on a plain ground, where the map has it: standing on the ground of its area."""
    height, width = canvas.shape[:2]
    left, top, right, bottom = (
        round(share * side) for share, side in zip(thing.box, (width, height, width, height), strict=True)
    )
    cut, there = _cut_out(drawn)
    scale = min((right - left) / cut.shape[1], (bottom - top) / cut.shape[0])
    wide, high = max(1, round(cut.shape[1] * scale)), max(1, round(cut.shape[0] * scale))
    place = slices(Box(left + (right - left - wide) // 2, bottom - high, wide, high))
    share = scaled(np.repeat(there[..., None], 3, axis=2), wide, high).astype(np.float32) / 255
    mixed = canvas[place] * (1 - share) + scaled(cut, wide, high) * share
    canvas[place] = mixed.round().astype(np.uint8)


def hint(picture: Picture, kind: MapKind) -> Picture:
    """What a ControlNet sees: areas in the legend's own colours, edges in white on black, depth in grey."""
    if kind == "areas":
        labels = labels_of(picture, _FINE)
        exact = np.zeros((*labels.shape, 3), np.uint8)
        exact[labels >= 0] = _COLOURS[labels[labels >= 0]].astype(np.uint8)
        height, width = picture.shape[:2]
        return np.array(Image.fromarray(exact).resize((width, height), Image.Resampling.NEAREST))
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    if kind == "edges" and grey.mean() > 127:  # lines drawn on paper
        grey = 255 - grey
    return grey.round().astype(np.uint8)


def _small(picture: Picture, side: int) -> Picture:
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.NEAREST))


def _commonest(colours: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Of colours (N, 3), the one around which most of them lie."""
    coarse, counts = np.unique(colours // 16, axis=0, return_counts=True)
    chosen = (colours // 16 == coarse[counts.argmax()]).all(axis=1)
    red, green, blue = (int(value) for value in np.median(colours[chosen], axis=0))
    return red, green, blue


def _connected(mask: NDArray[np.bool_]) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """The connected parts of a mask: rows and columns of their pixels."""
    left = {(int(row), int(column)) for row, column in np.argwhere(mask)}
    while left:
        edge = [left.pop()]
        part = list(edge)
        while edge:
            row, column = edge.pop()
            for beside in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if beside in left:
                    left.remove(beside)
                    edge.append(beside)
                    part.append(beside)
        rows, columns = zip(*part, strict=True)
        yield rows, columns


def _cut_out(drawn: Picture) -> tuple[Picture, NDArray[np.uint8]]:
    """The part of a picture that differs from the ground it stands on, and how much each pixel does (H, W)."""
    border = np.concatenate([drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1]])
    away = np.abs(drawn.astype(np.float32) - np.median(border, axis=0)).max(axis=2)
    share = ((away - 12) / 30).clip(0, 1)
    rows, columns = np.flatnonzero((share > 0.5).any(axis=1)), np.flatnonzero((share > 0.5).any(axis=0))
    if not len(rows) or not len(columns):
        return drawn, np.full(drawn.shape[:2], 255, np.uint8)
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return drawn[box], (share[box] * 255).astype(np.uint8)
