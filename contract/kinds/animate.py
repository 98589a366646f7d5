"""A picture set in motion: a short loop that begins and ends with it (Animate (High motion), Animate (Low motion))."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId
from contract.catalogue import Model
from contract.jobs import Ancestor, Job, Press
from contract.kinds.moving import Motion, Moving
from contract.layout import Extent
from contract.prompt import Prompt

FRAMES = 12
"""Frames that are drawn; those between two of them are mixed."""


@dataclass(frozen=True, slots=True)
class Animate(Moving):
    """The words are those of its form; a picture that noise and words alone make again is drawn from those, any other
    over its pixels."""

    motion: Motion
    kind: Literal["animate"] = "animate"

    needs = frozenset({"redraw"})

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(Motion(prompt.parameters.motion or button.action.value.argument))

    def effort(self, source: Extent | None, model: Model) -> float:
        return FRAMES

    def from_noise(self, ancestors: Sequence[Ancestor]) -> bool:
        shown = ancestors[-1]
        seamless_or_large = shown.prompt.parameters.tile or shown.prompt.parameters.hd  # a loop is neither
        return not (shown.request.from_picture or seamless_or_large)

    def description(self, words: str) -> str:
        return f"A moving picture of {words}."

    def fields(self) -> dict[str, str]:
        return {"o": self.motion.value}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(Motion(fields["o"]))
