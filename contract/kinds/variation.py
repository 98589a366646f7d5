"""Four pictures near one picture: V1-V4 under a grid, Vary (Subtle) and Vary (Strong) under a single picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId
from contract.jobs import Generation, Job, Line, Press, Request, Stage, Strength, format_line, parse_line
from contract.kinds.grid import Grid
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Variation(Grid):
    """`source` is the line of the picture to stay near."""

    strength: Strength
    source: Line
    kind: Literal["variation"] = "variation"

    @property
    def origin(self) -> Line:
        return self.source

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Request:
        """Near a picture that was made from another one, it is made from that once more, and has its kind."""
        asked = button.action.value.argument
        strength, line = Strength(asked) if asked else press.strength, job.generations(button.picture)
        return job.shown(button.picture)[-1].request.varied(strength, line) or cls(strength, line)

    def generations(self, seed: int, index: int) -> Line:
        return (*self.source, Generation(seed, index, self.strength))

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - Variations ({self.strength.capitalize()}) by {mention}"

    def fields(self) -> dict[str, str]:
        return {"s": self.strength.value, "g": format_line(self.source)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(Strength(fields["s"]), parse_line(fields["g"]))
