"""Four prompts that say what a picture shows: `/describe`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Annotated, Literal, Self
from urllib.parse import quote, unquote

from pydantic import Field

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.ids import MAX_SEED
from contract.jobs import Job, Line, Press, Request, Said, Stage
from contract.kinds.numbered import numbered
from contract.layout import Extent
from contract.prompt import Prompt

DESCRIPTIONS = 4
"""Prompts that a description has."""
OPENINGS = ("a picture of", "an illustration of", "a drawing of")
"""What the second prompt and those after it begin with."""
_EFFORT = 0.5
"""Of a CLIP that looks and rates captions, in pictures of a usual model."""
_DRAWN_EFFORT = 40.0
"""Of a model with towers of its own: likely captions are weighed and drawn (`benchmarks.words` prints the time)."""


def seed_after(texts: Sequence[str], drawn: int) -> int:
    """The seed for describing once more what was described in these texts, near one that chance has drawn: its
    remainder says the openings in the next order. By chance alone, one time of six nothing would be new.

    A model may have no use for some openings: what is painted as a drawing is not called one."""
    said = [opening for text in texts[1:] for opening in OPENINGS if text.startswith(opening)]
    orders = list(permutations(opening for opening in OPENINGS if opening in said))
    following = (orders.index(tuple(dict.fromkeys(said))) + 1) % len(orders)
    least = min(drawn, MAX_SEED - len(orders))
    return least - least % len(orders) + following


@dataclass(frozen=True, slots=True)
class Describe(Request):
    """`picture` is a link to it. The words of its prompt say nothing: it has none."""

    picture: Annotated[str, Field(max_length=2000)]
    kind: Literal["describe"] = "describe"

    under = Under.DESCRIPTION
    needs = frozenset({"describe"})
    in_place = True

    @property
    def image_count(self) -> int:
        return 0

    @property
    def choices(self) -> int:
        return DESCRIPTIONS

    @property
    def links(self) -> tuple[str, ...]:
        return (self.picture,)

    def effort(self, source: Extent | None, model: Model) -> float:
        return _EFFORT if model.clip else _DRAWN_EFFORT

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Request:
        """The same picture described once more: another seed finds other words."""
        return job.request

    def generations(self, seed: int, index: int) -> Line:
        return ()

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - {mention}"

    def description(self, words: str) -> str:
        return "What a picture shows, in words."

    def said(self, prompt: Prompt, texts: Sequence[str], influence: Sequence[float]) -> Said:
        return Said(numbered(texts))

    def fields(self) -> dict[str, str]:
        return {"u": quote(self.picture, safe="/:?&=._-")}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(unquote(fields["u"]))
