"""A video that begins with a picture, by a model that draws videos: what Animate makes where one is on offer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from contract.actions import ButtonId
from contract.catalogue import MAX_FRAMES, Model
from contract.errors import UserError
from contract.families import VIDEO, Pace
from contract.jobs import Ancestor, Job, Press
from contract.kinds.moving import Motion, Moving
from contract.layout import Extent
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Video(Moving):
    """Any model may have drawn the picture. `frames` are as many as the catalogue says of the model that draws the
    video, at the pace of its family."""

    motion: Motion
    frames: Annotated[int, Field(gt=1, le=MAX_FRAMES)]
    pace: Pace
    kind: Literal["video"] = "video"

    needs = frozenset({"moving"})
    words_alone = True

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        if press.drawer is None:
            raise UserError("unknown_button")
        motion = Motion(prompt.parameters.motion or button.action.value.argument)
        return cls(motion, press.drawer.frames, VIDEO[press.drawer.family])

    def effort(self, source: Extent | None, model: Model) -> float:
        return 1 + (self.frames - 1) // self.pace.frames_per_latent

    def from_noise(self, ancestors: Sequence[Ancestor]) -> bool:
        return True

    def description(self, words: str) -> str:
        return f"A video of {words}."

    def fields(self) -> dict[str, str]:
        pace = self.pace
        return {"o": self.motion.value, "f": f"{self.frames}.{pace.frames_per_second}.{pace.frames_per_latent}"}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        frames, *pace = map(int, fields["f"].split("."))
        if not 1 < frames <= MAX_FRAMES or min(pace) < 1:
            raise ValueError(f"a video has no {frames} frames")
        return cls(Motion(fields["o"]), frames, Pace(*pace))
