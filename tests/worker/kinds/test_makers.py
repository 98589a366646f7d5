"""A worker can make every kind of job there is: the table is walked, with a real engine around a tiny random model."""

from __future__ import annotations

import pytest

from contract.jobs import Job
from contract.kinds import KINDS
from contract.outcomes import Done, Texts
from exchange.images import FolderStore
from tests.contract.kinds.examples import EXAMPLES
from tests.worker.kinds.conftest import planned
from worker.kinds import MAKERS
from worker.pictures import Studio


def test_every_kind_has_its_maker() -> None:
    """And there is none for a kind that is gone."""
    assert set(MAKERS) == set(KINDS)


@pytest.mark.parametrize("job", [pytest.param(job, id=name) for name, job in EXAMPLES.items()])
def test_a_worker_makes_it(studio: Studio, store: FolderStore, job: Job) -> None:
    """What the kind says comes out lies in the store: as many pictures as it has, or its texts."""
    accepted = planned(job)
    outcome = studio.make(accepted, started=lambda ticket: None)
    assert isinstance(outcome, Done | Texts)
    assert isinstance(outcome, Done) == (job.image_count > 0)
    files = [store.get_image(job.id, index) for index in range(job.image_count)]
    assert all(files)
    assert store.get_image(job.id, job.image_count) is None
    assert store.get_record(job.id) == accepted
    assert type(studio.make(accepted, started=lambda ticket: None)) is type(outcome)
