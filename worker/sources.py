"""The picture that a job starts from: from the store, or drawn again from its lineage when that has lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.ids import JobId
from contract.jobs import Job
from exchange.images import ImageStore, StoreUnavailable
from worker.encoding import encode_lossless, read_pixels
from worker.recipes import DrawnBy, drawn_by

Picture = NDArray[np.uint8]
T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """A picture to start from, (H, W, 3), and what drew it."""

    picture: Picture
    drawn_by: DrawnBy = ()


def source_of(job: Job, find: Callable[[JobId, int], Source | None], draw: Callable[[Job, int], Source]) -> Source:
    """The last of a job's ancestors. `find` looks for a picture of a job, `draw` makes that one alone.

    What `draw` gets may have ancestors of its own, and will ask for the last of them in turn.
    """
    *before, last = job.ancestors
    found = find(last.id, last.index)
    if found is not None:
        return found
    again = replace(
        job,
        id=last.id,
        request=last.request,
        prompt=last.prompt,
        parent=None,
        plan=None,
        ancestors=tuple(before),
    )
    log.info("the picture to start from is drawn again", source=last.id, index=last.index)
    return draw(again, last.index)


class Shelf:
    """Pictures of jobs in the store, for those that are made from them."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def picture(self, id: JobId, index: int) -> Picture | None:
        """(H, W, 3). None when the store has none that can be read, or does not answer."""
        return self._read(id, index, read_pixels)

    def find(self, id: JobId, index: int) -> Source | None:
        """The same with what drew it, which takes some milliseconds more: its credentials are read."""
        return self._read(id, index, lambda file: Source(read_pixels(file), drawn_by(file)))

    def _read(self, id: JobId, index: int, read: Callable[[bytes], T]) -> T | None:
        try:
            file = self._store.get_image(id, index)
            return None if file is None else read(file)
        except (StoreUnavailable, OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
            log.warning("a picture to start from cannot be read", source=id, error=str(error))
            return None

    def keep(self, id: JobId, index: int, picture: Picture) -> None:
        """For the next job that starts from it. A full store stops nobody."""
        try:
            self._store.put_image(id, index, encode_lossless(picture, parameters=f"Easel job: {id}").data)
        except StoreUnavailable as error:
            log.warning("a picture to start from could not be kept", source=id, error=str(error))
