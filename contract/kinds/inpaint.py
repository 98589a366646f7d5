"""A part of an uploaded picture painted again, with words: a program says which part by a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, unquote

from pydantic import Field

from contract.actions import ButtonId
from contract.catalogue import Model
from contract.errors import UserError
from contract.jobs import Generation, Job, Line, Press, Stage, Strength, format_line
from contract.kinds.grid import Grid
from contract.kinds.outpaint import line_of
from contract.kinds.region import NEWNESS
from contract.layout import Extent, native_extent
from contract.prompt import Prompt

_Link = Annotated[str, Field(max_length=300)]
_Side = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True, slots=True)
class Inpaint(Grid):
    """`picture` and `mask` are links; what is bright in the mask is painted again. `width` and `height` are the
    picture's, of which only the ratio counts. `line` and `strength` as in `contract.kinds.region`."""

    picture: _Link
    mask: _Link
    width: _Side
    height: _Side
    line: Line = ()
    strength: Strength | None = None
    kind: Literal["inpaint"] = "inpaint"

    from_picture = True
    needs = frozenset({"inpaint"})

    @property
    def links(self) -> tuple[str, ...]:
        return self.picture, self.mask

    @property
    def origin(self) -> Line:
        return self.line

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        """No button leads here: a mask comes with a request."""
        raise UserError("unknown_button")

    def effort(self, source: Extent | None, model: Model) -> float:
        return self.image_count * NEWNESS[Strength.STRONG]

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        return native_extent((self.width, self.height))

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        return self.extent(source, aspect)

    def varied(self, strength: Strength, line: Line) -> Self:
        return type(self)(self.picture, self.mask, self.width, self.height, line, strength)

    def generations(self, seed: int, index: int) -> Line:
        return (*self.line, Generation(seed, index, self.strength))

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        how = "Inpaint" if self.strength is None else self.strength.capitalize()
        return f"{prompt} - Variations ({how}) by {mention}"

    def description(self, words: str) -> str:
        return f"Four pictures of {words}, with a part painted again."

    def fields(self) -> dict[str, str]:
        fields = {name: quote(link, safe="/:?&=._-") for name, link in (("u", self.picture), ("x", self.mask))}
        fields["e"] = f"{self.width}x{self.height}"
        if self.strength is not None:
            fields |= {"s": self.strength.value, "g": format_line(self.line)}
        return fields

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        width, height = map(int, fields["e"].split("x"))
        more: dict[str, Any] = line_of(fields)
        return cls(unquote(fields["u"]), unquote(fields["x"]), width, height, **more)
