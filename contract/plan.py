"""What a job asks of a model, in numbers.

Made once, when the job is accepted (`contract.planning`), it travels inside the job: what is priced, drawn and written
into the pictures is the same, no matter what a worker's own catalogue says.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field


class By(StrEnum):
    """By which of a model's means something steers a picture."""

    LORA = "lora"
    LIKENESS = "likeness"
    """An IP-Adapter looks at a picture."""
    REFERENCE = "reference"
    """The model itself looks at a picture, and changes it as the words say."""
    START = "start"
    """It starts from a picture in place of noise alone."""
    STRUCTURE = "structure"
    """A ControlNet sees a map."""
    AREAS = "areas"
    """A map of areas is laid out, thing by thing."""
    STYLE = "style"
    """A phrase that is mixed into the words."""


MapKind = Literal["areas", "edges", "depth"]
"""What a map shows: areas in the legend's colours (`contract.legend`), edges, or how far away things are."""


@dataclass(frozen=True, slots=True)
class Steer:
    """Something that steers a picture beside its words.

    `name` is that of the add-on in the catalogue, a style's phrase, or the colour that a thing gets before its picture
    is drawn over; `link` the picture that is looked at; `weight` how strongly. `style_only`: of a picture only its
    style is taken, not what it shows. `map`: what a map shows.
    """

    by: By
    name: str = ""
    link: str = ""
    weight: float = 1.0
    style_only: bool = False
    map: MapKind | None = None


Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers for one job.

    `width` and `height` are pixels of a drawn picture, before it is enlarged. `chaos`, `weird` and `stop_at` run from
    0 to 1. `cost` is the job's price: megapixel-steps, all its pictures together. `steers` are what steers them
    beside the words. `student` says that the model's few-step student draws it.
    """

    width: Positive
    height: Positive
    num_inference_steps: Positive
    guidance_scale: Annotated[float, Field(ge=1)]
    sampler: str
    chaos: Share
    weird: Share
    stop_at: Share
    tile: bool
    cost: Annotated[float, Field(ge=0)]
    steers: tuple[Steer, ...] = ()
    student: bool = False
