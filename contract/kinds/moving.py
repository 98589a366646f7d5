"""What the kinds share that set a picture in motion."""

from __future__ import annotations

from enum import StrEnum

from contract.actions import Under
from contract.jobs import Generation, Line, Request, Stage
from contract.layout import Extent, native_extent


class Motion(StrEnum):
    """How far it goes away from the picture."""

    LOW = "low"
    HIGH = "high"


class Moving(Request):
    """One file that moves, in the shape of a picture and as large as a model draws at once."""

    __slots__ = ()

    motion: Motion

    under = Under.MOVING
    from_picture = True

    @property
    def image_count(self) -> int:
        """One file."""
        return 1

    def extent(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        if source is None:
            raise ValueError("it starts from a picture")
        return native_extent(source)

    def drawn(self, source: Extent | None, aspect: tuple[int, int] | None) -> Extent:
        return self.extent(source, aspect)

    def generations(self, seed: int, index: int) -> Line:
        return (Generation(seed, index),)

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - Animate ({self.motion.capitalize()} motion) by {mention}"
