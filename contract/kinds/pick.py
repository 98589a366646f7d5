"""One of the small pictures of a sheet, drawn at full quality: what is chosen from its menu."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from contract.actions import ButtonId, Under
from contract.jobs import Job, Line, Press, Request, Stage, format_line, parse_line
from contract.kinds.sheet import MOST_CHOICES, Sheet
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Pick(Request):
    """`choice` is its place on the sheet, from 0; `line` is its start noise, the same as there: so the composition is
    the same too."""

    choice: Annotated[int, Field(ge=0, lt=MOST_CHOICES)]
    line: Line
    kind: Literal["pick"] = "pick"

    under = Under.SINGLE
    shows_mode = False

    @property
    def image_count(self) -> int:
        return 1

    @property
    def takes_quality(self) -> bool:
        return True

    @property
    def origin(self) -> Line:
        return self.line

    @classmethod
    def possible(cls, job: Job, argument: str) -> bool:
        """Only under a sheet."""
        return isinstance(job.request, Sheet)

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        assert isinstance(job.request, Sheet), "possible says so"
        return cls(button.picture, job.request.line(job.seed, button.picture))

    def generations(self, seed: int, index: int) -> Line:
        return self.line

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        """As a picture chosen from a grid is announced and shown: clients know these words."""
        if stage is Stage.WAITING:
            return f"Upscaling image #{self.choice + 1} with {prompt} - {mention}"
        return f"{prompt} - Image #{self.choice + 1} {mention}"

    def description(self, words: str) -> str:
        return f"A picture of {words}."

    def fields(self) -> dict[str, str]:
        return {"i": str(self.choice), "g": format_line(self.line)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        choice = int(fields["i"])
        if not 0 <= choice < MOST_CHOICES:
            raise ValueError(f"a sheet has no picture {choice}")
        return cls(choice, parse_line(fields["g"]))
