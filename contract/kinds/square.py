"""A picture that is not square, made so by painting on both sides of it (Make Square)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId
from contract.jobs import Job, Line, Press, Strength
from contract.kinds.outpaint import Outpaint, line_of
from contract.layout import Extent, Layout, squared
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Square(Outpaint):
    """It says nothing beside where it started from."""

    line: Line = ()
    strength: Strength | None = None
    kind: Literal["square"] = "square"

    @property
    def title(self) -> str:
        """Midjourney counts it among the zooms, and clients know it by that name."""
        return "Zoom Out"

    @classmethod
    def possible(cls, job: Job, argument: str) -> bool:
        width, height = job.extent
        return width != height

    @classmethod
    def grown(cls, source: Extent, argument: str) -> Extent:
        return max(source), max(source)

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls()

    def layout(self, source: Extent) -> Layout:
        return squared(source)

    def description(self, words: str) -> str:
        return f"Four pictures of {words}, made square."

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(**line_of(fields))
