"""What a picture file says of itself, and whether it can be drawn again from itself: behind `easel verify`.

A file's credentials say what made it and that nothing changed since. Its recipe goes through the same makers as a job,
and what comes out is compared with the file, level by level.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from contract import planning
from contract.catalogue import Catalogue, Model
from contract.errors import EaselError, UserError
from contract.jobs import Job
from contract.plan import Plan
from model.ways import Ways
from worker import mp4
from worker.alone import make_alone
from worker.encoding import Encoded, assemble_grid, message_ladder, read_frames, read_parameters, smaller_animations
from worker.engines import Warm
from worker.loading import Loader
from worker.parameters import parameters_text
from worker.recipes import DrawnBy, Recipe, read_recipe
from worker.results import Animation, Pictures, Result, Words
from worker.signing import Credentials, Verdict, read_credentials
from worker.sources import Source, source_of

Pixels = NDArray[np.uint8]

_MAGIC = {"png": rb"\x89PNG\r\n\x1a\n", "jpg": rb"\xff\xd8\xff", "webp": rb"RIFF", "mp4": rb"(?s:....)ftyp"}
_RUNGS = 9
"""How far down the ladder of qualities and sizes a file is looked for: four qualities, twice halved."""

_ALLOWED, _ALLOWED_AFTER_MORE = 1, 8
"""Levels by which a picture may differ: one. More where another kind of processor drew it again, it was in a batch with
strangers, or its engine was exchanged in the middle (a worker's first start, `model.ways`), and something makes more of
that: a lossy file's rounding, or drawing on from a picture that itself may differ by one."""


class CannotVerify(EaselError):
    """The file is no picture of ours, or what it needs to be drawn again is missing; the text says which."""


@dataclass(frozen=True, slots=True)
class Redrawn:
    """`levels` is the largest difference of any pixel, of 255; 0 is equal to the byte. `same` says whether it is the
    picture: another kind of processor, or a batch with strangers, may have rounded the last bit otherwise.

    `drew` and `redrew` are what drew it then and now, as in `worker.recipes.Recipe`.
    """

    levels: int
    same: bool
    drew: DrawnBy = ()
    redrew: DrawnBy = ()

    @property
    def differences(self) -> list[str]:
        """Why it need not be equal to the byte; empty where the same engine drew it on the same kind of processor."""
        return differences(self.drew, self.redrew)


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
        if re.match(magic, data):
            return PictureFile(data, extension)
    raise CannotVerify(f"{path} is no PNG, JPEG or WebP picture, and no MP4")


class Redrawer:
    """Draws pictures of recipes again. A model stays loaded until another one is needed, or `close`."""

    def __init__(self, catalogue: Catalogue, loader: Loader) -> None:
        self._catalogue = catalogue
        self._loader = loader
        self._warm: Warm | None = None
        self._ways: Ways | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def draw(self, recipe: Recipe) -> Pictures | Animation:
        """What a recipe shows, drawn by what drew it then. CannotVerify for what it needs and this host does not
        have."""
        plan = _redrawable(recipe.job)
        try:
            model = self._catalogue.named(recipe.job.model)
        except UserError:
            raise CannotVerify(f"the model {recipe.job.model} is not in the catalogue here") from None
        result = self._drawn(recipe.job, plan, model, recipe.drawn_by or (None,) * len(recipe.job.shown(0)))
        if isinstance(result, Words):
            raise CannotVerify("its job made texts, not pictures")
        return result

    def _drawn(
        self, job: Job, plan: Plan, model: Model, drawn_by: DrawnBy, indices: Sequence[int] | None = None
    ) -> Result:
        before, own = drawn_by[: len(job.ancestors)], drawn_by[-1]

        def again(source: Job, index: int) -> Source:
            drew = self._catalogue.named(source.model)
            result = self._drawn(source, planning.plan(source, drew), drew, before, (index,))
            assert isinstance(result, Pictures), "only pictures have descendants"
            return Source(result.images[0], result.drawn_by)

        source = None
        if job.ancestors:
            drew = self._catalogue.drew(job.ancestors[-1].id) or model
            source = source_of(replace(job, model=drew.name), lambda id, index: None, again)
        rows_of = own.images if own is not None else 0
        return make_alone(job, plan, model, self._warmed(model.name, own), indices, source=source, rows_of=rows_of)

    def close(self) -> None:
        """Let go of the model."""
        warm, self._warm = self._warm, None
        if warm is not None:
            warm.engine.close()

    def _warmed(self, name: str, ways: Ways | None) -> Warm:
        """The model, drawing by `ways`; the one that is loaded, whatever it draws by, where it does not matter."""
        ways = replace(ways, place="", shared=False, images=0) if ways is not None and _parts(ways) else None
        if self._warm is None or self._warm.name != name or (ways is not None and ways != self._ways):
            self.close()
            self._warm, self._ways = self._loader.load(name, ways), ways
        return self._warm


def _redrawable(job: Job) -> Plan:
    """The plan of a job that can be drawn from its recipe alone; CannotVerify for any other."""
    plan = job.plan
    if plan is None:
        raise CannotVerify("the recipe has no numbers: an Easel before 0.2 made it")
    if job.links:
        raise CannotVerify(f"it was drawn near {len(job.links)} linked pictures, which are not in the file")
    if any(made.prompt.images or made.request.links for made in job.ancestors):
        raise CannotVerify("a picture that it starts from was drawn near linked pictures, which are not in the file")
    return plan


def compare(file: PictureFile, drawn: Pictures | Animation, recipe: Recipe) -> Redrawn:
    """How far the file is from what was redrawn, both after the same encoding.

    CannotVerify when the redrawn pictures come out in no size that the file has.
    """
    encodings: Iterable[Pixels]
    if isinstance(drawn, Animation):
        pixels, encodings = _frames(file.data, file.extension), _moving(drawn, file.extension)
    else:
        images = drawn.images
        shown = assemble_grid(images) if recipe.index is None else images[recipe.index % len(images)]
        pixels, encodings = file.pixels(), _encodings(file, shown, recipe)
    candidates = [_levels(pixels, other) for other in encodings]
    found = [levels for levels in candidates if levels is not None]
    if not found:
        raise CannotVerify("the redrawn picture has another size than the file")
    lossy = isinstance(drawn, Animation) or file.extension == "jpg"
    alike = not differences(recipe.drawn_by, drawn.drawn_by)
    more = (lossy or recipe.job.request.from_picture) and not alike
    allowed = _ALLOWED_AFTER_MORE if more else _ALLOWED
    return Redrawn(min(found), min(found) <= allowed, recipe.drawn_by, drawn.drawn_by)


def differences(drew: DrawnBy, redrew: DrawnBy) -> list[str]:
    """Why what was drawn by the one need not be equal to the byte to what was drawn by the other."""
    known = [(then, now) for then, now in zip(drew, redrew, strict=False) if then is not None and now is not None]
    found = [] if drew and len(known) == len(drew) == len(redrew) else ["the file does not say all of what drew it"]
    if any(then.mixed for then, _ in known):
        found.append("its engine was exchanged while it drew")
    if any(then.shared for then, _ in known):
        found.append("it was drawn in one batch with others")
    if any(then.place != now.place for then, now in known):
        found.append("another kind of processor, or other libraries, drew it again")
    if any(_parts(then) != _parts(now) and not then.mixed for then, now in known):
        found.append("another engine drew it again")
    return found


def _parts(ways: Ways) -> dict[str, str]:
    """Each part of the model that had something to do, and what ran it."""
    parts = {"text": ways.text, "denoiser": ways.denoiser, "decoder": ways.decoder}
    return {name: way for name, way in parts.items() if way}


def _engines(drawn_by: DrawnBy) -> str:
    """What drew a picture and those that it started from, in words."""
    said: dict[str, None] = {}
    for ways in filter(None, drawn_by):
        parts = _parts(ways)
        same = len(set(parts.values())) == 1
        if parts:
            words = ways.denoiser if same else ", ".join(f"{name} by {way}" for name, way in parts.items())
            said[f"{words} on {ways.place}"] = None
    return "; ".join(said) or "no model"


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


def _moving(drawn: Animation, extension: str) -> Iterator[Pixels]:
    """The frames of what was drawn, in the ways in which it may have been encoded."""
    if extension == "mp4":
        frames, frame_ms = read_frames(drawn.data)
        files = mp4.ladder(frames, frame_ms, parameters="")
    else:
        files = smaller_animations(drawn.data)
    return (_frames(data, extension) for data in islice(files, _RUNGS))


def _frames(data: bytes, extension: str) -> Pixels:
    """The frames of a moving picture, one above the other (F x H, W, 3). CannotVerify when it is damaged, or is an MP4
    and this host reads none."""
    if extension == "mp4" and (lack := mp4.missing()) is not None:
        raise CannotVerify(f'MP4 files cannot be read here, {lack}: pip install ".[mp4]"')
    try:
        return np.concatenate(mp4.decode(data)[0] if extension == "mp4" else read_frames(data)[0])
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise CannotVerify("the picture is damaged") from None


def _levels(one: Pixels, other: Pixels) -> int | None:
    if one.shape != other.shape:
        return None
    return int(np.abs(one.astype(np.int16) - other.astype(np.int16)).max())


_VERDICTS = {
    Verdict.TRUSTED: "The signature is whole, and it is this house's: nothing was changed since {generator} made it.",
    Verdict.VALID: "The signature is whole: nothing was changed since {generator} made it. Nobody here vouches for its "
    "signer, {signer}.",
    Verdict.INVALID: "The signature is not valid: the file was changed since it was signed, or signed wrongly.",
    Verdict.UNSIGNED: "The file has no signature: nothing can be said of what made it.",
}


EQUAL, SAME, WHOLE = "equal, byte for byte", "the same within the allowed levels", "whole"
GOOD = (EQUAL, SAME, WHOLE)
"""The verdicts with which a picture is as it should be; `WHOLE` of one that was not drawn again."""


@dataclass(frozen=True, slots=True)
class Verified:
    """All that is known of a file; `redrawn` is None when it was not drawn again."""

    credentials: Credentials
    redrawn: Redrawn | None = None

    @property
    def verdict(self) -> str:
        """One of `GOOD`, or what is wrong."""
        if self.credentials.verdict not in (Verdict.TRUSTED, Verdict.VALID):
            return str(self.credentials.verdict)
        if self.redrawn is None:
            return WHOLE
        if self.redrawn.levels == 0:
            return EQUAL
        return SAME if self.redrawn.same else "another picture"

    def document(self) -> dict[str, Any]:
        """As a JSON object."""
        return {**asdict(self.credentials), "redrawn": self.redrawn and asdict(self.redrawn)}

    def words(self) -> str:
        """For people."""
        credentials = self.credentials
        lines = [_VERDICTS[credentials.verdict].format(generator=credentials.generator, signer=credentials.signer)]
        if credentials.problems:
            lines.append(f"Found: {', '.join(credentials.problems)}.")
        if credentials.recipe is not None and credentials.verdict is not Verdict.INVALID:
            job = read_recipe(credentials.recipe).job
            lines.append(
                f"It shows: {job.prompt.echo or 'a surprise'} (model {job.model}, seed {job.seed}, job {job.id})."
            )
        if self.redrawn is not None:
            lines.append(_again(self.redrawn))
        return "\n".join(lines)


def verify(file: PictureFile, anchors: bytes | None, redrawer: Redrawer | None) -> Verified:
    """Read a file's credentials and, with a `redrawer`, draw it again from them. CannotVerify."""
    credentials = file.credentials(anchors)
    if redrawer is None or credentials.recipe is None or credentials.verdict not in (Verdict.TRUSTED, Verdict.VALID):
        return Verified(credentials)
    recipe = read_recipe(credentials.recipe)
    return Verified(credentials, compare(file, redrawer.draw(recipe), recipe))


def _again(redrawn: Redrawn) -> str:
    drew, redrew = _engines(redrawn.drew), _engines(redrawn.redrew)
    if not redrawn.drew:
        by = f"The file does not say what drew it. What drew it again: {redrew}."
    elif drew == redrew:
        by = f"What drew it, then and now: {drew}."
    else:
        by = f"What drew it: {drew}. What drew it again: {redrew}."
    return f"Drawn again from the file alone: {_found(redrawn)} {by}"


def _found(redrawn: Redrawn) -> str:
    if redrawn.levels == 0:
        return "equal, byte for byte."
    which = "the same picture" if redrawn.same else "another picture"
    why = redrawn.differences or ["nothing that is known of its engine explains it"]
    return f"{which}, it differs by up to {redrawn.levels} of 255 levels ({', '.join(why)})."
