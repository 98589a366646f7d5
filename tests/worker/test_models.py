"""Several models on one worker, from the queue to the stored pictures: right model, right order, nobody starves."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
import torch
from numpy.typing import NDArray
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.outcomes import Failed, Fault, encode_outcome
from contract.planning import plan
from contract.prompt import parse
from exchange import keys
from exchange.connection import connect_async
from exchange.delivery import MessageRef
from exchange.images import FolderStore
from exchange.queue import CancelOutcome, JobQueue, Limits
from exchange.reading import text
from exchange.status import describe_status, read_status
from model import ModelError, Request, Step, tiny
from model.errors import NoRoom
from model.upscale import DRAFT, NARROW, enlarge, load_upscaler
from model.ways import Ways
from tests.contract.factories import imagine
from tests.exchange.jobs import job
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker import tasks
from worker.decoding import decode_picture
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.loading import Loader, quiet_libraries, reclaim_memory
from worker.pictures import Studio
from worker.settings import Room
from worker.slots import FAULTS_IN_A_ROW, SKIP_LIMIT, SlotPool

SMALL = replace(EASEL_SMALL, pixels=32 * 32, size_multiple=16, num_inference_steps=2, enlargement=1, student=None)
CATALOGUE = Catalogue((replace(SMALL, name="alpha"), replace(SMALL, name="beta")))


class GreyTicket:
    """A picture that is ready when the test says so."""

    ways = Ways()

    def __init__(self, engine: GreyEngine, request: Request) -> None:
        self.engine = engine
        self.request = request
        self.stopped = threading.Event()

    def events(self) -> Iterator[Step]:
        assert self.engine.shelf.may_draw.wait(20)
        return iter(())

    def result(self) -> list[NDArray[np.uint8]]:
        assert not self.engine.closed
        return [picture(40) for _ in self.request.noises]

    def pause(self) -> None:
        """Nothing runs here that could."""

    resume = pause

    def cancel(self) -> None:
        self.stopped.set()


class GreyEngine:
    """Draws plain pictures, as long as it is open."""

    def __init__(self, shelf: Shelf, name: str) -> None:
        self.shelf = shelf
        self.name = name
        self.closed = False

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> GreyTicket:
        assert not self.closed
        return GreyTicket(self, request)

    def close(self) -> None:
        self.closed = True


class Shelf:
    """Loads models, one at a time, as slowly and as badly as the test wants."""

    def __init__(self) -> None:
        self.engines: list[GreyEngine] = []
        self.broken: set[str] = set()
        self.may_load, self.may_draw = threading.Event(), threading.Event()
        self.may_load.set()
        self.may_draw.set()

    def load(self, name: str) -> Warm:
        assert all(engine.closed for engine in self.engines), "two models at once"
        assert self.may_load.wait(20)
        if name in self.broken:
            raise ValueError("weights of straw")
        self.engines.append(GreyEngine(self, name))
        return Warm(name, self.engines[-1])

    def names(self) -> list[str]:
        return [engine.name for engine in self.engines]


class House:
    """A queue and one worker with two models."""

    def __init__(self, url: str, client: redis.Redis, store: FolderStore) -> None:
        self.url, self.client, self.store = url, client, store
        self.pools: list[SlotPool] = []

    def open(self, load: Callable[[str], Warm], slots: int = 2, resident: int = 1, **options: Any) -> Engines:
        engines = Engines(["alpha", "beta"], load, resident=resident, rest_s=0.05)
        engines.open()
        studio = Studio(engines, self.store, self.client, CATALOGUE, Intake(self.store, FakeWeb()))
        tasks.equip(tasks.Tools(self.client, studio))
        serves = {keys.RENDER: slots}
        told: dict[str, Any] = {"refuse": engines.refuse, "forgive": engines.forgive, "describe": engines.facts}
        pool = SlotPool(self.client, serves, wants=engines.wants, **told, **options)
        self.pools.append(pool)
        pool.start()
        return engines

    def submit(self, *jobs: Job) -> None:
        async def enqueue() -> None:
            client = connect_async(self.url)
            queue = JobQueue(client, Limits(0, 0, 0, 0))
            for each in jobs:
                numbers = replace(plan(each, CATALOGUE.named(each.model)), cost=1)
                await queue.submit(replace(each, plan=numbers))
                await queue.release(each.id, MessageRef(31, 1))
            await client.aclose()

        asyncio.run(enqueue())

    def cancel(self, target: Job) -> CancelOutcome:
        async def cancel() -> CancelOutcome:
            client = connect_async(self.url)
            outcome = await JobQueue(client).cancel(target.id, by=target.user.id)
            await client.aclose()
            return outcome

        return asyncio.run(cancel())

    def field(self, target: Job, name: str) -> str:
        return text(self.client.hget(keys.rq_job(target.id), name) or "")

    def turn(self) -> int:
        """How many claims there have been."""
        return int(self.client.get("easel:render:turn") or 0)

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "this did not happen in time"
            time.sleep(0.01)

    def until_finished(self, *jobs: Job) -> None:
        self.until(lambda: all(self.field(each, "status") == "finished" for each in jobs))

    def in_order_of_start(self, *jobs: Job) -> list[Job]:
        return sorted(jobs, key=lambda each: float(self.field(each, "easel_began")))


@pytest.fixture
def house(redis_url: str, client: redis.Redis, store: FolderStore) -> Iterator[House]:
    house = House(redis_url, client, store)
    yield house
    for pool in house.pools:
        pool.stop()
    tasks.equip(None)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def alpha(number: int, user: int = 0) -> Job:
    """A job of the model that is loaded first."""
    return replace(job(number, user=user or number), model="alpha")


def beta(number: int, user: int = 0) -> Job:
    """A job of the other model."""
    return replace(job(number, user=user or number), model="beta")


def test_a_worker_keeps_to_its_loaded_model_but_nobody_starves(house: House, shelf: Shelf) -> None:
    """The other model's job, first in order, is passed over as often as the limit says; then the batch runs out, the
    model changes once, and changes back once for all that are left."""
    cold, warm = beta(1), [alpha(number) for number in range(2, 32)]
    house.submit(cold, *warm)
    house.open(shelf.load)
    house.until_finished(cold, *warm)
    place = house.in_order_of_start(cold, *warm).index(cold)
    assert place == SKIP_LIMIT
    assert shelf.names() == ["alpha", "beta", "alpha"]


def test_a_running_batch_admits_nobody_else_for_a_starving_job(house: House, shelf: Shelf) -> None:
    """While one picture is still being drawn, the other slot stays empty rather than take what came later."""
    shelf.may_draw.clear()
    slow = alpha(1)
    house.submit(slow)
    house.open(shelf.load)
    house.until(lambda: house.field(slow, "status") == "started")
    cold, later = beta(2), alpha(3)
    house.submit(cold)
    house.client.hset(keys.rq_job(cold.id), "easel_skipped", SKIP_LIMIT)
    house.submit(later)
    turn = house.turn()
    house.until(lambda: house.turn() > turn + 1)
    assert house.field(later, "status") == "queued"
    shelf.may_draw.set()
    house.until_finished(slow, cold, later)
    assert house.in_order_of_start(slow, cold, later)[-2:] == [cold, later]


def test_users_of_both_models_share_the_worker(house: House, shelf: Shelf) -> None:
    """Twice thirty jobs of two users: neither is ever ahead by more than the skip limit and a batch."""
    mine, yours = [alpha(number, user=1) for number in range(30)], [beta(100 + number, user=2) for number in range(30)]
    house.submit(*mine, *yours)
    house.open(shelf.load)
    house.until_finished(*mine, *yours)
    lead, furthest = 0, 0
    for each in house.in_order_of_start(*mine, *yours):
        lead += 1 if each.model == "alpha" else -1
        furthest = max(furthest, abs(lead))
    assert furthest <= SKIP_LIMIT + 2
    assert 3 <= len(shelf.names()) <= 8


def test_leases_outlive_a_slow_load(house: House, shelf: Shelf) -> None:
    """The heartbeat goes on while a model is loaded, posts included; the job is drawn once, at its first claim."""
    house.open(shelf.load, lease_s=0.6)
    shelf.may_load.clear()
    cold = beta(1)
    house.submit(cold)
    house.until(lambda: "loaded loading beta" in describe_status(read_status(house.client)))
    [(_, lease)] = house.client.zscan_iter(keys.leases("render"))
    house.until(lambda: time.time() > lease + 1)
    shelf.may_load.set()
    house.until_finished(cold)
    assert house.field(cold, "easel_claims") == "1"
    house.until(lambda: "loaded beta, models alpha,beta" in describe_status(read_status(house.client)))


def test_a_job_can_be_cancelled_while_its_model_is_loaded_for_another(house: House, shelf: Shelf) -> None:
    """It leaves the line at once; the one that loads is not disturbed."""
    house.open(shelf.load)
    shelf.may_load.clear()
    first, second = beta(1), beta(2)
    house.submit(first)
    house.until(lambda: house.field(first, "status") == "started")
    house.submit(second)
    house.until(lambda: house.field(second, "status") == "started")
    assert house.cancel(second) is CancelOutcome.STOPPING
    house.until(lambda: house.field(second, "status") == "canceled")
    shelf.may_load.set()
    house.until_finished(first)


def test_a_model_that_cannot_be_loaded_fails_its_jobs_clearly(house: House, shelf: Shelf) -> None:
    """Each is tried as often as a job may be and then told of; the worker lives and draws with the other model."""
    shelf.broken.add("beta")
    house.open(shelf.load)
    lost, fine = [beta(number) for number in range(1, FAULTS_IN_A_ROW + 2)], [alpha(number) for number in range(11, 14)]
    house.submit(*lost, *fine)
    house.until_finished(*fine)
    house.until(lambda: all(house.field(each, "status") == "failed" for each in lost))
    assert {house.field(each, "retries_left") for each in lost} == {"0"}
    ids = [keys.delivery_id(each.id) for each in lost]
    told = [RQJob.fetch(rq_id, house.client, serializer=JSONSerializer).args[1] for rq_id in ids]
    assert told == [encode_outcome(Failed(Fault.ERROR))] * len(lost)
    after = alpha(20)
    house.submit(after)
    house.until_finished(after)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two tiny models of random weights, saved as any model is."""
    saved = {}
    for seed, name in enumerate(("alpha", "beta")):
        folder = saved[name] = tmp_path_factory.mktemp(name)
        bundle = tiny.bundle("stable-diffusion", seed)
        bundle.denoiser.save_pretrained(folder / "unet")
        bundle.vae.save_pretrained(folder / "vae")
        bundle.text.encoders[0].save_pretrained(folder / "text_encoder")  # type: ignore[union-attr]
        bundle.text.tokenizers[0].save_pretrained(folder / "tokenizer")  # type: ignore[union-attr]
        (folder / "scheduler").mkdir()
        (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(dict(bundle.scheduler_config)))
        index = {
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
        }
        (folder / "model_index.json").write_text(json.dumps(index))
    return saved


@pytest.fixture
def loader(folders: dict[str, Path]) -> Loader:
    return Loader(Catalogue(tuple(replace(m, source=str(folders[m.name])) for m in CATALOGUE)), "cpu")


def test_each_job_is_drawn_by_its_own_model(house: House, loader: Loader) -> None:
    """Real engines, mixed jobs of one seed: the pictures of a model are alike, and unlike the other's.

    When the second model is loaded, nothing refers to the weights of the first any more.
    """
    kept: list[weakref.ref[Any]] = []

    def load(name: str) -> Warm:
        reclaim_memory()
        assert [ref() for ref in kept] == [None] * len(kept)
        warm = loader.load(name)
        kept.append(weakref.ref(warm.engine.bundle.denoiser))  # type: ignore[attr-defined]
        return warm

    engines = house.open(load)
    jobs = [alpha(1), beta(2), alpha(3), beta(4)]
    house.submit(*jobs)
    house.until_finished(*jobs)
    house.pools[0].stop()
    engines.close()
    first, second, third, fourth = (decode_picture(house.store.get_image(each.id, 0) or b"") for each in jobs)
    assert np.abs(first.astype(int) - third).max() <= 1
    assert np.abs(second.astype(int) - fourth).max() <= 1
    assert np.abs(first.astype(int) - second).max() > 8
    assert len(kept) == 2


def test_a_model_that_breaks_while_it_serves(house: House, loader: Loader) -> None:
    """Its pictures are numbers that are none: it is refused here and unloaded, and its jobs wait for another worker.

    The other model goes on, and when an operator says that all is mended, the jobs are drawn with fresh weights.
    """
    engines = house.open(loader.load)
    house.submit(first := alpha(1))
    house.until_finished(first)
    with engines.lent("alpha", lambda waiting: None) as warm:
        [encoder] = warm.engine.bundle.text.encoders  # type: ignore[attr-defined]
        with torch.no_grad():
            for weight in encoder.parameters():
                weight.fill_(float("nan"))
    del warm, encoder, weight
    spoilt = [in_other_words(alpha(number), f"a boat {number}") for number in range(2, 2 + FAULTS_IN_A_ROW)]
    house.submit(*spoilt)
    house.until(lambda: engines.facts().get("refused") == "alpha" and engines.facts()["loaded"] != "alpha")
    house.submit(other := beta(9))
    house.until_finished(other)
    assert all(house.field(each, "status") not in ("failed", "finished") for each in spoilt)
    engines.forgive()
    house.until_finished(*spoilt)


def in_other_words(made: Job, words: str) -> Job:
    """The same job of other words, which no worker has read before."""
    return replace(made, prompt=parse(words).prompts[0])


def test_a_model_whose_files_break_between_two_loads(house: House, folders: dict[str, Path], tmp_path: Path) -> None:
    """Its job is told, the other model goes on, and with whole files the next job is drawn."""
    mine = {"alpha": folders["alpha"], "beta": Path(shutil.copytree(folders["beta"], tmp_path / "beta"))}
    catalogue = Catalogue(tuple(replace(model, source=str(mine[model.name])) for model in CATALOGUE))
    house.open(Loader(catalogue, "cpu").load)
    [file] = (mine["beta"] / "unet").glob("*.safetensors")
    whole = file.read_bytes()
    file.write_bytes(whole[:5000])
    house.submit(lost := beta(1), fine := alpha(2))
    house.until_finished(fine)
    house.until(lambda: house.field(lost, "status") == "failed")
    told = RQJob.fetch(keys.delivery_id(lost.id), house.client, serializer=JSONSerializer).args[1]
    assert told == encode_outcome(Failed(Fault.ERROR))
    file.write_bytes(whole)
    house.submit(after := beta(3))
    house.until_finished(after)


def test_a_model_of_another_family_than_the_catalogue_says_is_not_loaded(folders: dict[str, Path]) -> None:
    """Its samplers and abilities would be promised by mistake; the sentence says what to write."""
    mistaken = replace(CATALOGUE.models[0], source=str(folders["alpha"]), family="stable-diffusion-xl")
    with pytest.raises(ModelError, match="alpha is of the family stable-diffusion: say so in the catalogue"):
        Loader(Catalogue((mistaken,)), "cpu").load("alpha")


def test_two_models_stay_loaded_where_they_fit(house: House, loader: Loader) -> None:
    """Jobs of both are drawn beside each other, by engines of their own; neither is loaded twice."""
    loads: list[str] = []

    def load(name: str) -> Warm:
        loads.append(name)
        return loader.load(name)

    engines = house.open(load, resident=2)
    jobs = [alpha(1), beta(2), alpha(3), beta(4)]
    house.submit(*jobs)
    house.until_finished(*jobs)
    house.pools[0].stop()
    engines.close()
    assert sorted(loads) == ["alpha", "beta"]
    assert engines.facts()["loaded"].count(",") == 1


def test_a_second_model_that_does_not_fit_beside_the_first(folders: dict[str, Path]) -> None:
    """Is refused with the number of bytes that are left; alone it fits."""
    catalogue = Catalogue(tuple(replace(m, source=str(folders[m.name])) for m in CATALOGUE))
    whole = Loader(catalogue, "cpu", room=Room(budget=30_000_000)).load("alpha")
    needed = whole.engine.bundle.placement.needed  # type: ignore[attr-defined]
    whole.engine.close()
    del whole
    tight = Loader(catalogue, "cpu", room=Room(budget=needed * 3 // 2))
    first = tight.load("alpha")
    with pytest.raises(NoRoom, match=r"left beside what is loaded|may take"):
        tight.load("beta")
    first.engine.close()
    del first
    tight.load("beta").engine.close()


def test_what_the_student_drew_is_enlarged_by_the_network_for_drafts() -> None:
    """The default model's; both are at hand once it is loaded."""
    warm = Loader(Catalogue((EASEL_SMALL,)), "cpu").load(EASEL_SMALL.name)
    picture = np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8)
    assert warm.enlarge is not None
    for flags, weights in (("", NARROW), ("--draft", DRAFT)):
        [grown] = warm.enlarge([picture], plan(imagine(f"a fox {flags}"), EASEL_SMALL))
        [expected] = enlarge(load_upscaler(weights=weights), [picture])
        assert np.array_equal(grown, expected), flags
    warm.engine.close()


def test_libraries_draw_no_progress_bars_into_logs() -> None:
    """Whatever of them was imported before."""
    from transformers.utils.logging import is_progress_bar_enabled

    quiet_libraries()
    assert not is_progress_bar_enabled()
