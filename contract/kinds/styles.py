"""The same picture in nine styles, to choose one: `/styles`. All steps are drawn: a style is in the details."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from contract.jobs import Generation, Line
from contract.kinds.sheet import Sheet
from contract.prompt import Prompt, with_words

LOOKS: Mapping[str, str] = MappingProxyType(
    {
        "As written": "",
        "Watercolor": "watercolor painting",
        "Oil painting": "oil painting",
        "Pencil sketch": "pencil sketch",
        "Pixel art": "pixel art",
        "Comic": "comic book style",
        "Neon": "neon lights",
        "Paper cut": "paper cut",
        "Black and white": "black and white",
    }
)
"""How each is called and the words that ask for it, in the order in which they stand on the sheet, three in a row. The
first is what the others are compared with."""


@dataclass(frozen=True, slots=True)
class Styles(Sheet):
    """One seed, one noise; the words of each style stand behind the prompt's."""

    kind: Literal["styles"] = "styles"

    @property
    def choices(self) -> int:
        return len(LOOKS)

    @property
    def options(self) -> tuple[str, ...]:
        return tuple(LOOKS)

    def prompt_of(self, choice: int | None, prompt: Prompt) -> Prompt:
        words = "" if choice is None else list(LOOKS.values())[choice]
        return with_words(prompt, words) if words else prompt

    def line(self, seed: int, choice: int) -> Line:
        return (Generation(seed, 0),)

    def description(self, words: str) -> str:
        return f"{words} in {len(LOOKS)} styles: {', '.join(LOOKS)}."
