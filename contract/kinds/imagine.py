"""Four pictures of a prompt from fresh noise; a re-roll is the same with another seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId
from contract.jobs import Generation, Job, Line, Press, Stage
from contract.kinds.grid import Grid
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Imagine(Grid):
    """It says nothing beside the prompt."""

    kind: Literal["imagine"] = "imagine"

    @property
    def takes_quality(self) -> bool:
        return True

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls()

    def generations(self, seed: int, index: int) -> Line:
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - {mention}"

    def fields(self) -> dict[str, str]:
        return {}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls()
