"""Drawing a job: what is published while it runs, what is kept, and that nothing is drawn twice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import redis
from numpy.typing import NDArray
from PIL import Image

from contract import events
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.errors import UserError
from contract.jobs import Job
from contract.kinds.imagine import Imagine
from contract.outcomes import Done, Outcome, Texts
from contract.plan import Plan
from contract.planning import plan
from exchange import keys, progress, tasks
from exchange.images import FolderStore
from model import Cancelled, Request, Step, text_to_image
from model.unread import Unread
from model.ways import Ways
from tests.contract.factories import imagine, planned, press, upscale
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.encoding import read_parameters
from worker.engines import Engines, Enlarge, Warm
from worker.intake import Intake, input_name
from worker.kinds import Bench
from worker.loading import warm_up
from worker.pictures import Studio
from worker.previews import Pace
from worker.results import NotKept, Pictures, Words
from worker.watch import Watch


class FakeTicket:
    """Takes the request's steps at once, showing a preview as often as was asked."""

    ways = Ways()

    def __init__(self, request: Request, preview_every: int) -> None:
        self.request = request
        self.preview_every = preview_every
        self.cancelled = False

    def events(self) -> Iterator[Step]:
        steps = self.request.sampling.num_inference_steps
        for step in range(1, steps + 1):
            if self.cancelled:
                return
            shown = self.preview_every > 0 and step % self.preview_every == 0
            yield Step(step, steps, picture(step, 16) if shown else None)

    def result(self) -> list[NDArray[np.uint8]]:
        if self.cancelled:
            raise Cancelled("A test cancelled it.")
        return [picture(50 * noise.index) for noise in self.request.noises]

    def pause(self) -> None:
        """Nothing runs here that could."""

    resume = pause

    def cancel(self) -> None:
        self.cancelled = True


class FakeEngine:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.urgencies: list[float] = []
        self.previews: list[int] = []

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> FakeTicket:
        self.requests.append(request)
        self.urgencies.append(urgency)
        self.previews.append(preview_every)
        return FakeTicket(request, preview_every)

    def close(self) -> None:
        raise AssertionError("the only model is never let go of")


def engines(engine: FakeEngine, enlarge: Enlarge | None = None) -> Engines:
    """The only model on offer, loaded."""
    made = Engines([EASEL_SMALL.name], lambda name: Warm(name, engine, enlarge))
    made.open()
    return made


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def intake(store: FolderStore) -> Intake:
    """Behind every link there is the same picture."""
    return Intake(store, FakeWeb({"https://example.org/a.png": picture(200)}))


@pytest.fixture
def studio(engine: FakeEngine, store: FolderStore, client: redis.Redis, intake: Intake) -> Studio:
    return Studio(engines(engine), store, client, DEFAULT_CATALOGUE, intake, pace=lambda: Pace(0))


@pytest.fixture
def heard(client: redis.Redis) -> Iterator[Any]:
    """A subscription to all progress."""
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(keys.progress_channel())
    pubsub.get_message(timeout=1)
    yield pubsub
    pubsub.close()


def all_progress(pubsub: Any) -> list[progress.Progress]:
    """What has been published so far."""
    frames = []
    while (message := pubsub.get_message(timeout=0.1)) is not None:
        frame = progress.decode(message["data"])
        assert frame is not None
        frames.append(frame)
    return frames


def draw(studio: Studio, job: Job) -> Outcome:
    """Draw without anybody who might cancel."""
    return studio.make(job, started=lambda ticket: None)


def test_what_was_priced_is_drawn_whatever_this_workers_catalogue_says(
    studio: Studio, engine: FakeEngine, store: FolderStore
) -> None:
    """The plan made at acceptance decides size, steps, scale and sampler, and is what the picture says of itself."""
    job = imagine("a fox")
    accepted = plan(
        job, replace(EASEL_SMALL, pixels=96 * 96, num_inference_steps=7, guidance_scale=2.0, sampler="euler")
    )
    draw(studio, replace(job, plan=accepted))
    [request] = engine.requests
    assert (request.size.width, request.size.height) == (accepted.width, accepted.height) != (64, 64)
    assert (request.sampling.num_inference_steps, request.sampling.sampler) == (7, "euler")
    assert request.sampling.guidance_scale == 2.0
    file = store.get_image(job.id, 0)
    assert file is not None
    assert "Steps: 7, Sampler: euler" in (read_parameters(file) or "")
    record = store.get_record(job.id)
    assert record is not None
    assert record.plan == accepted


def test_what_version_0_1_accepted_is_planned_by_the_worker(
    studio: Studio, engine: FakeEngine, store: FolderStore
) -> None:
    """Such a job has no plan; it gets this worker's, and keeps it."""
    job = imagine("a fox --q .5")
    draw(studio, job)
    assert engine.requests[0].sampling.num_inference_steps == plan(job, EASEL_SMALL).num_inference_steps
    record = store.get_record(job.id)
    assert record is not None
    assert record.plan == plan(job, EASEL_SMALL)


def in_ten_steps(job: Job) -> Job:
    """As a model of ten steps accepts it."""
    return replace(job, plan=plan(job, replace(EASEL_SMALL, num_inference_steps=10)))


def test_four_pictures_and_a_record_are_kept(studio: Studio, store: FolderStore) -> None:
    """Lossless, in order, each with the parameters that make it again, and of the ratio that was asked for."""
    job = planned(imagine("a fox --ar 2:1", seed=7))
    outcome = draw(studio, job)
    assert isinstance(outcome, Done)
    assert outcome.gpu_s >= 0
    for index in range(4):
        file = store.get_image(job.id, index)
        assert file is not None
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(file))), picture(50 * index)[:16])
        text = read_parameters(file) or ""
        assert text.startswith(job.prompt.echo)
        assert "Seed: 7, Size: 128x64" in text
        assert f"Easel picture: {index + 1}" in text
    assert store.get_record(job.id) == job
    document = store.get_document(job.id)
    assert document is not None
    assert (document["drawn"]["width"], document["drawn"]["height"]) == (32, 16)


def test_pictures_of_a_small_model_are_kept_enlarged(
    engine: FakeEngine, store: FolderStore, client: redis.Redis, intake: Intake
) -> None:
    """What is stored is what is shown; the enlarger is told what was planned, such as a tile."""
    tiles = []

    def enlarge(images: list[NDArray[np.uint8]], plan: Plan) -> list[NDArray[np.uint8]]:
        tiles.append(plan.tile)
        return [image.repeat(4, 0).repeat(4, 1) for image in images]

    job = imagine("a fox --tile")
    draw(Studio(engines(engine, enlarge), store, client, DEFAULT_CATALOGUE, intake), job)
    file = store.get_image(job.id, 3)
    assert file is not None
    assert Image.open(io.BytesIO(file)).size == (128, 128)
    assert "Size: 64x64, Hires upscale: 2" in (read_parameters(file) or "")
    assert tiles == [True]


def test_progress_is_published_with_small_previews(studio: Studio, heard: Any) -> None:
    """The first after a tenth of the way; never 100 %, which is for the result to say."""
    job = in_ten_steps(imagine())
    draw(studio, job)
    frames = all_progress(heard)
    assert [frame.percent for frame in frames] == [10, 20, 30, 40, 50, 60, 70, 80, 90, 99]
    assert {frame.job_id for frame in frames} == {job.id}
    assert all(frame.preview is not None and len(frame.preview) < 20_000 for frame in frames)


def test_previews_keep_the_pace(
    engine: FakeEngine, store: FolderStore, client: redis.Redis, intake: Intake, heard: Any
) -> None:
    """An engine faster than people can look publishes its first preview only."""
    slow = Studio(engines(engine), store, client, DEFAULT_CATALOGUE, intake, pace=lambda: Pace(3600))
    draw(slow, in_ten_steps(imagine()))
    assert [frame.percent for frame in all_progress(heard)] == [10]


def test_nothing_is_drawn_twice(studio: Studio, engine: FakeEngine, store: FolderStore) -> None:
    """A job whose worker died after storing goes straight to its delivery; a record that was lost comes back."""
    job = imagine()
    draw(studio, job)
    (store.root / job.id[:2] / job.id / "record.json").unlink()
    assert draw(studio, job) == Done()
    assert len(engine.requests) == 1
    assert store.get_record(job.id) == job


def test_what_was_to_be_said_of_a_picture_is_said_by_the_second_try(
    engine: FakeEngine, store: FolderStore, client: redis.Redis, intake: Intake
) -> None:
    """A worker that died after storing has told nobody yet that the model did not know a word."""
    warm = Warm(EASEL_SMALL.name, engine, unread=lambda text: Unread(words=("elk",)))
    offered = Engines([EASEL_SMALL.name], lambda name: warm)
    studio = Studio(offered, store, client, DEFAULT_CATALOGUE, intake)
    job = planned(imagine("an elk"))
    first, second = draw(studio, job), draw(studio, job)
    assert isinstance(first, Done)
    assert [remark.id for remark in first.remarks] == ["unknown_words"]
    assert second == Done(remarks=first.remarks)
    assert len(engine.requests) == 1


def test_what_cannot_be_put_in_its_place_is_still_there_to_be_shown(studio: Studio, store: FolderStore) -> None:
    """A link stands where this job's folder should be: nothing is written through it, and the pictures are not lost."""
    job = imagine()
    place = store.root / job.id[:2] / job.id
    place.parent.mkdir(parents=True)
    outside = store.root.parent / "outside"
    outside.mkdir()
    place.symlink_to(outside)
    with pytest.raises(NotKept) as caught:
        draw(studio, job)
    assert isinstance(caught.value.result, Pictures)
    assert list(outside.iterdir()) == []


def test_half_a_grid_is_drawn_anew(studio: Studio, engine: FakeEngine, store: FolderStore) -> None:
    """A worker that died between two pictures left nothing that counts."""
    job = imagine()
    draw(studio, job)
    (store.root / job.id[:2] / job.id / "3.png").unlink()
    draw(studio, job)
    assert len(engine.requests) == 2
    assert store.get_image(job.id, 3) is not None


def test_a_lost_single_picture_is_drawn_alone(studio: Studio, engine: FakeEngine, store: FolderStore) -> None:
    """One picture, kept as the first of its own job."""
    job = upscale(imagine(seed=5), 2, press())
    draw(studio, job)
    assert [noise.index for noise in engine.requests[0].noises] == [2]
    assert store.get_image(job.id, 0) is not None
    assert store.get_image(job.id, 1) is None


def test_linked_pictures_go_to_the_model_and_into_the_store(
    studio: Studio, engine: FakeEngine, store: FolderStore
) -> None:
    """Beside the results, not among them."""
    job = imagine("https://example.org/a.png a fox --iw 2")
    draw(studio, job)
    start = engine.requests[0].start
    assert start is not None
    [(image, weight)] = start.pictures
    assert np.array_equal(image, picture(200))
    assert weight == 2
    assert store.get_input(job.id, input_name(0)) is not None


def test_whoever_holds_the_ticket_can_cancel(studio: Studio, store: FolderStore) -> None:
    """Nothing is kept of a cancelled job."""
    job = imagine()
    with pytest.raises(Cancelled):
        studio.make(job, started=lambda ticket: ticket.cancel())
    assert store.get_image(job.id, 0) is None
    assert store.get_record(job.id) is None
    assert studio.owed_s() == 0


def test_what_is_drawn_when_something_else_breaks_is_given_up(
    studio: Studio, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for it any more, and paused work would wait in the engine for ever."""
    tickets: list[Any] = []

    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError("a test broke it")

    monkeypatch.setattr(studio, "_follow", broken)
    with pytest.raises(ZeroDivisionError):
        studio.make(imagine(), started=tickets.append)
    assert tickets[-1].cancelled


def test_what_the_model_cannot_do_is_a_users_error(studio: Studio, engine: FakeEngine) -> None:
    """A job of a model that the operator took away meanwhile."""
    job = replace(imagine(), model="grand-old-model")
    with pytest.raises(UserError) as caught:
        draw(studio, job)
    assert caught.value.kind == "model_not_offered"
    assert engine.requests == []


def test_progress_that_nobody_can_hear_stops_nothing(
    studio: Studio, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may be away while a picture is drawn."""

    def away(*arguments: Any) -> None:
        raise redis.exceptions.ConnectionError("a test cut it")

    monkeypatch.setattr(progress, "publish", away)
    job = planned(imagine())
    assert isinstance(draw(studio, job), Done)
    assert store.get_record(job.id) == job


def test_the_warm_up_is_drawn_with_a_preview(engine: FakeEngine) -> None:
    """As a real job is."""
    request = text_to_image("a warm-up", seed=0, size=(64, 64), num_inference_steps=2)
    warm_up(engine, request)
    assert (engine.requests, engine.previews) == ([request], [1])


def test_the_watch_counts_only_while_somebody_waits() -> None:
    """A step is owed from the moment the first one waits, or since the last sign of life."""
    now = 100.0
    watch = Watch(lambda: now)
    now = 200.0
    assert watch.owed_s() == 0
    with watch.running():
        now = 203.0
        assert watch.owed_s() == 3
        watch.sign_of_life()
        with watch.running():
            now = 205.0
            assert watch.owed_s() == 2
        assert watch.owed_s() == 2
    assert watch.owed_s() == 0


def test_the_render_task_is_the_one_that_is_allowed() -> None:
    """RQ runs functions by name: the names must exist."""
    import worker.tasks

    for name in tasks.ALLOWED_TASKS:
        module, _, function = name.rpartition(".")
        assert module == worker.tasks.__name__
        assert callable(getattr(worker.tasks, function))


def test_texts_are_kept_in_the_record_and_made_once(
    studio: Studio, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kind may answer in words: the outcome carries them, and a second try finds them in the record."""
    made: list[str] = []

    def describe(bench: Bench) -> Words:
        made.append(bench.job.id)
        return Words(("a fox", "a red fox"), (0.5, 1.0))

    monkeypatch.setattr("worker.pictures.MAKERS", {"imagine": describe})
    monkeypatch.setattr(Imagine, "image_count", 0)
    job = planned(imagine())
    for _ in range(2):
        outcome = draw(studio, job)
        assert isinstance(outcome, Texts)
        assert (outcome.texts, outcome.influence) == (("a fox", "a red fox"), (0.5, 1.0))
    assert made == [job.id]


def test_observers_hear_of_every_step(
    engine: FakeEngine, store: FolderStore, client: redis.Redis, intake: Intake
) -> None:
    """Started, one event a step, drawn; nothing when there is nothing to make."""
    heard: list[events.Event] = []
    studio = Studio(engines(engine), store, client, DEFAULT_CATALOGUE, intake, observe=heard.append)
    job = planned(imagine())
    draw(studio, job)
    assert heard[0] == events.Started(job)
    steps = [event for event in heard if isinstance(event, events.Step)]
    assert steps
    assert all(event.job == job and 0 < event.step <= event.steps for event in steps)
    assert any(isinstance(event, events.Drawn) for event in heard)
    heard.clear()
    draw(studio, job)
    assert heard == []
