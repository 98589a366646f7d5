"""A picture seen from further away: made smaller, with more of the scene around it (Zoom Out, Custom Zoom)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field

from contract.actions import ButtonId
from contract.errors import UserError
from contract.jobs import Job, Line, Press, Strength
from contract.kinds.outpaint import Outpaint, line_of
from contract.layout import Extent, Layout, zoomed
from contract.prompt import Prompt

_LEAST, _MOST = 1.0, 2.0
Side = Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, slots=True)
class Zoom(Outpaint):
    """`factor` times smaller (1 to 2). `aspect` is another ratio than the picture had, width to height."""

    factor: Annotated[float, Field(ge=_LEAST, le=_MOST)]
    aspect: tuple[Side, Side] | None = None
    line: Line = ()
    strength: Strength | None = None
    kind: Literal["zoom"] = "zoom"

    @property
    def title(self) -> str:
        return "Zoom Out"

    @property
    def takes_ratio(self) -> bool:
        return True

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        """The button's own factor, else that of the form: `--zoom 1.5 --ar 3:2`. A ratio counts when it is a new one.

        UserError `nothing_to_zoom` when the picture would stay as it is.
        """
        argument = button.action.value.argument
        factor = float(argument) if argument else prompt.parameters.zoom or _MOST
        typed = prompt.parameters.aspect
        made = cls(factor, None if typed == job.prompt.parameters.aspect else typed)
        layout = made.layout(job.extent)
        if (layout.parent.width, layout.parent.height) == (layout.width, layout.height):
            raise UserError("nothing_to_zoom")
        return made

    def layout(self, source: Extent) -> Layout:
        return zoomed(source, self.factor, self.aspect)

    def description(self, words: str) -> str:
        return f"Four pictures of {words}, zoomed out."

    def fields(self) -> dict[str, str]:
        fields = {"z": f"{self.factor:g}", **Outpaint.fields(self)}
        return fields if self.aspect is None else {**fields, "r": f"{self.aspect[0]}:{self.aspect[1]}"}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        factor = float(fields["z"])
        if not _LEAST <= factor <= _MOST:
            raise ValueError(f"a zoom is by 1 to 2, not {factor}")
        width, _, height = fields.get("r", "").partition(":")
        aspect = (int(width), int(height)) if width else None
        if aspect is not None and not all(1 <= side <= 10_000 for side in aspect):
            raise ValueError(f"{aspect} is no ratio")
        return cls(factor, aspect, **line_of(fields))
