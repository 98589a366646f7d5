"""More of a picture on one side of it (⬅️ ➡️ ⬆️ ⬇️); the picture itself stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

from contract.actions import ButtonId
from contract.jobs import Job, Line, Press, Strength
from contract.kinds.outpaint import Outpaint, line_of
from contract.layout import Extent, Layout, panned
from contract.prompt import Prompt

Direction = Literal["left", "right", "up", "down"]
_DIRECTIONS: Mapping[str, Direction] = {direction: direction for direction in get_args(Direction)}
_LEVEL = frozenset({"left", "right"})


@dataclass(frozen=True, slots=True)
class Pan(Outpaint):
    """It may be repeated along its axis, as Midjourney's."""

    direction: Direction
    line: Line = ()
    strength: Strength | None = None
    kind: Literal["pan"] = "pan"

    @property
    def title(self) -> str:
        return f"Pan {self.direction.capitalize()}"

    @classmethod
    def possible(cls, job: Job, argument: str) -> bool:
        """Once panned, a picture goes on along that axis only."""
        before = [made.request for made in job.shown(0) if isinstance(made.request, cls)]
        return not before or (before[-1].direction in _LEVEL) == (argument in _LEVEL)

    @classmethod
    def grown(cls, source: Extent, argument: str) -> Extent:
        layout = panned(source, argument)
        return layout.width, layout.height

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(_DIRECTIONS[button.action.value.argument])

    def layout(self, source: Extent) -> Layout:
        return panned(source, self.direction)

    def description(self, words: str) -> str:
        return f"Four pictures of {words}, panned {self.direction}."

    def fields(self) -> dict[str, str]:
        return {"d": self.direction, **Outpaint.fields(self)}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(_DIRECTIONS[fields["d"]], **line_of(fields))
