"""What a job asks of a model, in numbers.

Made once, when the job is accepted (`contract.planning`), it travels inside the job: what is priced, drawn and written
into the pictures is the same, no matter what a worker's own catalogue says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """Numbers for one job.

    `width` and `height` are pixels of a drawn picture, before it is enlarged. `chaos`, `weird` and `stop_at` run from
    0 to 1. `image_weight` is the share of image prompts, from 0. `cost` is the job's price: megapixel-steps, all its
    pictures together.
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
    image_weight: Annotated[float, Field(ge=0)]
    cost: Annotated[float, Field(ge=0)]
