"""A family tree: small copies of the pictures, each beside its parent, with lines between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from contract.jobs import GRID_SIZE
from contract.kinds.tree import Member, Tree
from contract.locales import book
from worker.encoding import assemble_grid
from worker.kinds.bench import Bench, Picture
from worker.results import Pictures

_SIDE, _ACROSS, _DOWN, _LABEL = 160, 56, 18, 22
"""Pixels: a picture's longer side, the gaps between columns and between rows, the line of text under a picture."""
_PAPER, _INK, _LINES = "#313338", "#dbdee1", "#80848e"
_FONT = ImageFont.load_default(14)


def make(bench: Bench) -> Pictures:
    """Parents to the left. What the store has lost is an empty frame."""
    members = cast(Tree, bench.job.request).members
    rows = _rows(members)
    depths = _depths(members)
    width = (max(depths) + 1) * (_SIDE + _ACROSS)
    height = round((max(rows) + 1) * (_SIDE + _LABEL + _DOWN)) + _DOWN
    paper = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(paper)
    corners = [
        (_ACROSS // 2 + depth * (_SIDE + _ACROSS), _DOWN + round(row * (_SIDE + _LABEL + _DOWN)))
        for depth, row in zip(depths, rows, strict=True)
    ]
    for member, (left, top) in zip(members, corners, strict=True):
        if member.parent is not None:
            from_left, from_top = corners[member.parent]
            start, end = (from_left + _SIDE, from_top + _SIDE // 2), (left, top + _SIDE // 2)
            middle = left - _ACROSS // 2
            pen.line([start, (middle, start[1]), (middle, end[1]), end], _LINES, 2)
    for member, (left, top) in zip(members, corners, strict=True):
        _place(paper, pen, _thumbnail(bench, member), left, top)
        pen.text((left, top + _SIDE + 3), _label(member), _INK, _FONT)
    return Pictures([np.asarray(paper)])


def _thumbnail(bench: Bench, member: Member) -> Image.Image | None:
    """All pictures of a job as one small one; None when the store has none."""
    found = [bench.find(member.id, index) for index in range(GRID_SIZE)]
    pictures: list[Picture] = [picture for picture in found if picture is not None]
    if not pictures or any(picture.shape != pictures[0].shape for picture in pictures):
        return None
    image = Image.fromarray(assemble_grid(pictures))
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return image


def _place(paper: Image.Image, pen: ImageDraw.ImageDraw, image: Image.Image | None, left: int, top: int) -> None:
    if image is None:
        pen.rectangle((left, top, left + _SIDE - 1, top + _SIDE - 1), outline=_LINES)
    else:
        paper.paste(image, (left + (_SIDE - image.width) // 2, top + (_SIDE - image.height) // 2))


def _label(member: Member) -> str:
    """In English: the font has no other letters."""
    words = book("en-US")
    kind = words.say(f"kind.{member.kind}") if f"kind.{member.kind}" in words else member.kind
    return kind if member.picture is None else f"{kind} of {member.picture + 1}"


def _depths(members: Sequence[Member]) -> list[int]:
    depths: list[int] = []
    for member in members:
        depths.append(0 if member.parent is None else depths[member.parent] + 1)
    return depths


def _rows(members: Sequence[Member]) -> list[float]:
    """Leaves one below the other, parents in the middle of their children."""
    children: list[list[int]] = [[] for _ in members]
    for place, member in enumerate(members):
        if member.parent is not None:
            children[member.parent].append(place)
    rows = [0.0] * len(members)
    free = 0

    def settle(place: int) -> None:
        nonlocal free
        if not children[place]:
            rows[place], free = float(free), free + 1
            return
        for child in children[place]:
            settle(child)
        rows[place] = (rows[children[place][0]] + rows[children[place][-1]]) / 2

    for place, member in enumerate(members):
        if member.parent is None:
            settle(place)
    return rows
