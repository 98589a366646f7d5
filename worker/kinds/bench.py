"""What a kind has at hand while it makes one job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contract.ids import JobId
from contract.jobs import Job
from contract.plan import Plan

if TYPE_CHECKING:
    from model import Request
    from worker.engines import Describe

Picture = NDArray[np.uint8]  # (H, W, 3)


@dataclass(frozen=True, slots=True)
class Bench:
    """`pictures` are those behind `job.links`, `source` is the last of `job.ancestors`, if it has any.
    `indices` are those of its pictures that are wanted: usually all.

    `draw_each` has the model draw requests one after another, `draw_together` all at once, in the same steps: their
    progress is published, a cancel ends it with `model.Cancelled`, every other trouble is a `model.ModelError`. `read`
    and `describe` are those of `worker.engines.Warm`. `finish` makes of a request's drawn pictures what people get, in
    the style that it asks for, which `paints` tells of; `enlarge` brings pictures to that size and does nothing else,
    `upscale` makes any picture four times as large on a side. `find` looks for a picture of any job in the store.
    """

    job: Job
    plan: Plan
    pictures: Mapping[str, Picture]
    indices: Sequence[int]
    draw_each: Callable[[Sequence[Request]], Iterable[list[Picture]]]
    finish: Callable[[list[Picture], Request], list[Picture]]
    paints: Callable[[Request], bool]
    enlarge: Callable[[list[Picture]], list[Picture]]
    upscale: Callable[[Picture], Picture]
    draw_together: Callable[[Sequence[Request]], list[list[Picture]]]
    read: Callable[[Sequence[str]], NDArray[np.float32]] | None = None
    describe: Describe | None = None
    source: Picture | None = None
    find: Callable[[JobId, int], Picture | None] = lambda id, index: None

    def draw(self, request: Request) -> list[Picture]:
        """The pictures of one request."""
        [images] = self.draw_each([request])
        return images

    def shown_small(self, images: list[Picture], request: Request) -> list[Picture]:
        """For a sheet, which makes pictures smaller again: as they were drawn, unless they are painted."""
        return self.finish(images, request) if self.paints(request) else images

    @property
    def start(self) -> Picture:
        """`source`, for kinds that start from one; ValueError when there is none."""
        if self.source is None:
            raise ValueError(f"job {self.job.id} says of no picture that it starts from it")
        return self.source
