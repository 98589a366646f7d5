"""What the kinds share whose result is a grid of four pictures."""

from __future__ import annotations

from contract.jobs import GRID_SIZE, Request


class Grid(Request):
    """Four pictures from the job's own seed."""

    __slots__ = ()

    @property
    def image_count(self) -> int:
        return GRID_SIZE

    def description(self, words: str) -> str:
        return f"Four pictures of {words}."
