"""What a picture file says of itself, and whether it can be drawn again from itself: behind `easel verify`.

A file's credentials say what made it and that nothing changed since. Its recipe goes through the same makers as a job,
and what comes out is compared with the file, level by level.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract.catalogue import Catalogue
from contract.errors import EaselError, UserError
from worker.alone import make_alone
from worker.encoding import Encoded, assemble_grid, message_ladder, read_parameters
from worker.loading import Loader
from worker.parameters import parameters_text
from worker.recipes import Recipe, read_recipe
from worker.results import Pictures
from worker.signing import Credentials, Verdict, read_credentials

Pixels = NDArray[np.uint8]

_MAGIC = {"png": b"\x89PNG\r\n\x1a\n", "jpg": b"\xff\xd8\xff", "webp": b"RIFF"}
_RUNGS = 9
"""How far down the ladder of qualities and sizes a file is looked for: four qualities, twice halved."""

_ALLOWED, _ALLOWED_AFTER_JPEG = 1, 8
"""Levels by which a picture may differ on another kind of processor: one, which a JPEG's rounding can make more of."""


class CannotVerify(EaselError):
    """The file is no picture of ours, or what it needs to be drawn again is missing; the text says which."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """`levels` is the largest difference of any pixel, of 255; 0 is equal to the byte. `same` says whether it is the
    picture: another kind of processor, or a batch with strangers, may have rounded the last bit otherwise."""

    levels: int
    same: bool


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A file as it was found; it may be damaged."""

    data: bytes
    extension: str

    def credentials(self, anchors: bytes | None = None) -> Credentials:
        """What it says of itself; `anchors` as in `worker.signing.read_credentials`."""
        return read_credentials(self.data, self.extension, anchors)

    def pixels(self) -> Pixels:
        """(H, W, 3). CannotVerify when it is too damaged to be shown."""
        try:
            return _decoded(Encoded(self.data, self.extension))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            raise CannotVerify("the picture is damaged") from None


def open_file(path: Path) -> PictureFile:
    """The picture in `path`. CannotVerify when there is none that a delivery could have made."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CannotVerify(f"{path} cannot be read: {error.strerror}") from None
    for extension, magic in _MAGIC.items():
        if data.startswith(magic):
            return PictureFile(data, extension)
    raise CannotVerify(f"{path} is no PNG, JPEG or WebP picture")


def redraw(recipe: Recipe, catalogue: Catalogue, loader: Loader) -> list[Pixels]:
    """The pictures of a recipe, drawn again here. CannotVerify for what it needs and this host does not have."""
    job = recipe.job
    plan = job.plan
    if plan is None:
        raise CannotVerify("the recipe has no numbers: an Easel before 0.2 made it")
    if job.links:
        raise CannotVerify(f"it was drawn near {len(job.links)} linked pictures, which are not in the file")
    if any(made.prompt.images or made.request.links for made in job.ancestors):
        raise CannotVerify("a picture that it starts from was drawn near linked pictures, which are not in the file")
    try:
        model = catalogue.named(job.model)
        warm = loader.load(model.name)
    except UserError:
        raise CannotVerify(f"the model {job.model} is not in the catalogue here") from None
    try:
        result = make_alone(job, plan, model, warm)
    finally:
        warm.engine.close()
    if not isinstance(result, Pictures):
        raise CannotVerify("its job made texts, not pictures")
    return list(result.images)


def compare(file: PictureFile, images: Sequence[Pixels], recipe: Recipe) -> Redrawn:
    """How far the file is from what was redrawn, both after the same encoding.

    CannotVerify when the redrawn pictures come out in no size that the file has.
    """
    shown = assemble_grid(images) if recipe.index is None else images[recipe.index % len(images)]
    pixels = file.pixels()
    candidates = [_levels(pixels, other) for other in _encodings(file, shown, recipe)]
    found = [levels for levels in candidates if levels is not None]
    if not found:
        raise CannotVerify("the redrawn picture has another size than the file")
    allowed = _ALLOWED_AFTER_JPEG if file.extension == "jpg" else _ALLOWED
    return Redrawn(min(found), min(found) <= allowed)


def _encodings(file: PictureFile, shown: Pixels, recipe: Recipe) -> Iterable[Pixels]:
    """What `shown` looks like in the ways in which it may have been encoded."""
    if file.extension != "jpg":
        yield shown
        return
    text = read_parameters(file.data) or parameters_text(recipe.job)
    for rung in islice(message_ladder(shown, text), _RUNGS):
        yield _decoded(rung)


def _decoded(file: Encoded) -> Pixels:
    with Image.open(io.BytesIO(file.data)) as image:
        return np.asarray(image.convert("RGB"))


def _levels(one: Pixels, other: Pixels) -> int | None:
    if one.shape != other.shape:
        return None
    return int(np.abs(one.astype(np.int16) - other.astype(np.int16)).max())


def document(credentials: Credentials, redrawn: Redrawn | None) -> dict[str, Any]:
    """All that is known, as a JSON object."""
    return {**asdict(credentials), "redrawn": redrawn and asdict(redrawn)}


_VERDICTS = {
    Verdict.TRUSTED: "The signature is whole, and it is this house's: nothing was changed since {generator} made it.",
    Verdict.VALID: "The signature is whole: nothing was changed since {generator} made it. Nobody here vouches for its "
    "signer, {signer}.",
    Verdict.INVALID: "The signature is not valid: the file was changed since it was signed, or signed wrongly.",
    Verdict.UNSIGNED: "The file has no signature: nothing can be said of what made it.",
}


def sentences(credentials: Credentials, redrawn: Redrawn | None) -> str:
    """All that is known, for people."""
    lines = [_VERDICTS[credentials.verdict].format(generator=credentials.generator, signer=credentials.signer)]
    if credentials.problems:
        lines.append(f"Found: {', '.join(credentials.problems)}.")
    if credentials.recipe is not None and credentials.verdict is not Verdict.INVALID:
        job = read_recipe(credentials.recipe).job
        lines.append(f"It shows: {job.prompt.echo or 'a surprise'} (model {job.model}, seed {job.seed}, job {job.id}).")
    if redrawn is not None:
        lines.append(_again(redrawn))
    return "\n".join(lines)


def _again(redrawn: Redrawn) -> str:
    if redrawn.levels == 0:
        return "Drawn again from the file alone: equal, byte for byte."
    within = f"it differs by up to {redrawn.levels} of 255 levels"
    if redrawn.same:
        return f"Drawn again from the file alone: the same picture, {within}."
    return f"Drawn again from the file alone: another picture, {within}."
