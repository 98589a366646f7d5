"""What the kinds share whose result is a grid of four pictures."""

from __future__ import annotations

from contract.actions import Action, Choice
from contract.jobs import GRID_SIZE, Request


class Grid(Request):
    """Four pictures from the job's own seed, with U1-U4, V1-V4 and 🔄 under them."""

    __slots__ = ()

    @property
    def image_count(self) -> int:
        return GRID_SIZE

    def buttons(self) -> tuple[tuple[Choice, ...], ...]:
        pictures = range(GRID_SIZE)
        return (
            (*(Choice(Action.UPSCALE, index) for index in pictures), Choice(Action.REROLL)),
            tuple(Choice(Action.VARIATION, index) for index in pictures),
        )

    def description(self, words: str) -> str:
        return f"Four pictures of {words}."
