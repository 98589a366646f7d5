"""Requests that carry an `Idempotency-Key`: what the first of them makes is what all of them get.

The jobs are kept with what was asked for, because making them once more need not make the same: the settings of the key
may have changed, or the operator's models.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from api.errors import ApiError
from api.shapes import Options
from contract.codec import job_document, job_from_document
from contract.jobs import Job
from service.asker import Asker
from service.budget import promptly
from service.services import Services

KEPT_S = 86_400
"""How long a key is known: as long as the jobs that ended."""
_SAYS_WHAT = {"model", "n", "size", "prompt"}
"""The fields that say what is to be drawn; the others say how to answer."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture file that came with a request. `extension` is what it begins like: png, jpg or webp."""

    data: bytes
    extension: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for: the jobs that `make` makes of it, with the files that come with each, and how they are
    to be answered.

    `event` is what OpenAI calls the events of a stream, such as `image_generation`.
    """

    make: Callable[[], Awaitable[tuple[Job, ...]]]
    uploads: Mapping[str, Upload]
    options: Options
    event: str


async def jobs_of(services: Services, asker: Asker, wanted: Wanted) -> tuple[Job, ...]:
    """The jobs that the first request like this made, else those that this one makes.

    ApiError 409 when that asked for something else. UserError when they cannot be made.
    """
    if not asker.returns:
        return await wanted.make()
    asked = _digest(wanted)
    async with promptly():
        kept = await services.preferences.kept(_token(asker), owner=asker.user.id)
    if kept is None:
        jobs = await wanted.make()
        request = {"asked": asked, "jobs": [job_document(job) for job in jobs]}
        async with promptly():
            kept = await services.preferences.keep_first(_token(asker), request, owner=asker.user.id, lifetime_s=KEPT_S)
    if kept["asked"] != asked:
        message = "This Idempotency-Key belongs to another request: a new request needs a new key."
        raise ApiError(409, message, "idempotency_key_reused")
    return tuple(job_from_document(document) for document in kept["jobs"])


async def forget(services: Services, asker: Asker) -> None:
    """Forget what was asked for, because nothing of it was accepted: the key may be used for something else."""
    async with promptly():
        await services.preferences.take_pending(_token(asker), owner=asker.user.id)


def _token(asker: Asker) -> str:
    return f"asked-{asker.key:x}"


def _digest(wanted: Wanted) -> str:
    said = wanted.options.model_dump(include=_SAYS_WHAT, exclude_none=True)
    files = {name: hashlib.sha256(upload.data).hexdigest() for name, upload in wanted.uploads.items()}
    return hashlib.sha256(json.dumps([wanted.event, said, files], sort_keys=True).encode()).hexdigest()
