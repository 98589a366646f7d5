"""Pictures as they are attached to a posted message: the last resort when nothing can draw them again.

A prompt may have linked to an upload, or a region been painted by hand; when Redis and the image store are gone, those
are gone too. What a message shows is still there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from contract.actions import ButtonId
from contract.catalogue import Model
from contract.errors import UserError
from contract.jobs import GRID_SIZE, Generation, Job, Line, Press, Request, Stage, Strength
from contract.layout import Extent, native_extent
from contract.prompt import Prompt

Pixels = Annotated[int, Field(ge=1, le=100_000)]


@dataclass(frozen=True, slots=True)
class Attached(Request):
    """`pictures` of one size in a file of `width` x `height` behind `link`, as a grid or one alone. It is never asked
    for; others are made from its pictures."""

    link: Annotated[str, Field(max_length=2000)]
    width: Pixels
    height: Pixels
    pictures: Annotated[int, Field(ge=1, le=GRID_SIZE)]
    kind: Literal["attached"] = "attached"

    from_picture = True
    remark = "from_message"

    @property
    def image_count(self) -> int:
        return self.pictures

    @property
    def links(self) -> tuple[str, ...]:
        return (self.link,)

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        raise UserError("unknown_button")

    def effort(self, source: Extent | None, model: Model) -> float:
        """Nothing is drawn by a model."""
        return 0.0

    def varied(self, strength: Strength, line: Line) -> Request | None:
        """UserError: its noise is not known."""
        raise UserError("only_attached")

    def repeated(self) -> Request:
        raise UserError("only_attached")

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        """As a model draws that ratio; how much larger it may have been is not known."""
        return native_extent((self.width, self.height))  # a grid has the ratio of its pictures

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        return self.extent(source, aspect)

    def generations(self, seed: int, index: int) -> Line:
        """A number for each of its pictures, from which none can be drawn."""
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - {mention}"

    def description(self, words: str) -> str:
        return f"Pictures of {words}."

    def fields(self) -> dict[str, str]:
        """A link dies within a day, so a caption that holds it would say nothing for long: only sizes are kept."""
        return {"x": str(self.width), "y": str(self.height), "n": str(self.pictures)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        raise ValueError("a caption keeps no link to an attachment")
