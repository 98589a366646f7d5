"""Where one picture lies in another that grows out of it: whole pixels, no numpy, the same for price and paint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

Extent = tuple[int, int]
"""Width and height of a picture. A job's are counted as if its model drew pictures of 1024x1024."""

NATIVE = 1024
"""A side of a square picture as a model draws it, in an `Extent`."""
CELLS = 5
"""Rows, and columns, of the cells by which people choose a part of a picture."""
_AROUND = 0.2
"""So much of a cell around a chosen part is drawn with it. With twice as much, a single cell is so small a part of what
is drawn that a small model paints no thing into it."""
MAX_RATIO, MAX_HD_RATIO = 14, 4
"""The longest side over the shortest that a model is asked for: what Midjourney takes at most."""
_LARGEST_SIDE = 16
"""Ratios of pictures are rounded to whole numbers up to this one: `3:2` is what is meant by 1023 x 683."""
MAX_GROWTH = 16
"""A picture may grow to this many times the area that a model draws at once."""
_ROUNDING = 1.01
"""Whole pixels make some ratios a little larger than others."""
_WINDOW_RATIO = 1.5


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture: left, top, width and height in pixels."""

    left: int
    top: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Layout:
    """A picture of `width` x `height` in which the parent's picture, scaled to `parent`, stays as it is.

    Of the result `window` is drawn. What it does not cover is covered by the parent.
    """

    width: int
    height: int
    parent: Box
    window: Box


def ratio_of(width: int, height: int, *, hd: bool = False) -> tuple[int, int]:
    """The shape of a picture of so many pixels as `--ar` says it: in small whole numbers, and no longer than a model
    draws, in `hd` or not."""
    share = max(Fraction(min(width, height), max(width, height)), Fraction(1, MAX_HD_RATIO if hd else MAX_RATIO))
    short, long = share.limit_denominator(_LARGEST_SIDE).as_integer_ratio()
    return (long, short) if width >= height else (short, long)


def native_extent(aspect: tuple[int, int] | None) -> Extent:
    """What a model draws at the ratio `aspect` (None: square)."""
    width, height = aspect or (1, 1)
    return round(NATIVE * math.sqrt(width / height)), round(NATIVE * math.sqrt(height / width))


def trimmed(drawn: Extent, aspect: tuple[int, int] | None) -> Extent:
    """What is left of a drawn picture when it is cut to the ratio that was asked for: models draw in coarse steps."""
    width, height = drawn
    ratio_width, ratio_height = aspect or (1, 1)
    return (
        min(width, max(1, round(height * ratio_width / ratio_height))),
        min(height, max(1, round(width * ratio_height / ratio_width))),
    )


def too_long(extent: Extent) -> bool:
    """Whether a side of a picture is longer beside the other than models draw well."""
    return max(extent) > MAX_RATIO * min(extent)


def too_large(extent: Extent) -> bool:
    """Whether a picture has grown beyond what is sensible: memory and files are bounded by this."""
    return extent[0] * extent[1] > MAX_GROWTH * NATIVE**2 * _ROUNDING


def panned(source: Extent, direction: str) -> Layout:
    """`source` with a strip added to its left, right, up or down. Its own pixels stay as they are.

    The strip is half as long as the window, and the window no longer than one and a half times the other side, so that
    it stays near to what models draw well. The other half of the window shows the model what to go on from.
    """
    width, height = source
    along, across = (width, height) if direction in ("left", "right") else (height, width)
    window = min(along, round(across * _WINDOW_RATIO))
    strip = max(1, window // 2)
    at_start = direction in ("left", "up")
    own, begin = (strip, 0) if at_start else (0, along + strip - window)
    if direction in ("left", "right"):
        return Layout(width + strip, height, Box(own, 0, width, height), Box(begin, 0, window, height))
    return Layout(width, height + strip, Box(0, own, width, height), Box(0, begin, width, window))


def squared(source: Extent) -> Layout:
    """`source` in the middle of a square as wide as its longer side; its own pixels stay as they are."""
    width, height = source
    side = max(source)
    parent = Box((side - width) // 2, (side - height) // 2, width, height)
    return Layout(side, side, parent, Box(0, 0, side, side))


def zoomed(source: Extent, factor: float, aspect: tuple[int, int] | None = None) -> Layout:
    """`source` made smaller by `factor` (1 to 2), in the middle of a picture of its own size.

    With an `aspect` the picture has that ratio and the same area, and `factor` counts from where `source` just fits.
    """
    width, height = source
    if aspect is not None:
        ratio = aspect[0] / aspect[1]
        width, height = round(math.sqrt(width * height * ratio)), round(math.sqrt(width * height / ratio))
    scale = min(width / source[0], height / source[1]) / factor
    own = max(1, round(source[0] * scale)), max(1, round(source[1] * scale))
    parent = Box((width - own[0]) // 2, (height - own[1]) // 2, *own)
    return Layout(width, height, parent, Box(0, 0, width, height))


def cells_box(cells: int, size: Extent) -> Box:
    """The part of a picture in which the chosen `cells` lie, and some of what is around them to go on from.

    `cells` are bits, in reading order, the lowest first; at least one.
    """
    numbers = [number for number in range(CELLS**2) if cells >> number & 1]
    spans = []
    for length, places in zip(size, ([n % CELLS for n in numbers], [n // CELLS for n in numbers]), strict=True):
        first = max(0.0, (min(places) - _AROUND) / CELLS)
        last = min(1.0, (max(places) + 1 + _AROUND) / CELLS)
        spans.append((round(first * length), round(last * length)))
    (left, right), (top, bottom) = spans
    return Box(left, top, right - left, bottom - top)


def tiles(size: Extent, side: int) -> tuple[Box, ...]:
    """Boxes of `side` x `side`, or less where a picture is smaller, that cover it; neighbours share a quarter."""
    across, down = (_starts(length, side) for length in size)
    width, height = min(side, size[0]), min(side, size[1])
    return tuple(Box(left, top, width, height) for top in down for left in across)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    count = 1 + math.ceil((length - side) / (side * 0.75))
    return [round(number * (length - side) / (count - 1)) for number in range(count)]
