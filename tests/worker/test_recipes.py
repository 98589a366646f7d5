"""A delivered file carries what it takes to draw it again, and nothing of the person who asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
import structlog

from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import DiscordChannel, Job, Strength, User
from model.ways import Ways
from tests.contract.factories import imagine, planned, press, upscale, variation
from worker.encoding import encode_lossless
from worker.recipes import Recipe, read_recipe, recipe_document, signed
from worker.signing import Signer, SigningError, Verdict, make_certificate, read_credentials

JOBS = {
    "imagine": planned(imagine()),
    "variation": planned(variation(imagine(), 1, Strength.STRONG, press())),
    "upscale": planned(upscale(imagine(), 2, press())),
}


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_a_recipe_makes_the_same_pictures(job: Job) -> None:
    """Seed, lines of generations, prompt, plan and model come back; person, place and time do not."""
    drawn_by = (None, Ways("onnx", "torch+onnx", "onnx", "a processor", shared=True, images=4))[-len(job.shown(0)) :]
    document = json.loads(json.dumps(recipe_document(Recipe(job, 0, drawn_by))))
    found = read_recipe(document)
    assert (found.index, found.drawn_by) == (0, drawn_by)
    assert (found.job.id, found.job.request, found.job.prompt) == (job.id, job.request, job.prompt)
    assert (found.job.plan, found.job.model, found.job.parent) == (job.plan, job.model, job.parent)
    assert (found.job.user, found.job.destination) == (User(0, "somebody"), DiscordChannel(0))
    text = json.dumps(document)
    assert str(job.user.id) not in text


@pytest.mark.parametrize("picture", [4, -1, "1", 1.5])
def test_a_picture_that_the_job_has_not_is_refused(picture: object) -> None:
    """The recipe of a stranger is read with suspicion."""
    with pytest.raises(MalformedDocument):
        read_recipe({**recipe_document(Recipe(JOBS["imagine"])), "picture": picture})


@pytest.mark.parametrize("document", [{}, {"version": 2}, {"version": 2, "job": {}}, {"version": "2", "job": None}])
def test_what_is_no_recipe_is_refused(document: dict[str, object]) -> None:
    """Each with the error that says so."""
    with pytest.raises(MalformedDocument):
        read_recipe(document)


@pytest.mark.parametrize("listed", [{}, [], [1], [{"denoiser": 1}], [{"colour": "red"}], [{}, {}], [{"images": 5}]])
def test_what_nothing_draws_by_is_refused(listed: object) -> None:
    """A recipe says of each picture what drew it, or nothing at all."""
    with pytest.raises(MalformedDocument):
        read_recipe({**recipe_document(Recipe(JOBS["imagine"])), "drawn_by": listed})


def test_a_newer_recipe_says_so() -> None:
    """An older Easel must not guess."""
    with pytest.raises(NewerVersion):
        read_recipe({**recipe_document(Recipe(JOBS["imagine"])), "version": 99})


def test_a_signed_file_holds_its_recipe() -> None:
    """Which only its signer could have written."""
    signer = Signer(*make_certificate())
    file = encode_lossless(np.zeros((16, 16, 3), np.uint8), parameters="a fox")
    done = signed(signer, file, Recipe(JOBS["imagine"], 3))
    found = read_credentials(done.data, done.extension, signer.chain)
    assert found.verdict is Verdict.TRUSTED
    assert found.recipe is not None
    assert read_recipe(found.recipe).index == 3


def test_without_a_signer_a_file_stays_as_it_is() -> None:
    """The operator has turned signing off."""
    file = encode_lossless(np.zeros((16, 16, 3), np.uint8), parameters="a fox")
    assert signed(None, file, Recipe(JOBS["imagine"])) is file


def test_a_picture_is_not_held_back_because_it_cannot_be_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes out as it is, and the log says so."""
    signer = Signer(*make_certificate())

    def refuse(*_: object, **__: object) -> bytes:
        raise SigningError("no more signatures")

    monkeypatch.setattr(signer, "sign", refuse)
    file = encode_lossless(np.zeros((16, 16, 3), np.uint8), parameters="a fox")
    with structlog.testing.capture_logs() as logs:
        assert signed(signer, file, Recipe(JOBS["imagine"])) is file
    assert [entry["log_level"] for entry in logs] == ["error"]
