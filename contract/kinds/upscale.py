"""One picture of a grid, posted alone at full size (U1-U4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId, Under
from contract.jobs import GRID_SIZE, Index, Job, Line, Press, Queue, Request, Stage, format_line, parse_line
from contract.prompt import Prompt

_PLACES = frozenset(str(index) for index in range(GRID_SIZE))


@dataclass(frozen=True, slots=True)
class Upscale(Request):
    """`index` is the picture's place in the parent job, `source` its line of generations."""

    index: Index
    source: Line
    kind: Literal["upscale"] = "upscale"

    queue = Queue.DELIVER
    under = Under.SINGLE
    keeps_picture = True
    shows_mode = False

    @property
    def image_count(self) -> int:
        return 1

    @property
    def takes_quality(self) -> bool:
        """A picture of a first grid takes what its grid took: drawn again, it has to be the same picture."""
        return len(self.source) == 1

    @property
    def origin(self) -> Line:
        return self.source

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(button.picture, job.generations(button.picture))

    def generations(self, seed: int, index: int) -> Line:
        return self.source

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        """While it waits, in the only form that all clients take for waiting."""
        if stage is Stage.WAITING:
            return f"Upscaling image #{self.index + 1} with {prompt} - {mention}"
        return f"{prompt} - Image #{self.index + 1} {mention}"

    def description(self, words: str) -> str:
        return f"A picture of {words}."

    def fields(self) -> dict[str, str]:
        return {"i": str(self.index), "g": format_line(self.source)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        if fields["i"] not in _PLACES:
            raise ValueError(f"a grid has no picture {fields['i']!r}")
        return cls(int(fields["i"]), parse_line(fields["g"]))
