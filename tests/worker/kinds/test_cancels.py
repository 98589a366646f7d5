"""A job of any kind that ends in the middle, by a cancel or with its worker: the table of kinds is walked, with a real
engine."""

from __future__ import annotations

from typing import Any

import pytest

import model
from contract.jobs import Job
from exchange.images import FolderStore
from model.errors import Cancelled
from model.ticket import Ticket
from tests.contract.kinds.examples import EXAMPLES
from tests.worker.kinds.conftest import planned
from worker.engines import Engines
from worker.pictures import Studio


class Drawings:
    """In place of `Engine.submit`: the drawing in place `cancelled`, from 0, ends as one that was cancelled."""

    def __init__(self, engine: model.Engine) -> None:
        self._submit = engine.submit
        self.tickets: list[Ticket] = []
        self.cancelled: int | None = None

    def __call__(self, request: model.Request, **how: Any) -> Ticket:
        if len(self.tickets) == self.cancelled:
            ticket = Ticket(request, 0.0, 1, 0, lambda: None)
            ticket.finish(None, Cancelled("as a person wished"))
        else:
            ticket = self._submit(request, **how)
        self.tickets.append(ticket)
        return ticket


class Died(BaseException):
    """In place of SIGKILL: nothing catches it, and nothing is tidied up."""


@pytest.mark.parametrize("job", [pytest.param(job, id=name) for name, job in EXAMPLES.items()])
def test_whatever_ends_it_in_the_middle_it_is_made_whole_once(
    studio: Studio, engines: Engines, store: FolderStore, monkeypatch: pytest.MonkeyPatch, job: Job
) -> None:
    """Its worker dies before all of it is kept, or when it is and nobody has been told: the next one draws none of the
    pictures that are there. A cancel at the first drawing, one in the middle or the last: nothing is kept that could be
    posted, and nothing goes on being drawn."""
    with engines.lent(job.model, lambda place: None) as warm:
        engine = warm.engine
    assert isinstance(engine, model.Engine)
    drawings = Drawings(engine)
    monkeypatch.setattr(engine, "submit", drawings)
    accepted = planned(job)
    _die(studio, monkeypatch, accepted, kept=False)  # what it starts from is in the store from here on
    assert store.get_document(job.id) is None
    _goes_on(studio, store, drawings, accepted)
    store.delete(job.id)
    drawings.tickets.clear()
    studio.make(accepted, started=lambda ticket: None)
    count = len(drawings.tickets)
    for place in {0, count // 2, count - 1} if count else ():
        store.delete(job.id)
        drawings.tickets.clear()
        drawings.cancelled = place
        with pytest.raises(Cancelled):
            studio.make(accepted, started=lambda ticket: None)
        assert store.get_document(job.id) is None
        assert all(store.get_image(job.id, index) is None for index in range(job.image_count))
        assert all(ticket.done or ticket.cancelled for ticket in drawings.tickets)
    drawings.cancelled = None
    store.delete(job.id)
    _die(studio, monkeypatch, accepted, kept=True)
    _goes_on(studio, store, drawings, accepted)


def _goes_on(studio: Studio, store: FolderStore, drawings: Drawings, job: Job) -> None:
    """What another worker makes of a job whose pictures are there."""
    drawings.tickets.clear()
    files = [store.get_image(job.id, index) for index in range(job.image_count)]
    assert None not in files
    studio.make(job, started=lambda ticket: None)
    assert store.get_record(job.id) == job
    assert [store.get_image(job.id, index) for index in range(job.image_count)] == files
    assert drawings.tickets == [] or not files


def _die(studio: Studio, monkeypatch: pytest.MonkeyPatch, job: Job, *, kept: bool) -> None:
    """Make `job` and die where its record is written, the last of it: before, or just after."""
    put_record = FolderStore.put_record

    def dies(store: FolderStore, record: dict[str, Any]) -> None:
        if record["job"]["id"] != job.id:
            put_record(store, record)
            return
        if kept:
            put_record(store, record)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "put_record", dies)
        with pytest.raises(Died):
            studio.make(job, started=lambda ticket: None)
