"""A worker can make every kind of job there is: the table is walked, with a real engine around a tiny random model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import redis
import torch

import model
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import Job
from contract.kinds import KINDS
from contract.outcomes import Done, Texts
from contract.planning import plan
from exchange.images import FolderStore
from model import tiny
from tests.contract.kinds.examples import EXAMPLES
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.kinds import MAKERS
from worker.pictures import Studio

TINY = replace(EASEL_SMALL, pixels=32 * 32, num_inference_steps=2, enlargement=1)


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


def test_every_kind_has_its_maker() -> None:
    """And there is none for a kind that is gone."""
    assert set(MAKERS) == set(KINDS)


@pytest.mark.parametrize("job", [pytest.param(job, id=name) for name, job in EXAMPLES.items()])
def test_a_worker_makes_it(studio: Studio, store: FolderStore, job: Job) -> None:
    """What the kind says comes out lies in the store: as many pictures as it has, or its texts."""
    accepted = replace(job, plan=plan(job, TINY))
    outcome = studio.make(accepted, started=lambda ticket: None)
    assert isinstance(outcome, Done | Texts)
    assert isinstance(outcome, Done) == (job.image_count > 0)
    files = [store.get_image(job.id, index) for index in range(job.image_count)]
    assert all(files)
    assert store.get_image(job.id, job.image_count) is None
    assert store.get_record(job.id) == accepted
    assert type(studio.make(accepted, started=lambda ticket: None)) is type(outcome)
