"""Input pictures: fetched once, then kept beside the job, because Discord's links expire after a day.

A job made from another finds what its parents kept, so a re-roll months later needs no link that still works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from exchange.images import MAX_INDEX, ImageStore
from worker.encoding import encode_lossless, read_parameters
from worker.fetching import LinkRefused, decode_picture

log = structlog.get_logger(__name__)

FIRST_INPUT = 8
"""Inputs are kept under the indices from here on; results have those below."""
MAX_INPUTS = MAX_INDEX - FIRST_INPUT
_GENERATIONS = 20


class Intake:
    """Brings in what prompts link to. `fetch` gives the bytes behind a link, or LinkRefused."""

    def __init__(self, store: ImageStore, fetch: Callable[[str], bytes]) -> None:
        self._store = store
        self._fetch = fetch

    def pictures(self, job: Job) -> list[NDArray[np.uint8]]:
        """The pictures that a job's prompt links to, in its order, (H, W, 3) each; kept under the job's id as well.

        UserError `link_refused` when one cannot be had.
        """
        links = [image.url for image in job.prompt.images]
        if len(links) > MAX_INPUTS:
            raise UserError("link_refused", link=links[MAX_INPUTS], reason=f"at most {MAX_INPUTS} pictures are taken")
        return [self._picture(job, link, FIRST_INPUT + number) for number, link in enumerate(links)]

    def _picture(self, job: Job, link: str, index: int) -> NDArray[np.uint8]:
        file = self._kept(job, link)
        if file is None:
            try:
                image = decode_picture(self._fetch(link))
            except LinkRefused as error:
                log.info("link refused", reason=str(error))
                raise UserError("link_refused", link=link, reason=str(error)) from error
            # The link in the file's metadata is how it is found again.
            file = encode_lossless(image, parameters=link).data
        self._store.put_image(job.id, index, file)
        return decode_picture(file)

    def _kept(self, job: Job, link: str) -> bytes | None:
        """The file of this link, from the job itself or from those it was made from."""
        for job_id in self._line(job):
            for index in range(FIRST_INPUT, MAX_INDEX):
                file = self._store.get_image(job_id, index)
                if file is None:
                    break
                if read_parameters(file) == link:
                    return file
        return None

    def _line(self, job: Job) -> Iterator[JobId]:
        current: Job | None = job
        yield job.id
        for _ in range(_GENERATIONS):
            if current is None or current.parent is None:
                return
            yield current.parent.id
            current = self._store.get_record(current.parent.id)
