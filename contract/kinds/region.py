"""A part of a picture painted again, with other words or the same; the rest stays as it is (Vary (Region))."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from contract.actions import ButtonId
from contract.catalogue import Model
from contract.errors import UserError
from contract.jobs import Generation, Job, Line, Press, Stage, Strength, format_line
from contract.kinds.grid import Grid
from contract.kinds.outpaint import line_of
from contract.layout import CELLS, Box, Extent, cells_box
from contract.prompt import Prompt

_ALL = (1 << CELLS**2) - 1
_CLEARLY = 1.1
"""Ratios that differ by more belong to different pictures. The worker, which has both pictures, looks more closely."""


@dataclass(frozen=True, slots=True)
class Region(Grid):
    """`cells` are bits: of a picture in five rows of five, in reading order, the lowest bit first. 0 with `painted`,
    a link to a copy of the picture in which the part is painted over. `how` is how much may change there.
    """

    cells: Annotated[int, Field(ge=0, le=_ALL)]
    how: Strength = Strength.STRONG
    painted: Annotated[str, Field(max_length=2000)] | None = None
    line: Line = ()
    strength: Strength | None = None
    kind: Literal["region"] = "region"

    from_picture = True
    needs = frozenset({"inpaint"})

    @property
    def links(self) -> tuple[str, ...]:
        return () if self.painted is None else (self.painted,)

    @property
    def origin(self) -> Line:
        return self.line

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        """What the form chose. UserError `region_missing` without a cell and a copy, or with all cells, `region_copy`
        for a copy that is clearly of another shape than the picture."""
        chosen = press.region
        if chosen is None or not (chosen.painted or 0 < chosen.cells < _ALL):
            raise UserError("region_missing")
        if chosen.painted and chosen.size and not _alike(chosen.size, job.extent):
            raise UserError("region_copy", reason="shape")
        return cls(0 if chosen.painted else chosen.cells, chosen.how, chosen.painted)

    def effort(self, source: Extent | None, model: Model) -> float:
        return self.image_count * NEWNESS[self.how]

    def window(self, size: Extent) -> Box:
        """The part of a picture of this size that is drawn: the cells and what lies around them."""
        return cells_box(self.cells or _ALL, size)

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        return source

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        window = self.window(self.extent(source, aspect))
        return window.width, window.height

    def varied(self, strength: Strength, line: Line) -> Self:
        return type(self)(self.cells, self.how, self.painted, line, strength)

    def generations(self, seed: int, index: int) -> Line:
        return (*self.line, Generation(seed, index, self.strength))

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        how = "Region" if self.strength is None else self.strength.capitalize()
        return f"{prompt} - Variations ({how}) by {mention}"

    def description(self, words: str) -> str:
        return f"Four pictures of {words}, with a part painted again."

    def fields(self) -> dict[str, str]:
        """A copy that was painted over is not in a caption: its link dies within a day."""
        fields = {"c": f"{self.cells:x}", "h": self.how.value}
        if self.strength is not None:
            fields |= {"s": self.strength.value, "g": format_line(self.line)}
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        cells = int(fields["c"], 16)
        if not 0 < cells < _ALL:
            raise ValueError("a caption keeps no copy that was painted over")
        more: dict[str, Any] = line_of(fields)
        return cls(cells, Strength(fields["h"]), **more)


NEWNESS: Mapping[Strength, float] = {Strength.SUBTLE: 0.6, Strength.STRONG: 1.0}
"""The share of the steps that the region takes, from noise over what was there; 1 forgets it, so that its colours do
not show through what is new."""


def _alike(one: Extent, other: Extent) -> bool:
    ratio = one[0] * other[1] / (one[1] * other[0])
    return 1 / _CLEARLY <= ratio <= _CLEARLY
