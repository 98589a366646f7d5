"""The two tasks, from the queue to the queue: a rendered job makes its delivery, and a delivery ends the job."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
import redis
from rq.serializers import JSONSerializer

from contract.codec import encode_job, job_document
from contract.errors import MalformedDocument, NewerVersion
from contract.jobs import Job
from contract.outcomes import Done, JobState, Outcome, decode_outcome, encode_outcome
from exchange import keys
from exchange.delivery import MessageRef
from exchange.tasks import AllowedJob
from tests.contract.factories import imagine
from worker import tasks
from worker.delivery.ending import Delivery, Ended
from worker.leases import Lease, Stop, held
from worker.pictures import Studio


@dataclass
class FakeStudio:
    """Draws nothing, and is cancelled by the holder of the ticket."""

    drawn: list[Job] = field(default_factory=list)
    cancelled: int = 0

    def make(self, job: Job, *, started: Any) -> Outcome:
        self.drawn.append(job)
        started(self)
        return Done(gpu_s=1.5)

    def shaped(self, job: Job, *, started: Any) -> Job:
        """Its jobs change no picture."""
        return job

    def pause(self) -> None:
        """Nothing runs here that could."""

    resume = pause

    def cancel(self) -> None:
        self.cancelled += 1


@dataclass
class FakeDelivery:
    """Remembers what it was to deliver."""

    delivered: list[tuple[Job, Outcome]] = field(default_factory=list)

    def deliver(self, job: Job, outcome: Outcome) -> Ended:
        self.delivered.append((job, outcome))
        return Ended(JobState.DELIVERED, MessageRef(31, 50))


@pytest.fixture
def studio() -> FakeStudio:
    return FakeStudio()


@pytest.fixture
def delivery() -> FakeDelivery:
    return FakeDelivery()


@pytest.fixture(autouse=True)
def equipped(client: redis.Redis, studio: FakeStudio, delivery: FakeDelivery) -> Iterator[None]:
    """A process that does both."""
    tasks.equip(tasks.Tools(client, cast(Studio, studio), cast(Delivery, delivery)))
    yield
    tasks.equip(None)


def test_a_rendered_job_makes_its_delivery(client: redis.Redis, studio: FakeStudio, delivery: FakeDelivery) -> None:
    """As a job of its own on the other queue, with the outcome; repeated, there is still one."""
    job = imagine()
    assert decode_outcome(tasks.render(encode_job(job))) == Done(gpu_s=1.5)
    assert decode_outcome(tasks.render(encode_job(job))) == Done(gpu_s=1.5)
    assert studio.drawn == [job, job]
    assert client.lrange(keys.rq_list(keys.DELIVER), 0, -1) == [keys.delivery_id(job.id).encode()]
    queued = AllowedJob.fetch(keys.delivery_id(job.id), connection=client, serializer=JSONSerializer)
    message = {"channel_id": 31, "message_id": 50}
    assert queued.perform() == {"state": "delivered", "message": message, "kind": None, "way": None}
    assert delivery.delivered == [(job, Done(gpu_s=1.5))]


def test_a_worker_that_lost_its_lease_makes_no_delivery(client: redis.Redis, studio: FakeStudio) -> None:
    """Another worker has the job now; it is the one to say how it ended."""
    job = imagine()
    with held(Lease(keys.RENDER, job.id, job.id, "execution", "worker", 900)):
        tasks.render(encode_job(job))
    assert client.llen(keys.rq_list(keys.DELIVER)) == 0


def test_a_stopped_lease_cancels_the_ticket(studio: FakeStudio) -> None:
    """Cancel, drain and time-out all reach the engine."""
    job = imagine()
    lease = Lease(keys.RENDER, job.id, job.id, "execution", "worker", 900)
    with held(lease):
        tasks.render(encode_job(job))
    lease.stop(Stop.CANCELLED)
    assert studio.cancelled == 1


def test_documents_that_cannot_be_read_are_told_apart() -> None:
    """A newer Easel's job is handed back by the slot; nonsense is not."""
    newer = json.dumps(job_document(imagine()) | {"version": 999})
    for task in (tasks.render, lambda text: tasks.deliver(text, encode_outcome(Done()))):
        with pytest.raises(NewerVersion):
            task(newer)
        with pytest.raises(MalformedDocument):
            task("{}")


def test_a_process_does_only_what_it_is_equipped_for(client: redis.Redis) -> None:
    """A process that only delivers has no studio, and says so instead of failing oddly."""
    tasks.equip(tasks.Tools(client))
    with pytest.raises(tasks.NotEquipped, match="draws nothing"):
        tasks.render(encode_job(imagine()))
    with pytest.raises(tasks.NotEquipped, match="delivers nothing"):
        tasks.deliver(encode_job(imagine()), encode_outcome(Done()))


@pytest.mark.parametrize("module", ["worker.tasks", "worker.delivery.discord", "worker.slots", "worker.__main__"])
def test_delivering_needs_no_torch(module: str) -> None:
    """`easel deliver` and the supervisor stay small: torch is loaded only by a process that draws."""
    code = (
        f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
