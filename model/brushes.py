"""What painting a picture needs: soft steps, smooth noise, blurs, lines, strokes and cells, on one canvas.

Everything is a smooth function of the picture: where a level differs by one, what is painted differs little. So a
picture that another processor rounded otherwise is painted as the same picture.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
"""Of 32 bits, which the types of NumPy's operators do not keep track of."""


def step(low: float, high: float, values: Floats) -> Floats:
    """0 below `low`, 1 above `high`, and smooth between them."""
    share = ((values - low) / (high - low)).clip(0, 1)
    result: Floats = share * share * (3 - 2 * share)
    return result


def mix(ones: Floats, others: Floats | float, share: Floats | float) -> Floats:
    """`ones` where `share` is 0, `others` where it is 1."""
    result: Floats = ones + (others - ones) * share
    return result


def within(values: Floats) -> Floats:
    """No less than 0 and no more than 1."""
    result: Floats = values.clip(0, 1)
    return result


def colour(*levels: int) -> Floats:
    """A colour from levels of 0..255."""
    return np.array(levels, np.float32) / 255


def grey(values: Floats) -> Floats:
    """(H, W, 1) of (H, W, 3): how bright it looks."""
    red, green, blue = (values[..., band : band + 1] for band in range(3))
    result: Floats = 0.299 * red + 0.587 * green + 0.114 * blue
    return result


def vivid(values: Floats, amount: float) -> Floats:
    """Colours further from grey, or nearer to it where `amount` is below 1."""
    light = grey(values)
    return (light + (values - light) * np.float32(amount)).clip(0, 1)


def levels(values: Floats, count: int, sharpness: float = 0.3) -> Floats:
    """0..1 in so many flat levels, with short slopes between them: `sharpness` is the share that a slope takes."""
    scaled = values.clip(0, 1) * (count - 1)
    whole = np.floor(scaled)
    result: Floats = (whole + step(0.5 - sharpness / 2, 0.5 + sharpness / 2, scaled - whole)) / (count - 1)
    return result


class Canvas:
    """A picture that is painted: `colours` (H, W, 3) in 0..1, positions in units of a 256th of its size, and chance
    of its own. On a `tile` everything goes on over the edges."""

    def __init__(self, colours: Floats, seed: int, *, tile: bool = False) -> None:
        self.colours, self.tile = colours, tile
        self.height, self.width = colours.shape[:2]
        self.unit = float(np.sqrt(self.height * self.width)) / 256
        """Pixels that what is called a pixel here takes."""
        self.chance = np.random.default_rng(seed)
        rows, columns = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32) / np.float32(self.unit)
        self.down, self.across = rows, columns

    def blurred(self, values: Floats, size: float) -> Floats:
        """By a Gaussian of `size`; (H, W, C)."""
        sigma = size * self.unit
        reach = max(1, int(np.ceil(2.5 * sigma)))
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
        weights = (weights / weights.sum()).astype(np.float32)
        for axis in (0, 1):
            length = values.shape[axis]
            margin = [(0, 0)] * 3
            margin[axis] = (reach, reach)
            wide = np.pad(values, margin, mode="wrap" if self.tile else "edge")
            parts = (np.s_[place : place + length] for place in range(2 * reach + 1))
            where = ((part, slice(None)) if axis == 0 else (slice(None), part) for part in parts)
            values = np.zeros_like(values)
            for weight, part in zip(weights, where, strict=True):
                values += weight * wide[part]
        return values

    def grain(self, size: float) -> Floats:
        """Random values (H, W, 1) of mean 0 and deviation 1, in lumps of `size`; they tile."""
        raw = self.chance.standard_normal((self.height, self.width), np.float32)
        if size > 0:
            rows, columns = np.fft.fftfreq(self.height), np.fft.rfftfreq(self.width)
            away = (rows[:, None] ** 2 + columns[None] ** 2) * (2 * np.pi * size * self.unit) ** 2
            raw = np.fft.irfft2(np.fft.rfft2(raw) * np.exp(-away / 2), raw.shape).astype(np.float32)
        result: Floats = (raw / max(float(raw.std()), 1e-6))[..., None]
        return result

    def waves(self, pitch: float, angle: float) -> Floats:
        """(H, W), in radians: where each place stands in waves of about this pitch that run at an angle; a whole number
        of them fits each side, so that they tile."""
        wide, high = self.width / self.unit, self.height / self.unit
        across, down = round(wide * math.cos(angle) / pitch) / wide, round(high * math.sin(angle) / pitch) / high
        result: Floats = np.float32(2 * math.pi) * (np.float32(across) * self.across + np.float32(down) * self.down)
        return result

    def sampled(self, values: Floats, right: Floats, lower: Floats) -> Floats:
        """`values` (H, W, C) seen `right` and `lower` (H, W, in pixels) of each place, between pixels as well."""
        rows = np.arange(self.height, dtype=np.float32)[:, None] + lower
        columns = np.arange(self.width, dtype=np.float32)[None] + right
        if not self.tile:  # a place beyond the edges is the nearest one within
            rows, columns = rows.clip(0, self.height - 1), columns.clip(0, self.width - 1)
        top, left = np.floor(rows).astype(np.int32), np.floor(columns).astype(np.int32)
        below = (rows - top.astype(np.float32))[..., None]
        beside = (columns - left.astype(np.float32))[..., None]
        flat = values.reshape(-1, values.shape[-1])

        def at(row: NDArray[np.int32], column: NDArray[np.int32]) -> Floats:
            seen: Floats = flat.take(self._number(row, column), axis=0)
            return seen

        upper = mix(at(top, left), at(top, left + 1), beside)
        return mix(upper, mix(at(top + 1, left), at(top + 1, left + 1), beside), below)

    def _number(self, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int32]:
        """Of places among all, row by row: those beyond the edges on the other side of a tile, else the nearest."""
        if self.tile:
            rows, columns = rows % self.height, columns % self.width
        else:
            rows, columns = rows.clip(0, self.height - 1), columns.clip(0, self.width - 1)
        result: NDArray[np.int32] = rows * self.width + columns
        return result

    def wobbled(self, values: Floats, reach: float, size: float) -> Floats:
        """As by an unsteady hand: shifted by up to about `reach`, in waves of `size`."""
        scale = np.float32(reach * self.unit)
        return self.sampled(values, scale * self.grain(size)[..., 0], scale * self.grain(size)[..., 0])

    @cached_property
    def _slopes(self) -> tuple[Floats, Floats]:
        smooth = self.blurred(self.colours, 1.0)
        wide = np.pad(smooth, ((1, 1), (1, 1), (0, 0)), mode="wrap" if self.tile else "edge")
        return (wide[1:-1, 2:] - wide[1:-1, :-2]) / 2, (wide[2:, 1:-1] - wide[:-2, 1:-1]) / 2

    @cached_property
    def edges(self) -> Floats:
        """(H, W, 1): how steep the colours are."""
        across, down = self._slopes
        result: Floats = np.sqrt((across**2 + down**2).sum(-1, keepdims=True)) * np.float32(self.unit)
        return result

    def lines(self, least: float = 0.03, *, width: float = 1.0) -> Floats:
        """(H, W, 1) in 0..1: thin lines along the ridges of the edges that are steeper than `least`."""
        steep = self.blurred(self.edges, 0.8 * width) if width > 1 else self.edges
        around = self.blurred(steep, 3.2 * width)
        ridge = step(1.0, 1.5, steep / (around + np.float32(0.012)))
        return ridge * step(0.5 * least, 1.5 * least, steep)

    @cached_property
    def along(self) -> tuple[Floats, Floats]:
        """(H, W) each, right and lower: the direction in which things here are long, by the smoothed structure tensor
        (Kyprianidis and Kang 2011); where nothing is, it turns slowly."""
        across, down = self._slopes
        parts = ((across**2).sum(-1), (across * down).sum(-1), (down**2).sum(-1))
        turn = self.grain(24)[..., 0] * np.float32(0.8)
        faint = np.float32(2e-5)
        one, both, other = np.moveaxis(self.blurred(np.stack(parts, -1), 5), -1, 0)
        double = np.arctan2(2 * both - faint * np.sin(turn), one - other + faint * np.cos(turn))
        angle = double / 2 + np.float32(np.pi / 2)
        return np.cos(angle), np.sin(angle)

    def smeared(self, values: Floats, length: float) -> Floats:
        """Averaged along the strokes that a brush would take, `length` to each side (line integral convolution, Cabral
        and Leedom 1993)."""
        right, lower = (part * np.float32(1.5 * self.unit) for part in self.along)
        rows, columns = np.arange(self.height, dtype=np.float32)[:, None], np.arange(self.width, dtype=np.float32)[None]
        flat, total = values.reshape(-1, values.shape[-1]), values.copy()
        count = max(2, round(length / 1.5))
        for number in range(-count, count + 1):
            if number:
                row = (rows + number * lower).round().astype(np.int32)
                column = (columns + number * right).round().astype(np.int32)
                total += flat.take(self._number(row, column), axis=0)
        return total / np.float32(2 * count + 1)

    def smooth(self, radius: float = 4) -> Floats:
        """Flat colours with sharp edges: at every place the most even of eight sectors around it counts most
        (generalised Kuwahara filter, Papari et al. 2007)."""
        size = radius / 2
        mean = self.blurred(self.colours, size)
        spread = (self.blurred(self.colours**2, size) - mean**2).clip(0, 1).sum(-1, keepdims=True)
        both = np.concatenate([mean, spread], -1)
        total, weights = np.zeros_like(self.colours), np.zeros_like(spread)
        for turn in range(8):
            right, lower = radius * np.cos(turn * np.pi / 4), radius * np.sin(turn * np.pi / 4)
            seen = self.shifted(both, right, lower)
            weight = 1 / (np.float32(0.0006) + seen[..., 3:]) ** 3
            total, weights = total + weight * seen[..., :3], weights + weight
        result: Floats = total / weights
        return result

    def shifted(self, values: Floats, right: float, lower: float) -> Floats:
        """`values` (H, W, C) seen so far to the right of and below each place, in whole pixels."""
        rows = np.arange(self.height) + round(lower * self.unit)
        columns = np.arange(self.width) + round(right * self.unit)
        if not self.tile:
            rows, columns = rows.clip(0, self.height - 1), columns.clip(0, self.width - 1)
        result: Floats = values[(rows % self.height)[:, None], (columns % self.width)[None]]
        return result

    @cached_property
    def ground(self) -> tuple[Floats, Floats]:
        """The colour (3,) of the picture's border, and how surely (a number of 0..1) it is a plain ground."""
        depth = max(2, round(4 * self.unit))
        c = self.colours
        ring = np.concatenate([part.reshape(-1, 3) for part in (c[:depth], c[-depth:], c[:, :depth], c[:, -depth:])])
        middle = np.median(ring, axis=0)
        like = step(0.35, 0.1, np.sqrt(((ring - middle) ** 2).sum(-1))).mean()
        return middle, step(0.55, 0.8, like)

    @cached_property
    def ink(self) -> Floats:
        """(H, W, 1) in 0..1: how dark a pencil would draw each place; what is like a plain ground stays empty."""
        ground, plain = self.ground
        away = self.colours - ground
        apart = np.sqrt((away**2).sum(-1, keepdims=True))
        return mix(1 - grey(self.colours), (0.2 * apart + 0.95 * (-grey(away)).clip(0, 1)).clip(0, 1), plain)

    @cached_property
    def right(self) -> Floats:
        """(H, W, 1): 0 at the left edge, 1 at the right one."""
        result: Floats = (self.across / self.across.max())[..., None]
        return result

    @cached_property
    def lower(self) -> Floats:
        """(H, W, 1): 0 at the upper edge, 1 at the lower one."""
        result: Floats = (self.down / self.down.max())[..., None]
        return result

    @cached_property
    def rim(self) -> Floats:
        """(H, W, 1): 0 in the middle, 1 at the nearest edge."""
        result: Floats = 2 * np.maximum(abs(self.lower - 0.5), abs(self.right - 0.5))
        return result

    @cached_property
    def corners(self) -> Floats:
        """(H, W, 1): 0 in the middle, 1 in the corners; 0 on a tile, which has none."""
        result: Floats = np.sqrt(2 * ((self.lower - 0.5) ** 2 + (self.right - 0.5) ** 2)) * np.float32(not self.tile)
        return result

    def cells(self, numbers: NDArray[np.int64]) -> Floats:
        """The mean colour of the places that share a number (H, W)."""
        flat = numbers.ravel()
        count = np.bincount(flat).clip(1)
        means = [np.bincount(flat, self.colours[..., band].ravel()) / count for band in range(3)]
        return np.stack(means, -1).astype(np.float32)[numbers]

    def scattered(self, side: float) -> tuple[NDArray[np.int64], Floats]:
        """Cells around points that lie about `side` apart: the number of each place's cell (H, W), and how far it is
        (H, W, 1, in units) from the border to the next cell."""
        rows = max(2, round(self.height / self.unit / side))
        columns = max(2, round(self.width / self.unit / side))
        high, wide = self.height / self.unit / rows, self.width / self.unit / columns
        jitter = self.chance.uniform(0.15, 0.85, (2, rows, columns)).astype(np.float32)
        row, column = (self.down // high).astype(np.int64), (self.across // wide).astype(np.int64)
        best = np.full(self.down.shape, np.inf, np.float32)
        second, number = best.copy(), np.zeros(self.down.shape, np.int64)
        for lower in (-1, 0, 1):
            for right in (-1, 0, 1):
                r, c = row + lower, column + right
                point = jitter[:, r % rows, c % columns]
                right_of, below = self.across - (c + point[1]) * wide, self.down - (r + point[0]) * high
                distance = np.hypot(below, right_of).astype(np.float32)
                nearer = distance < best
                second = np.where(nearer, best, np.minimum(second, distance))
                number = np.where(nearer, (r % rows) * columns + c % columns, number)
                best = np.minimum(best, distance)
        return number, (second - best)[..., None]

    def squares(self, side: float) -> tuple[Floats, Floats, Floats, Floats]:
        """Squares of about `side`, as many as fit: their mean colours (H, W, 3), how far each place is right of and
        below the middle of its own (H, W, 1, in sides) and a tint for each."""
        rows, columns = (max(2, round(length / self.unit / side)) for length in (self.height, self.width))
        down = (np.arange(self.height, dtype=np.float32)[:, None] + 0.5) * np.float32(rows / self.height)
        across = (np.arange(self.width, dtype=np.float32)[None] + 0.5) * np.float32(columns / self.width)
        number = np.floor(down).astype(np.int64) * columns + np.floor(across).astype(np.int64)
        right, lower = (
            np.broadcast_to(place % 1 - np.float32(0.5), number.shape)[..., None] for place in (across, down)
        )
        return self.cells(number), right, lower, self.tints(number, 0.04)

    def triangles(self, side: float) -> NDArray[np.int64]:
        """The number of each place's triangle, in a net of squares with corners out of place, each cut in two."""
        rows, columns = (max(2, round(length / self.unit / side)) for length in (self.height, self.width))
        corners = self.chance.uniform(-0.32, 0.32, (2, rows, columns)).astype(np.float32)
        # Where a place lies in the net before its corners were moved: they carry what lies between them along.
        down = self.down * np.float32(self.unit * rows / self.height)
        across = self.across * np.float32(self.unit * columns / self.width)
        top, left = np.floor(down).astype(np.int64), np.floor(across).astype(np.int64)
        below, beside = down % 1, across % 1

        def moved(axis: int) -> Floats:
            a, b, c, d = (
                corners[axis, (top + i) % rows, (left + j) % columns] for i, j in ((0, 0), (0, 1), (1, 0), (1, 1))
            )
            return mix(mix(a, b, beside), mix(c, d, beside), below)

        down, across = down + moved(0), across + moved(1)
        top, left = np.floor(down).astype(np.int64) % rows, np.floor(across).astype(np.int64) % columns
        below, beside = down % 1, across % 1
        first = np.where((top + left) % 2 == 0, below > beside, below + beside > 1)
        result: NDArray[np.int64] = (top * columns + left) * 2 + first
        return result

    def tints(self, numbers: NDArray[np.int64], strength: float) -> Floats:
        """(H, W, 1): a factor near 1 for each number."""
        drawn = self.chance.standard_normal(int(numbers.max()) + 1, np.float32)
        return (1 + np.float32(strength) * drawn)[numbers][..., None]
