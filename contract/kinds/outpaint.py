"""What the kinds share that paint around a picture and keep it as it is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Self, cast

from contract.jobs import Generation, Line, Stage, Strength, format_line, parse_line
from contract.kinds.grid import Grid
from contract.layout import Extent, Layout


class Outpaint(Grid):
    """Four pictures around one.

    `line` are the generations of the noise before the job's own, when it stays near a picture that was painted so
    before, and `strength` how far it departs from that; both are empty for the first.
    """

    __slots__ = ()

    line: Line
    strength: Strength | None

    from_picture = True
    needs = frozenset({"inpaint"})

    @property
    @abstractmethod
    def title(self) -> str:
        """What its message calls it, such as `Zoom Out`."""

    @abstractmethod
    def layout(self, source: Extent) -> Layout:
        """Where the source lies in the result. Sizes in any unit of pixels."""

    @property
    def origin(self) -> Line:
        return self.line

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        layout = self.layout(source)
        return layout.width, layout.height

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        window = self.layout(source).window
        return window.width, window.height

    def varied(self, strength: Strength, line: Line) -> Self:
        return cast(Self, replace(cast(Any, self), strength=strength, line=line))

    def generations(self, seed: int, index: int) -> Line:
        return (*self.line, Generation(seed, index, self.strength))

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        title = self.title if self.strength is None else f"Variations ({self.strength.capitalize()})"
        return f"{prompt} - {title} by {mention}"

    def fields(self) -> dict[str, str]:
        if self.strength is None:
            return {}
        return {"s": self.strength.value, "g": format_line(self.line)}


def line_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """`line` and `strength` in the fields of a caption."""
    if "s" not in fields:
        return {}
    return {"strength": Strength(fields["s"]), "line": parse_line(fields["g"])}
