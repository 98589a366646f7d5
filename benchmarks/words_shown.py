"""Pictures of what pictures do in a prompt, for docs/words.md: blends, links, references, edits and maps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from contract.legend import LEGEND
from worker.contact import contact_sheet
from worker.joining import Picture, scaled

A, B = "https://example.com/a.png", "https://example.com/b.png"
CELL = 160
_COLOURS = {entry.name: entry.colour for entry in LEGEND}

Draw = Callable[[str, Mapping[str, Picture]], Picture]
"""The first picture of what is typed, with the pictures behind its links."""


class Shown(NamedTuple):
    """What is typed (links as they are) and which pictures they lead to."""

    typed: str
    pictures: Mapping[str, Picture]


def shown(draw: Draw) -> tuple[Picture, list[str]]:
    """A sheet with a row for each: the pictures given, then the result; and what was typed, row by row."""
    cells, typed = [], []
    for number, one in enumerate(_examples(draw), 1):
        given = [*one.pictures.values()]
        blank = np.full((CELL, CELL, 3), 255, np.uint8)
        row = [*given, *[blank] * (2 - len(given)), draw(one.typed, one.pictures)]
        cells += [scaled(picture, CELL, CELL) for picture in row]
        typed.append(f"| {number} | `{one.typed.replace(A, '<first>').replace(B, '<second>')}` |")
    labels = [text for number in range(1, len(typed) + 1) for text in (str(number), "", "=")]
    return contact_sheet(cells, labels, columns=6, cell=CELL), typed


def _examples(draw: Draw) -> Iterator[Shown]:
    apple, balloon = draw("a red apple --seed 3", {}), draw("a blue balloon --seed 3", {})
    yield Shown(f"{A} {B} --seed 5", {A: apple, B: balloon})
    yield Shown(f"{A} a fish --seed 5", {A: balloon})
    yield Shown(f"a car --seed 5 --sref {A}", {A: balloon})
    yield Shown(f"a house --seed 5 --cref {A}", {A: draw("a cat --seed 3", {})})
    yield Shown(f"a green apple --seed 5 --edit {A}", {A: apple})
    yield Shown(f"a picture --seed 5 --map {A}", {A: _map()})


def _map() -> Picture:
    """Grass below the sky, a house and a tree."""
    picture = np.full((160, 160, 3), _COLOURS["sky"], np.uint8)
    picture[100:] = _COLOURS["grass"]
    picture[50:120, 15:80] = _COLOURS["house"]
    picture[30:125, 100:150] = _COLOURS["tree"]
    return picture
