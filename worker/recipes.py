"""What a delivered file carries so that it can be drawn again from itself: the job, without who asked and where.

The recipe lies in the file's content credentials (`worker.signing`), so nobody can change it unseen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import structlog

from contract.codec import job_document, job_from_document
from contract.errors import MalformedDocument
from contract.jobs import DiscordChannel, Job, User
from worker.encoding import Encoded
from worker.signing import Signer, SigningError

log = structlog.get_logger(__name__)

_NOBODY, _NOWHERE = User(0, "somebody"), DiscordChannel(0)
_TITLE_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Recipe:
    """`index` is the picture of the job (from 0) that the file shows, None for all of them as a grid."""

    job: Job
    index: int | None = None


def recipe_document(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a JSON object; it names neither the person nor the channel."""
    job = replace(recipe.job, user=_NOBODY, destination=_NOWHERE, created_ms=0, locale="en-US", stealth=False)
    return {**job_document(job), "picture": recipe.index}


def read_recipe(document: Mapping[str, Any]) -> Recipe:
    """The recipe in a JSON object of `recipe_document`. MalformedDocument or NewerVersion when it is none."""
    index = document.get("picture")
    job = job_from_document({name: document.get(name) for name in ("version", "job")})
    if index is not None and not (isinstance(index, int) and 0 <= index < job.image_count):
        raise MalformedDocument(f"a job of {job.image_count} pictures has no picture {index!r}")
    return Recipe(job, index)


def signed(signer: Signer | None, file: Encoded, recipe: Recipe) -> Encoded:
    """`file` with its credentials; as it is without a `signer`, and when it cannot be signed: a picture is not held
    back for that, but the log says so."""
    if signer is None:
        return file
    title = recipe.job.prompt.echo[:_TITLE_CHARACTERS] or "A surprise"
    try:
        data = signer.sign(file.data, file.extension, title, recipe_document(recipe), version=version("easel"))
    except SigningError as error:
        log.error("a file goes out without its credentials", error=str(error))
        return file
    return Encoded(data, file.extension)
