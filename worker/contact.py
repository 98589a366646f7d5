"""A contact sheet: many pictures beside each other, each with its label in a corner where it has one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from worker.joining import Picture, scaled

_GAP = 4
_GROUND, _BADGE, _INK = (24, 25, 28), (0, 0, 0, 150), (255, 255, 255, 255)


def contact_sheet(pictures: Sequence[Picture], labels: Sequence[str], *, columns: int, cell: int) -> Picture:
    """(H, W, 3). The pictures are of one size; the longer side of each becomes `cell` pixels."""
    height, width = pictures[0].shape[:2]
    share = cell / max(height, width)
    across, down = max(1, round(width * share)), max(1, round(height * share))
    rows = -(-len(pictures) // columns)
    size = columns * (across + _GAP) + _GAP, rows * (down + _GAP) + _GAP
    sheet = Image.new("RGB", size, _GROUND)
    for number, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        row, column = divmod(number, columns)
        left, top = _GAP + column * (across + _GAP), _GAP + row * (down + _GAP)
        sheet.paste(_labelled(scaled(picture, across, down), label), (left, top))
    return np.asarray(sheet)


def _labelled(picture: Picture, label: str) -> Image.Image:
    if not label:
        return Image.fromarray(picture)
    image = Image.fromarray(picture).convert("RGBA")
    size = max(10, min(24, round(min(image.size) * 0.12)))
    font = ImageFont.load_default(size)
    layer = Image.new("RGBA", image.size)
    pen = ImageDraw.Draw(layer)
    place, margin = (size * 0.5, size * 0.3), size * 0.25
    left, top, right, bottom = pen.textbbox(place, label, font=font)
    pen.rounded_rectangle((left - margin, top - margin, right + margin, bottom + margin), size * 0.3, fill=_BADGE)
    pen.text(place, label, font=font, fill=_INK)
    return Image.alpha_composite(image, layer).convert("RGB")
