"""A picture made larger: Upscale (Subtle) and (Creative); (2x) and (4x) where a version had them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.jobs import Generation, Job, Line, Press, Request, Stage
from contract.layout import NATIVE, Extent, tiles
from contract.prompt import Prompt

_TIMES = re.compile(r"5(\.\d)?|niji 5")
"""The versions that had (2x) and (4x), and neither subtle nor creative."""


class Detail(StrEnum):
    """How much is drawn again. Creative finds detail of its own, all others keep every shape."""

    SUBTLE = "subtle"
    CREATIVE = "creative"
    TWICE = "2x"
    FOURFOLD = "4x"

    @property
    def factor(self) -> int:
        """How many times as large a side it gets."""
        return 4 if self is Detail.FOURFOLD else 2


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
    def possible(cls, job: Job, argument: str) -> bool:
        """By the version that its words name."""
        return (Detail(argument) in (Detail.TWICE, Detail.FOURFOLD)) == bool(_TIMES.fullmatch(job.prompt.version))

    @classmethod
    def grown(cls, source: Extent, argument: str) -> Extent:
        factor = Detail(argument).factor
        return source[0] * factor, source[1] * factor

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(Detail(button.action.value.argument))

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        return self.grown(source, self.detail)

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        """A tile, or the whole with its sides made as long as that."""
        return NATIVE, NATIVE

    def effort(self, source: Extent | None, model: Model) -> float:
        width, height = self.extent(source, None)
        return len(tiles((width, height), NATIVE)) * TILE_STRENGTH + WHOLE_STRENGTHS.get(self.detail, 0.0)

    def generations(self, seed: int, index: int) -> Line:
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        if stage is Stage.DONE:
            return f"{prompt} - Upscaled ({self.detail.capitalize()}) by {mention}"
        return f"{prompt} - Upscaling by {mention}"

    def description(self, words: str) -> str:
        return f"A picture of {words}, {self.detail.factor} times as large a side."

    def fields(self) -> dict[str, str]:
        return {"d": self.detail.value}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(Detail(fields["d"]))


TILE_STRENGTH = 0.15
"""The share of the steps that each tile takes, from noise over the enlarged picture."""
WHOLE_STRENGTHS: Mapping[Detail, float] = {Detail.CREATIVE: 0.5}
"""The share of the steps that the whole picture takes before, at the size that the model draws at once."""
