"""What a delivered file carries so that it can be drawn again from itself: the job, without who asked and where.

The recipe lies in the file's content credentials (`worker.signing`), so nobody can change it unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from contract.codec import job_document, job_from_document
from contract.errors import EaselError, MalformedDocument
from contract.jobs import GRID_SIZE, DiscordChannel, Job, User
from worker.encoding import Encoded
from worker.signing import Signer, SigningError, read_credentials

if TYPE_CHECKING:
    from model.ways import Ways

log = structlog.get_logger(__name__)

_NOBODY, _NOWHERE = User(0, "somebody"), DiscordChannel(0)
_TITLE_CHARACTERS = 200


DrawnBy: TypeAlias = "tuple[Ways | None, ...]"
"""What drew a picture, for each of `Job.shown`: those that it started from, oldest first, and itself. None where that
is not known; all of it is not known where it is empty."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """`index` is the picture of the job (from 0) that the file shows, None for all of them as a grid."""

    job: Job
    index: int | None = None
    drawn_by: DrawnBy = ()


def recipe_document(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a JSON object; it names neither the person nor the channel."""
    job = replace(recipe.job, user=_NOBODY, destination=_NOWHERE, created_ms=0, locale="en-US", stealth=False)
    ways = [
        None if one is None else {name: value for name, value in asdict(one).items() if value}
        for one in recipe.drawn_by
    ]
    return {**job_document(job), "picture": recipe.index, **({"drawn_by": ways} if any(ways) else {})}


def read_recipe(document: Mapping[str, Any]) -> Recipe:
    """The recipe in a JSON object of `recipe_document`. MalformedDocument or NewerVersion when it is none."""
    index = document.get("picture")
    job = job_from_document({name: document.get(name) for name in ("version", "job")})
    if index is not None and not (isinstance(index, int) and 0 <= index < job.image_count):
        raise MalformedDocument(f"a job of {job.image_count} pictures has no picture {index!r}")
    return Recipe(job, index, _drawn_by(document.get("drawn_by"), len(job.shown(0))))


def _drawn_by(listed: object, length: int) -> DrawnBy:
    """MalformedDocument for what is no such list. A file of an Easel before 0.3 has none."""
    from model.ways import Ways

    if listed is None:
        return ()
    known = {field.name: type(field.default) for field in fields(Ways)}
    if not isinstance(listed, list) or len(listed) != length:
        raise MalformedDocument(f"a list of {length} drawings was expected, not {listed!r}")
    for one in listed:
        right = isinstance(one, dict) and all(type(value) is known.get(name) for name, value in one.items())
        if one is not None and not (right and 0 <= one.get("images", 0) <= GRID_SIZE):
            raise MalformedDocument(f"nothing draws by {one!r}")
    return tuple(None if one is None else Ways(**one) for one in listed)


def drawn_by(data: bytes) -> DrawnBy:
    """What the file of a picture says of its drawing; nothing for one that says nothing."""
    recipe = read_credentials(data, "png" if data.startswith(b"\x89PNG") else "webp").recipe
    try:
        return () if recipe is None else read_recipe(recipe).drawn_by
    except EaselError:  # another Easel's, or a stranger's
        return ()


def of_both(started_from: DrawnBy, job: Job, own: Ways | None) -> DrawnBy:
    """What drew a picture of `job`: what it `started_from`, and itself, as long as `Job.shown` is."""
    before: Sequence[Ways | None] = started_from or (None,) * len(job.ancestors)
    return (*before, own)[: len(job.shown(0))]


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
