"""Input pictures: read once, then kept beside the job, because Discord's links expire after a day.

A job made from another finds what its parents kept, so a re-roll months later needs no link that still works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.prompt.links import lasting, shortened
from exchange.images import ImageStore
from worker.encoding import encode_lossless, read_parameters, read_pixels
from worker.reading import LinkUnreadable

log = structlog.get_logger(__name__)

MAX_INPUTS = 16
"""Pictures that a job may be made from; the store has names for so many."""
_GENERATIONS = 20


class Reading(Protocol):
    """What is asked of `worker.reading.Reading`; tests hand in their own."""

    def cancel(self) -> None: ...
    def result(self) -> list[NDArray[np.uint8]]: ...


class Intake:
    """Brings in what prompts link to. `read` begins to read the pictures behind some links."""

    def __init__(self, store: ImageStore, read: Callable[[Sequence[str]], Reading]) -> None:
        self._store = store
        self._read = read

    def take_in(self, job: Job, started: Callable[[Reading], None]) -> None:
        """Keep the pictures that a job's prompt links to under the job's id, in its order.

        `started` gets what the job waits for, so that others can cancel it. UserError `link_refused` when a picture
        cannot be had; `worker.reading.ReadingStopped` after a cancel. Harmless to repeat: it reads nothing twice.
        """
        links = job.links
        if len(links) > MAX_INPUTS:
            raise UserError("link_refused", link=shortened(links[MAX_INPUTS]), reason="too_many", limit=MAX_INPUTS)
        files = {link: self._kept(job, link) for link in links}
        missing = [link for link, file in files.items() if file is None]
        if missing:
            reading = self._read(missing)
            started(reading)
            try:
                pictures = reading.result()
            except LinkUnreadable as error:
                log.info("link refused", reason=error.reason)
                raise UserError(
                    "link_refused", link=shortened(error.link), reason=error.reason, **error.values
                ) from error
            # The link in the file's metadata is how it is found again.
            files |= {
                link: encode_lossless(picture, parameters=link).data
                for link, picture in zip(missing, pictures, strict=True)
            }
        for number, link in enumerate(links):
            file = files[link]
            assert file is not None
            self._store.put_input(job.id, input_name(number), file)

    def pictures(self, job: Job, started: Callable[[Reading], None]) -> list[NDArray[np.uint8]]:
        """What a job's prompt links to, (H, W, 3) each, from the store.

        If the store has lost one since the intake, it is taken in here and now; errors as `take_in`.
        """
        files = self._files(job)
        if None in files:
            log.warning("the store has lost pictures that were brought in")
            self.take_in(job, started)
            files = self._files(job)
        return [read_pixels(file) for file in files if file is not None]

    def _files(self, job: Job) -> list[bytes | None]:
        return [self._store.get_input(job.id, input_name(number)) for number in range(len(job.links))]

    def _kept(self, job: Job, link: str) -> bytes | None:
        """The file of this link, from the job itself or from those it was made from."""
        for job_id in self._line(job):
            for number in range(MAX_INPUTS):
                file = self._store.get_input(job_id, input_name(number))
                if file is None:
                    break
                if lasting(read_parameters(file) or "") == lasting(link):
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


def input_name(number: int) -> str:
    """The store's name for a prompt's picture, counted from 0."""
    return f"input/{number}"
