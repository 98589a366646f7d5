"""What a rule would have done to past jobs: replayed over the records that are kept, and nothing is changed."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from contract.codec import job_from_document
from contract.errors import EaselError
from contract.ids import JobId
from contract.moderation import PICTURES, Blocked, Owner, Weight, met, scores_in
from exchange.images import ImageStore, StoreUnavailable

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Hits:
    """The jobs that one rule meets, with their prompts, and whose they are."""

    jobs: dict[JobId, str] = field(default_factory=dict)
    people: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Past:
    """So many jobs of so many people, and what each rule would have met; `looked_at` have pictures with a score."""

    jobs: int
    people: int
    looked_at: int
    hits: dict[str, Hits]


def replay(images: ImageStore, entries: Sequence[Blocked], *, threshold: float | None = None, days: float = 0) -> Past:
    """Hold the kept jobs of the last `days` (0: all) against entries of a list and, with a `threshold`, against a rule
    for pictures. It walks the whole store, so it may take minutes. StoreUnavailable."""
    since_ms = (time.time() - days * DAY_S) * 1000 if days else 0
    hits: dict[str, Hits] = {str(entry): Hits() for entry in entries}
    if threshold is not None:
        hits[PICTURES] = Hits()
    listed = [(Owner.OPERATOR, [Blocked(entry.word) for entry in entries if entry.weight.ordinary is not Weight.OFF])]
    named = {entry.word: str(entry) for entry in entries}
    jobs, looked_at, people = 0, 0, set[int]()
    for job_id in images.untouched_since(math.inf):
        try:
            document = images.get_document(job_id)
            job = None if document is None else job_from_document(document)
        except StoreUnavailable:
            raise
        except EaselError as error:
            log.warning("a record could not be read and is left out", job_id=job_id, error=str(error))
            continue
        if job is None or job.created_ms < since_ms:
            continue
        jobs += 1
        people.add(job.user.id)
        names = [named[one.word] for one in met(listed, job.prompt, age_restricted=False)]
        scores = scores_in(document)
        looked_at += bool(scores)
        if threshold is not None and scores and max(scores) >= threshold:
            names.append(PICTURES)
        for name in names:
            hits[name].jobs[job_id] = job.prompt.echo
            hits[name].people.add(job.user.id)
    return Past(jobs, len(people), looked_at, hits)
