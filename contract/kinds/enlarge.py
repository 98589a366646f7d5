"""A picture made twice as large on a side: Upscale (Subtle) and Upscale (Creative) under a single picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from contract.actions import ButtonId, Under
from contract.jobs import Generation, Job, Line, Press, Request, Stage
from contract.layout import NATIVE, Extent, tiles
from contract.prompt import Prompt

FACTOR = 2


class Detail(StrEnum):
    """How much is drawn again. Subtle keeps every shape, creative finds detail of its own."""

    SUBTLE = "subtle"
    CREATIVE = "creative"


@dataclass(frozen=True, slots=True)
class Enlarge(Request):
    """It is drawn lightly in overlapping tiles, each as large as a model draws at once; creative, as a whole before."""

    detail: Detail
    kind: Literal["enlarge"] = "enlarge"

    under = Under.SINGLE
    needs = frozenset({"redraw"})
    from_picture = True

    @property
    def image_count(self) -> int:
        return 1

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(Detail(button.action.value.argument))

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        return source[0] * FACTOR, source[1] * FACTOR

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        """A tile, or the whole with its sides made as long as that."""
        return NATIVE, NATIVE

    def effort(self, source: Extent | None) -> float:
        width, height = self.extent(source, None)
        return len(tiles((width, height), NATIVE)) * TILE_STRENGTH + WHOLE_STRENGTHS[self.detail]

    def generations(self, seed: int, index: int) -> Line:
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        if stage is Stage.DONE:
            return f"{prompt} - Upscaled ({self.detail.capitalize()}) by {mention}"
        return f"{prompt} - Upscaling by {mention}"

    def description(self, words: str) -> str:
        return f"A picture of {words}, twice as large."

    def fields(self) -> dict[str, str]:
        return {"d": self.detail.value}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(Detail(fields["d"]))


TILE_STRENGTH = 0.15
"""The share of the steps that each tile takes, from noise over the enlarged picture."""
WHOLE_STRENGTHS: Mapping[Detail, float] = {Detail.SUBTLE: 0.0, Detail.CREATIVE: 0.5}
"""The share of the steps that the whole picture takes before, at the size that the model draws at once."""
