"""Pictures from noise alone, for all kinds that need no other picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from contract.layout import NATIVE, trimmed
from contract.plan import By
from model import Start
from worker.joining import fitted, in_ratio, mean, middle, scaled
from worker.kinds.bench import Bench, Picture
from worker.kinds.laid_out import draw_laid_out
from worker.recolouring import Recoloured, recoloured
from worker.render import request_for
from worker.results import Pictures

_NEWNESS_OF_DYED = 0.35
"""So much of the way is drawn anew where a thing has got its new colour already: enough for another leaf or shade, too
little for another colour (`benchmarks.references --edits`)."""
_SEAM = 64
"""The old and the new mix in a band of so small a share of the picture."""


def draw(bench: Bench) -> Pictures:
    """All in one request. Models draw in steps of so many pixels, so a little is cut off two sides for the ratio."""
    dyed = dyed_in(bench)
    start = None if dyed is None else dyed.start
    request = request_for(bench.job, bench.plan, pictures=bench.pictures, indices=bench.indices, start=start)
    areas = next((steer for steer in bench.plan.steers if steer.by is By.AREAS), None)
    drawn = bench.draw(request) if areas is None or dyed is not None else draw_laid_out(bench, areas, request)
    images = in_shape(bench, bench.finish(drawn, request))
    return Pictures(images if dyed is None else dyed.around(images))


@dataclass(frozen=True)
class Dyed:
    """The picture of an edit that names a colour, and the same with its thing in that colour."""

    picture: Picture
    made: Recoloured

    @property
    def start(self) -> Start:
        """What its thing is drawn over from."""
        return Start(((self.made.picture, 1.0),), _NEWNESS_OF_DYED)

    def around(self, drawn: Sequence[Picture]) -> list[Picture]:
        """What was drawn from there, with the picture's own pixels around the thing. All have one size."""
        height, width = drawn[0].shape[:2]
        before = _as_large(self.picture, width, height)
        thing = _as_large(np.repeat((self.made.thing * np.uint8(255))[..., None], 3, axis=2), width, height)
        share = mean((thing / 255).astype(np.float32), max(1, min(height, width) // _SEAM))
        return [(before + share * (image - before.astype(np.float32))).round().astype(np.uint8) for image in drawn]


def dyed_in(bench: Bench) -> Dyed | None:
    """What an edit starts from that names a colour; None for other jobs, and where no thing stands out."""
    edit = next((steer for steer in bench.plan.steers if steer.by is By.START and steer.name), None)
    if edit is None:
        return None
    picture = fitted(bench.pictures[edit.link], NATIVE)
    made = recoloured(picture, edit.name)
    return None if made is None else Dyed(picture, made)


def in_shape(bench: Bench, images: Sequence[Picture]) -> list[Picture]:
    """Drawn pictures with the ratio that was asked for."""
    return in_ratio(images, bench.job.prompt.parameters.aspect, tile=bench.plan.tile)


def _as_large(picture: Picture, width: int, height: int) -> Picture:
    """The middle of a picture, of this size."""
    return scaled(middle(picture, *trimmed(picture.shape[1::-1], (width, height))), width, height)
