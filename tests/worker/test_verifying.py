"""A picture is drawn again from its file alone, and any other picture is told apart from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.catalogue import DEFAULT_CATALOGUE
from contract.jobs import Job, Strength
from contract.kinds import KINDS
from model.ways import ONNX, TORCH, Ways, joined
from tests.contract.factories import imagine, planned, press, upscale, variation
from worker.encoding import (
    Encoded,
    assemble_grid,
    encode_animation,
    encode_lossless,
    encode_message,
    smaller_animations,
)
from worker.loading import Loader
from worker.parameters import parameters_text
from worker.recipes import Recipe, signed
from worker.results import Animation, Pictures
from worker.signing import Signer, Verdict, make_certificate
from worker.verifying import CannotVerify, PictureFile, Redrawer, Verified, compare, differences, open_file

SIGNER = Signer(*make_certificate())
PLAIN = Ways(TORCH, TORCH, TORCH, "a processor")


def redrawn(recipe: Recipe, loader: Loader) -> Pictures:
    """Its pictures, from the recipe alone."""
    with Redrawer(DEFAULT_CATALOGUE, loader) as redrawer:
        drawn = redrawer.draw(recipe)
    assert not isinstance(drawn, Animation)
    return drawn


def quick(job: Job) -> Job:
    """Two steps are as good as twenty for telling whether pictures are equal."""
    planned_job = planned(job)
    assert planned_job.plan is not None
    return replace(planned_job, plan=replace(planned_job.plan, num_inference_steps=2))


JOBS = {
    "imagine": quick(imagine("a red apple --ar 3:2 --no trees --seed 7 --v 6.1")),
    "variation": quick(variation(imagine("a fox"), 1, Strength.STRONG, press())),
    "upscale": quick(upscale(imagine("a fox"), 2, press())),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As a worker on a processor has."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def loader(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """With graphs that lie ready, so that every drawing takes the same way."""
    loader = Loader(DEFAULT_CATALOGUE, "cpu", graphs=tmp_path_factory.mktemp("graphs"))
    warm = loader.load("easel-small")
    warm.engine.quicken()  # type: ignore[attr-defined]
    warm.engine.close()
    return loader


def message(drawn: Pictures, job: Job) -> tuple[Encoded, Recipe]:
    """What a delivery makes of pictures."""
    recipe = Recipe(job, 0 if len(drawn.images) == 1 else None, drawn.drawn_by)
    file = encode_message(assemble_grid(drawn.images), parameters=parameters_text(job))
    return signed(SIGNER, file, recipe), recipe


WAYS = {
    "imagine": Ways(TORCH, TORCH, TORCH, images=4),
    "variation": Ways(TORCH, ONNX, ONNX, images=4),
    "upscale": Ways(ONNX, ONNX, ONNX, images=4),
}
"""A worker's first start before and after it has exported its graphs, and a later one; each with the rows of a whole
grid, out of which the upscaled picture was taken."""


@pytest.mark.parametrize("kind", JOBS)
def test_every_kind_is_drawn_again_from_its_file(kind: str, loader: Loader, tmp_path: Path) -> None:
    """By what drew it first; the second drawing is equal to the first, byte for byte."""
    job = JOBS[kind]
    drawn = redrawn(Recipe(job, None, (WAYS[kind],)), loader)
    assert [replace(ways, place="") for ways in drawn.drawn_by if ways] == [WAYS[kind]]
    file, recipe = message(drawn, job)
    path = tmp_path / f"picture.{file.extension}"
    path.write_bytes(file.data)
    found = open_file(path)
    again = compare(found, redrawn(recipe, loader), recipe)
    assert (again.levels, again.same, again.differences) == (0, True, [])
    credentials = found.credentials(SIGNER.chain)
    assert credentials.verdict is Verdict.TRUSTED
    assert "equal, byte for byte. What drew it, then and now: " in Verified(credentials, again).words()
    assert json.loads(json.dumps(Verified(credentials, again).document()))["redrawn"]["levels"] == 0


def test_a_moving_picture_is_told_from_another() -> None:
    """Frame by frame, at any quality that a message may have taken; one of another length is another picture."""
    random = np.random.default_rng(3)
    frames = [np.kron(random.integers(0, 256, (4, 4, 3), np.uint8), np.ones((16, 16, 1), np.uint8)) for _ in range(3)]
    data = encode_animation(frames, 100, parameters="", quality=90)
    *_, lower = islice(smaller_animations(data), 3)
    recipe, drawn = Recipe(JOBS["imagine"], 0), Animation(data)
    assert compare(PictureFile(data, "webp"), drawn, recipe).levels == 0
    assert compare(PictureFile(lower, "webp"), drawn, recipe).levels == 0
    other = encode_animation(frames[::-1], 100, parameters="", quality=90)
    assert not compare(PictureFile(other, "webp"), drawn, recipe).same
    with pytest.raises(CannotVerify, match="another size"):
        compare(PictureFile(encode_animation(frames[:2], 100, parameters="", quality=90), "webp"), drawn, recipe)


def test_every_kind_that_can_be_drawn_from_numbers_is_tried_here() -> None:
    """A kind that joins the table joins this test, unless it needs pictures that are not in the file."""
    assert {name for name, kind in KINDS.items() if name in JOBS} == set(JOBS)


def test_another_picture_is_told_apart(tmp_path: Path) -> None:
    """A level more is the same picture, ten are not; a JPEG is compared after the same encoding."""
    job = JOBS["imagine"]
    chance = np.random.default_rng(0)
    images = [chance.integers(20, 200, (400, 400, 3), dtype=np.uint8) for _ in range(4)]
    file, recipe = message(Pictures(images), job)
    assert file.extension == "jpg"
    (tmp_path / "a.jpg").write_bytes(file.data)
    assert compare(open_file(tmp_path / "a.jpg"), Pictures(images), recipe).levels == 0
    assert not compare(open_file(tmp_path / "a.jpg"), Pictures(images[::-1]), recipe).same
    lighter = [image + np.uint8(3) for image in images]
    assert compare(open_file(tmp_path / "a.jpg"), Pictures(lighter), recipe).same, "nobody knows what drew it"
    known = replace(recipe, drawn_by=(PLAIN,))
    assert not compare(open_file(tmp_path / "a.jpg"), Pictures(lighter, drawn_by=(PLAIN,)), known).same
    lossless = encode_lossless(images[1], parameters="")
    (tmp_path / "a.png").write_bytes(lossless.data)
    one = Recipe(job, 1)
    assert compare(open_file(tmp_path / "a.png"), Pictures([image + 1 for image in images]), one).same
    assert not compare(open_file(tmp_path / "a.png"), Pictures([image + 10 for image in images]), one).same
    with pytest.raises(CannotVerify, match="another size"):
        compare(open_file(tmp_path / "a.png"), Pictures([image[:64] for image in images]), one)


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a"])
def test_what_is_no_picture_of_ours_is_one_sentence(data: bytes, tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "x.png").write_bytes(data)
    with pytest.raises(CannotVerify, match="no PNG, JPEG or WebP"):
        open_file(tmp_path / "x.png")
    with pytest.raises(CannotVerify, match="cannot be read"):
        open_file(tmp_path / "nowhere.png")


def test_a_damaged_picture_is_one_whose_signature_is_not_valid(tmp_path: Path) -> None:
    """Also where it is too damaged to be shown."""
    lossless = signed(
        SIGNER, encode_lossless(np.zeros((64, 64, 3), np.uint8), parameters=""), Recipe(JOBS["imagine"], 1)
    )
    damaged = bytearray(lossless.data)
    damaged[-30] ^= 1
    (tmp_path / "a.png").write_bytes(damaged)
    found = open_file(tmp_path / "a.png")
    assert found.credentials(SIGNER.chain).verdict is Verdict.INVALID
    with pytest.raises(CannotVerify, match="damaged"):
        found.pixels()


def test_a_recipe_that_needs_more_than_itself_says_what(loader: Loader) -> None:
    """Linked pictures, a model that is not offered here, an older recipe without numbers."""
    linked = quick(imagine("https://example.com/a.png a fox"))
    with pytest.raises(CannotVerify, match="linked pictures"):
        redrawn(Recipe(linked), loader)
    with pytest.raises(CannotVerify, match="not in the catalogue"):
        redrawn(Recipe(replace(JOBS["imagine"], model="gone")), loader)
    with pytest.raises(CannotVerify, match="no numbers"):
        redrawn(Recipe(replace(JOBS["imagine"], plan=None)), loader)


@pytest.mark.parametrize(
    ("drew", "redrew", "reason"),
    [
        ((PLAIN,), (PLAIN,), None),
        ((Ways(), PLAIN), (Ways(), PLAIN), None),
        ((), (PLAIN,), "does not say"),
        ((None, PLAIN), (PLAIN, PLAIN), "does not say"),
        ((PLAIN,), (Ways(ONNX, ONNX, ONNX, "a processor"),), "another engine"),
        ((PLAIN,), (replace(PLAIN, place="a card"),), "another kind of processor"),
        ((replace(PLAIN, shared=True),), (PLAIN,), "in one batch with others"),
        ((joined([PLAIN, Ways(TORCH, ONNX, ONNX, "a processor")]),), (PLAIN,), "exchanged while it drew"),
    ],
)
def test_why_a_picture_need_not_be_equal_is_said(
    drew: tuple[Ways | None, ...], redrew: tuple[Ways | None, ...], reason: str | None
) -> None:
    """One reason each; none where the same engine drew on the same kind of processor."""
    found = differences(drew, redrew)
    assert len(found) == (reason is not None)
    assert reason is None or reason in found[0]
