"""A studio with a real engine around a tiny random model of the shipped model's family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
import torch

import model
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.planning import plan
from exchange.images import FolderStore
from model import tiny
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.encoding import read_pixels
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.joining import Picture
from worker.pictures import Studio

TINY = replace(EASEL_SMALL, pixels=32 * 32, num_inference_steps=2, enlargement=1)

Make = Callable[[Job], list[Picture]]


@pytest.fixture(scope="module")
def engine() -> Iterator[model.Engine]:
    """Random weights of the shipped model's family."""
    torch.set_num_threads(1)
    made = model.Engine(tiny.bundle("stable-diffusion"))
    made.start()
    yield made
    made.close()


@pytest.fixture
def studio(engine: model.Engine, store: FolderStore, client: redis.Redis) -> Studio:
    engines = Engines([TINY.name], lambda name: Warm(name, engine))
    engines.open()
    web = FakeWeb({"https://example.org/a.png": picture(200)})
    return Studio(engines, store, client, Catalogue((TINY,)), Intake(store, web))


@pytest.fixture
def make(studio: Studio, store: FolderStore) -> Make:
    """A job's pictures as the store has them after it was made."""

    def made(job: Job) -> list[Picture]:
        studio.make(replace(job, plan=plan(job, TINY)), started=lambda ticket: None)
        files = [store.get_image(job.id, index) for index in range(job.image_count)]
        return [read_pixels(file) for file in files if file is not None]

    return made
