"""Many small pictures of one prompt on one sheet, to choose from: `/sheet`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.ids import MAX_SEED
from contract.jobs import GRID_SIZE, Generation, Job, Line, Press, Request, Stage
from contract.layout import Extent
from contract.prompt import Prompt

SHEET_SIZE = 24
"""Pictures of a sheet: a menu of Discord's holds 25."""
MOST_CHOICES = SHEET_SIZE
DRAFT_STEPS = 0.5
"""The share of the steps that a sheet's pictures take: composition and colours stand by then."""


class Sheet(Request):
    """What kinds share whose one picture shows many small ones, each with a line of its own."""

    __slots__ = ()

    under = Under.SHEET
    composed = True

    @property
    def image_count(self) -> int:
        return 1

    @abstractmethod
    def line(self, seed: int, choice: int) -> Line:
        """The line of the small picture in this place, from 0, under the job's seed."""

    def effort(self, source: Extent | None, model: Model) -> float:
        return self.choices

    def generations(self, seed: int, index: int) -> Line:
        return self.line(seed, 0)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - {mention}"

    def fields(self) -> dict[str, str]:
        return {}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls()

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls()


@dataclass(frozen=True, slots=True)
class Drafts(Sheet):
    """`SHEET_SIZE` compositions, drawn in few steps."""

    kind: Literal["sheet"] = "sheet"

    @property
    def choices(self) -> int:
        return SHEET_SIZE

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(1, SHEET_SIZE + 1))

    @property
    def step_share(self) -> float:
        return DRAFT_STEPS

    def line(self, seed: int, choice: int) -> Line:
        """The first four are those of the grid that `/imagine` makes of this seed; more seeds follow."""
        return (Generation((seed + choice // GRID_SIZE) & MAX_SEED, choice % GRID_SIZE),)

    def description(self, words: str) -> str:
        return f"{SHEET_SIZE} small pictures of {words}, numbered in rows of six."
