"""The picture that a job starts from: from the store, or drawn again from its lineage when that has lost it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.ids import JobId
from contract.jobs import Job
from exchange.images import ImageStore, StoreUnavailable
from worker.encoding import encode_lossless, read_pixels

Picture = NDArray[np.uint8]

log = structlog.get_logger(__name__)


def source_of(job: Job, find: Callable[[JobId, int], Picture | None], draw: Callable[[Job, int], Picture]) -> Picture:
    """The last of a job's ancestors, (H, W, 3). `find` looks for a picture of a job, `draw` makes that one alone.

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

    def find(self, id: JobId, index: int) -> Picture | None:
        """None when the store has none that can be read, or does not answer."""
        try:
            file = self._store.get_image(id, index)
            return None if file is None else read_pixels(file)
        except (StoreUnavailable, OSError, SyntaxError, ValueError) as error:  # Pillow's words for a damaged file
            log.warning("a picture to start from cannot be read", source=id, error=str(error))
            return None

    def keep(self, id: JobId, index: int, picture: Picture) -> None:
        """For the next job that starts from it. A full store stops nobody."""
        try:
            self._store.put_image(id, index, encode_lossless(picture, parameters=f"Easel job: {id}").data)
        except StoreUnavailable as error:
            log.warning("a picture to start from could not be kept", source=id, error=str(error))
