"""A studio with a real engine around a tiny random model of the shipped model's family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import redis
import torch

import model
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.legend import LEGEND
from contract.planning import plan
from exchange.images import FolderStore
from model import tiny
from model.components import taught
from model.describing import Describer
from tests.contract.kinds.examples import MOVING
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.encoding import read_pixels
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.joining import Picture
from worker.loading import vectors
from worker.pictures import Studio

TINY = replace(EASEL_SMALL, pixels=32 * 32, num_inference_steps=2, enlargement=1)
FILM = replace(MOVING, pixels=32 * 32, num_inference_steps=2)
"""Draws videos."""
OFFER = Catalogue((TINY, FILM))

Make = Callable[[Job], list[Picture]]


def planned(job: Job) -> Job:
    """As it is accepted."""
    return replace(job, plan=plan(job, OFFER.named(job.model)))


@pytest.fixture(scope="module")
def engine() -> Iterator[model.Engine]:
    """Random weights of the shipped model's family, and others for its student."""
    torch.set_num_threads(1)
    bundle = tiny.bundle("stable-diffusion")
    bundle.student = taught(bundle, tiny.bundle("stable-diffusion", seed=1).denoiser)
    made = model.Engine(bundle, quicken="off")  # else the moment of the take-over would be chance
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def moving_engine() -> Iterator[model.Engine]:
    """Random weights of a family that draws videos."""
    torch.set_num_threads(1)
    made = model.Engine(tiny.bundle(FILM.family), quicken="off")
    made.start()
    yield made
    made.close()


@pytest.fixture
def engines(engine: model.Engine, moving_engine: model.Engine) -> Engines:
    """Both, loaded."""
    warm = {
        TINY.name: Warm(TINY.name, engine, read=partial(vectors, engine), describe=Describer(tiny.reader().fits)),
        FILM.name: Warm(FILM.name, moving_engine),
    }
    engines = Engines([*warm], warm.__getitem__, resident=2)
    engines.open()
    return engines


@pytest.fixture
def studio(engines: Engines, store: FolderStore, client: redis.Redis) -> Studio:
    mask = picture(0)
    mask[:16] = 255
    house = np.full((32, 32, 3), LEGEND[0].colour, np.uint8)
    box = np.full((64, 64, 3), 255, np.uint8)
    box[24:40, 24:40] = (220, 20, 30)
    pictures = {"a": picture(200), "a%20b": picture(200), "mask": mask, "map": house, "box": box}
    web = FakeWeb({f"https://example.org/{name}.png": shown for name, shown in pictures.items()})
    return Studio(engines, store, client, OFFER, Intake(store, web))


@pytest.fixture
def make(studio: Studio, store: FolderStore) -> Make:
    """A job's pictures as the store has them after it was made."""

    def made(job: Job) -> list[Picture]:
        studio.make(planned(job), started=lambda ticket: None)
        files = [store.get_image(job.id, index) for index in range(job.image_count)]
        return [read_pixels(file) for file in files if file is not None]

    return made
