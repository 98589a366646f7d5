"""The colours of a map of areas: which colour means what, as the ControlNets for segments were taught it (ADE20K).

Things are drawn one by one where they lie; a ground (`ground` is its usual colour) fills its whole area. White and
black say nothing: what lies there is left to the words.
"""

from __future__ import annotations

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One colour and what lies where it is. `ground` is None for a thing."""

    name: str
    colour: Colour
    ground: Colour | None = None

    @property
    def code(self) -> str:
        """The colour as people type it: `#04c803`."""
        return hexadecimal(self.colour)


LEGEND: tuple[Entry, ...] = (
    Entry("sky", (6, 230, 230), (150, 200, 240)),
    Entry("grass", (4, 250, 7), (110, 180, 80)),
    Entry("sea", (9, 7, 230), (50, 110, 190)),
    Entry("water", (61, 230, 250), (90, 160, 210)),
    Entry("sand", (160, 150, 20), (225, 205, 150)),
    Entry("earth", (120, 120, 70), (140, 110, 80)),
    Entry("road", (140, 140, 140), (125, 125, 130)),
    Entry("field", (112, 9, 255), (190, 190, 90)),
    Entry("floor", (80, 50, 50), (160, 115, 80)),
    Entry("wall", (120, 120, 120), (220, 212, 200)),
    Entry("tree", (4, 200, 3)),
    Entry("mountain", (143, 255, 140)),
    Entry("house", (255, 9, 224)),
    Entry("building", (180, 120, 120)),
    Entry("person", (150, 5, 61)),
    Entry("animal", (255, 0, 122)),
    Entry("flower", (255, 0, 0)),
    Entry("plant", (204, 255, 4)),
    Entry("rock", (255, 41, 10)),
    Entry("car", (0, 102, 200)),
    Entry("boat", (173, 255, 0)),
    Entry("table", (255, 6, 82)),
    Entry("chair", (204, 70, 3)),
    Entry("bed", (204, 5, 255)),
)


def hexadecimal(colour: Colour) -> str:
    """`#rrggbb`."""
    return "#" + "".join(f"{value:02x}" for value in colour)
