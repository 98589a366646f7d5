"""Videos of pictures that another model drew, with real engines around tiny random models."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np
import pytest
import redis
from PIL import Image, ImageSequence

import model
from contract.actions import Action
from contract.errors import UserError
from contract.jobs import Job
from exchange import progress
from exchange.images import FolderStore
from exchange.progress import Progress
from model import tiny
from model.ways import Ways
from tests.contract.factories import imagine, press, upscale
from tests.contract.kinds.examples import filmed
from tests.worker.fakes import FakeWeb
from tests.worker.kinds.conftest import FILM, OFFER, Make, planned
from worker.encoding import read_parameters
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.joining import Picture
from worker.loading import Loader
from worker.pictures import Studio
from worker.previews import Pace
from worker.recipes import Recipe
from worker.verifying import PictureFile, Redrawer, compare

SINGLE = upscale(imagine("a fox --ar 3:2", seed=9), 1, press())

File = Callable[[Job], bytes]


def video(single: Job, action: Action = Action.ANIMATE_LOW, *, interaction: int = 70) -> Job:
    """What a press makes where a model for videos is on offer."""
    return filmed(single, action, press(seed=interaction, interaction=interaction))


@pytest.fixture
def file(studio: Studio, store: FolderStore) -> File:
    """What the store has of a job's only picture after it was made."""

    def made(job: Job) -> bytes:
        studio.make(planned(job), started=lambda ticket: None)
        kept = store.get_image(job.id, 0)
        assert kept is not None
        return kept

    return made


def test_a_picture_goes_on_as_a_video(file: File) -> None:
    """In its shape, with as many frames as the catalogue says, as fast as its family has them, and its parameters."""
    data = file(video(SINGLE))
    frames = _frames(data)
    assert len(frames) == FILM.frames
    height, width = frames[0].shape[:2]
    assert width / height == pytest.approx(1.5, abs=0.05)
    assert all(not np.array_equal(one, other) for one, other in pairwise(frames))
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        image.load()
        assert image.info["duration"] == 40
    assert "Model: tiny-video" in (read_parameters(data) or "")


def test_every_press_draws_its_own(file: File, store: FolderStore) -> None:
    """A retry repeats it; another press, another motion, other words and another picture are other videos."""
    job = video(SINGLE)
    once = file(job)
    store.delete(job.id)
    assert file(job) == once
    others = [
        video(SINGLE, interaction=71),
        replace(video(SINGLE, Action.ANIMATE_HIGH, interaction=72), id=job.id),
        replace(video(upscale(imagine("a fox --ar 3:2", seed=9), 2, press())), id=job.id),
    ]
    for other in others:
        store.delete(job.id)
        assert file(other) != once


@pytest.mark.parametrize(
    "flags",
    [
        "https://example.org/a.png",
        "--sref https://example.org/gone.png",
        "--tile",
        "--weird 300 --chaos 20 --s 700 --q .5",
        "--sampler euler",
        "--no trees",
        "::2 a wood::1",
    ],
)
def test_how_the_picture_was_drawn_is_past(file: File, flags: str, make: Make) -> None:
    """What its model honoured need not be what the video's honours, and links may be dead by now."""
    single = upscale(imagine(f"a fox {flags}"), 1, press())
    if "gone" not in flags:
        make(single)
    else:
        file(upscale(imagine("a fox"), 1, press()))  # the same picture, as far as the store knows
    assert len(_frames(file(video(single)))) == FILM.frames


def test_a_picture_that_the_store_lost_is_drawn_again_by_its_own_model(
    file: File, make: Make, store: FolderStore
) -> None:
    """Byte for byte, so the video is the same."""
    single = upscale(imagine("a fox", seed=12), 1, press())
    [picture] = make(single)
    job = video(single)
    once = file(job)
    for lost in (single, job):
        store.delete(lost.id)
    assert file(job) == once
    assert np.array_equal(make(single)[0], picture)


def test_what_nobody_here_can_draw_again_is_said(
    engines: Engines, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker for videos alone makes none of a picture that is lost."""
    monkeypatch.setattr(engines, "offered", (FILM.name,))
    studio = Studio(engines, store, client, OFFER, Intake(store, FakeWeb({})))
    with pytest.raises(UserError, match="source_lost"):
        studio.make(planned(video(SINGLE)), started=lambda ticket: None)
    assert store.get_document(video(SINGLE).id) is None


def test_its_previews_are_pictures_in_its_shape(
    engines: Engines, store: FolderStore, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of how it ends so far: how it begins is known."""
    seen: list[Progress] = []
    monkeypatch.setattr(progress, "publish", lambda client, one: seen.append(one))
    studio = Studio(engines, store, client, OFFER, Intake(store, FakeWeb({})), pace=lambda: Pace(interval_s=0))
    job = planned(video(SINGLE))
    assert job.plan is not None
    studio.make(replace(job, plan=replace(job.plan, num_inference_steps=4)), started=lambda ticket: None)
    [first, *_] = [one.preview for one in seen if one.job_id == job.id and one.preview is not None]
    with Image.open(io.BytesIO(first)) as image:
        assert image.width / image.height == pytest.approx(1.5, abs=0.2)


def test_it_is_drawn_again_from_its_file(file: File) -> None:
    """The picture by its model, the video by its own, one after the other."""
    job = planned(video(SINGLE))
    data = file(job)
    with Redrawer(OFFER, cast(Loader, Alone())) as redrawer:
        drawn = redrawer.draw(Recipe(job, 0))
    assert compare(PictureFile(data, "webp"), drawn, Recipe(job, 0)).levels == 0


class Alone:
    """In place of a `Loader`: tiny models of the same weights, each with an engine that may be closed."""

    def load(self, name: str, ways: Ways | None = None) -> Warm:
        engine = model.Engine(tiny.bundle(OFFER.named(name).family), quicken="off")
        engine.start()
        return Warm(name, engine)


def _frames(data: bytes) -> list[Picture]:
    with Image.open(io.BytesIO(data)) as image:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
