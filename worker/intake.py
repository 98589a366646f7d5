"""Input pictures: read once, then kept beside the job, because Discord's links expire after a day.

A job made from another finds what its parents kept, so a re-roll months later needs no link that still works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.prompt.links import called, lasting
from contract.uploads import upload_name
from exchange.images import ImageStore
from worker.encoding import encode_lossless, read_parameters, read_pixels
from worker.maps import check_map
from worker.reading import LinkUnreadable
from worker.screening import Screen

log = structlog.get_logger(__name__)

MAX_INPUTS = 16
"""Pictures that a job may be made from; the store has names for so many."""
LEAST_SIDE = 16
"""Pixels a side, of the picture as it is kept: of less nobody can tell what it shows."""
_GENERATIONS = 20
_ALIKE_LEVELS = 2.0


_NOT_LOOKED_AT = Screen(None)
"""Of a process that has no classifier: what would have to be looked at is not taken in."""


class Reading(Protocol):
    """What is asked of `worker.reading.Reading`; tests hand in their own."""

    def cancel(self) -> None: ...
    def result(self) -> list[NDArray[np.uint8]]: ...


Read = Callable[[Sequence[str], Mapping[str, bytes]], Reading]
"""Begins to read the pictures behind some links, of which some come as files."""


class Intake:
    """Brings in what prompts link to."""

    def __init__(self, store: ImageStore, read: Read, screen: Screen = _NOT_LOOKED_AT) -> None:
        """`read` reads the pictures behind links, and `screen` looks at them before they are kept."""
        self._store = store
        self._read = read
        self._screen = screen

    def take_in(self, job: Job, started: Callable[[Reading], None]) -> None:
        """Keep the pictures that a job's prompt links to under the job's id, in its order.

        `started` gets what the job waits for, so that others can cancel it. UserError `link_refused` when a picture
        cannot be had, `input_refused` when it may not be used, `duplicate_images` when two that should differ do not,
        `map_colours` and `map_empty` for a map that cannot be read; `worker.screening.CannotScreen`;
        `worker.reading.ReadingStopped` after a cancel. Harmless to repeat: it reads nothing twice.
        """
        links = job.links
        if len(links) > MAX_INPUTS:
            raise UserError("link_refused", link=called(links[MAX_INPUTS]), reason="too_many", limit=MAX_INPUTS)
        files = {link: self._kept(job, link) for link in links}
        missing = [link for link, file in files.items() if file is None]
        if missing:
            reading = self._read(missing, self._uploads(job, missing))
            started(reading)
            try:
                pictures = reading.result()
            except LinkUnreadable as error:
                log.info("link refused", reason=error.reason)
                raise UserError("link_refused", link=called(error.link), reason=error.reason, **error.values) from error
            for link, picture in zip(missing, pictures, strict=True):
                if min(picture.shape[:2]) < LEAST_SIDE:
                    raise UserError("link_refused", link=called(link), reason="too_small", limit=LEAST_SIDE)
            # The link in the file's metadata is how it is found again.
            files |= {
                link: encode_lossless(picture, parameters=link).data
                for link, picture in zip(missing, pictures, strict=True)
            }
        mapped = job.prompt.parameters.structure
        found = {link: file for link, file in files.items() if file is not None}
        for group in job.prompt.different_links:
            if _has_twins([read_pixels(found[link]) for link in group]):
                raise UserError("duplicate_images")
        if mapped is not None:
            check_map(read_pixels(found[mapped]), job.prompt.parameters.structure_kind or "areas")
        self._screen.check_inputs(job, lambda: [(link, read_pixels(file)) for link, file in found.items()])
        for number, link in enumerate(links):
            self._store.put_input(job.id, input_name(self._place(job, number, link)), found[link])

    def _uploads(self, job: Job, links: Sequence[str]) -> dict[str, bytes]:
        """The files of those links that lead to what came with the request."""
        named = {link: name for link in links if (name := upload_name(link)) is not None}
        files = {link: self._store.get_input(job.id, name) for link, name in named.items()}
        return {link: file for link, file in files.items() if file is not None}

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
        return [self._file(job.id, number, link) for number, link in enumerate(job.links)]

    def _kept(self, job: Job, link: str) -> bytes | None:
        """The file of this link, from the job itself or from those it was made from."""
        files = (self._file(job_id, 0, link) for job_id in self._line(job))
        return next((file for file in files if file is not None), None)

    def _file(self, job_id: JobId, number: int, link: str) -> bytes | None:
        """The file of this link among a job's, most likely at `number`; None when there is none. What lies there may be
        another's: pictures read from a job's message are taken in under its id, too."""
        for place in sorted(range(MAX_INPUTS), key=lambda place: place != number):
            file = self._store.get_input(job_id, input_name(place))
            if file is not None and _is_behind(link, file):
                return file
            if file is None and place != number:
                break
        return None

    def _place(self, job: Job, number: int, link: str) -> int:
        """Where the file of this link goes: at `number`, or at the next place where it takes no other's."""
        for place in range(number, MAX_INPUTS):
            file = self._store.get_input(job.id, input_name(place))
            if file is None or _is_behind(link, file):
                return place
        return number

    def _line(self, job: Job) -> Iterator[JobId]:
        current: Job | None = job
        yield job.id
        for _ in range(_GENERATIONS):
            if current is None or current.parent is None:
                return
            yield current.parent.id
            current = self._store.get_record(current.parent.id)


def _is_behind(link: str, file: bytes) -> bool:
    """Whether an input file is what was read behind a link."""
    return lasting(read_parameters(file) or "") == lasting(link)


def _has_twins(pictures: Sequence[NDArray[np.uint8]]) -> bool:
    """Whether two of them are the same but for what another file format does to a picture."""
    pairs = combinations(pictures, 2)
    return any(
        one.shape == other.shape and np.abs(one.astype(np.int16) - other).mean() < _ALIKE_LEVELS for one, other in pairs
    )


def input_name(number: int) -> str:
    """The store's name for a prompt's picture, counted from 0."""
    return f"input/{number}"
