"""What an operator sees of jobs: a trail that the queue's own steps leave behind, whoever dies."""

from __future__ import annotations

from itertools import pairwise

import redis

from contract.outcomes import JobState
from exchange import drains, keys, scripts
from exchange.inspection import Moment, host_of, list_jobs, read_job
from exchange.queue import JobQueue
from exchange.tasks import RETRIES
from tests.contract.factories import priced
from tests.exchange.jobs import enqueue, job
from tests.exchange.worker import PlainWorker, recover


def deeds(client: redis.Redis, number: int = 1) -> list[str]:
    """What was done to a job, in order."""
    seen = read_job(client, job(number).id)
    assert seen is not None
    return [" ".join(filter(None, (moment.did, moment.queue))) for moment in seen.trail]


async def test_a_job_leaves_a_trail(client: redis.Redis, queue: JobQueue) -> None:
    """Accepted, answered, begun, tried again with its cause, begun by another, lapsed, begun, done."""
    await enqueue(queue, job())
    first, second = PlainWorker(client, "north-11-ab12-1"), PlainWorker(client, "south-12-cd34-2")
    rq_id = first.claim()
    first.finish(rq_id, "retry", why="the card fell off the bus")
    seen = read_job(client, job().id)
    assert seen is not None
    assert (seen.state, seen.ahead, seen.cause, seen.host) == (
        JobState.QUEUED,
        0,
        "the card fell off the bus",
        "north",
    )
    second.claim()
    second.lapse(rq_id)
    recover(client)
    first.claim()
    first.finish(rq_id)
    assert deeds(client) == [
        "accepted render",
        "acknowledged",
        "started render",
        "retry render",
        "started render",
        "lapsed render",
        "started render",
        "finished render",
    ]
    moments = read_job(client, job().id).trail  # type: ignore[union-attr]  # seen above
    assert [moment.host for moment in moments if moment.did == "started"] == ["north", "south", "north"]
    assert all(later.at_s >= earlier.at_s for earlier, later in pairwise(moments))
    assert 0 < client.ttl(keys.trail(job().id)) <= 86_400


async def test_a_cancel_and_a_dead_bot_are_in_the_trail(client: redis.Redis, queue: JobQueue) -> None:
    """By whom, and that nobody answered."""
    await queue.submit(priced(job(1), 10.0))
    client.zadd(keys.held(), {job(1).id: 1})
    recover(client)
    await queue.cancel(job(1).id, by=0, operator=True)
    assert deeds(client) == ["accepted render", "released", "cancelled"]


async def test_a_list_is_newest_first(client: redis.Redis, queue: JobQueue) -> None:
    """By state and by person; somebody else's entries hide nothing."""
    await enqueue(queue, job(1), job(2, user=5))
    worker = PlainWorker(client)
    worker.finish(worker.claim(), "failed", why="no")
    client.zadd(keys.open_jobs(), {"not-a-job": 1})
    client.rpush(keys.trail(job(2).id), "no json", "[]", '{"at": "never"}')
    assert {seen.id for seen in list_jobs(client)} == {job(1).id, job(2).id}
    assert [seen.cause for seen in list_jobs(client, states=[JobState.FAILED])] == ["no"]
    assert [seen.id for seen in list_jobs(client, user_id=5)] == [job(2).id]
    assert list_jobs(client, last=1)[0].id == job(2).id


async def test_a_failed_job_is_done_again_from_the_step_that_failed(client: redis.Redis, queue: JobQueue) -> None:
    """With all its tries, before all others, and at its person's cost; one that has not failed is left alone."""
    await enqueue(queue, job(1), job(2))
    worker = PlainWorker(client)
    rq_id = worker.claim()

    def requeue(number: int) -> bytes:
        id = job(number).id
        asked = {"job": id, "ids": keys.rq_ids(id), "retries": RETRIES, "by": "operator"}
        return bytes(scripts.run(client, scripts.REQUEUE, scripts.arguments(asked)))

    def paid() -> float:
        return float(client.zscore(keys.ends("render"), str(job(1).user.id)) or 0)

    assert requeue(1) == b"open"
    before = paid()
    worker.finish(rq_id, "failed")
    assert paid() < before, "a failed job costs nothing"
    assert requeue(1) == b"render"
    assert paid() == before, "done again it costs what it did"
    assert requeue(1) == b"open"
    assert worker.claim() == rq_id
    assert client.hget(keys.rq_job(rq_id), "retries_left") == b"3"
    assert client.zcard(keys.ended("failed", "render")) == 0
    assert requeue(3) == b"unknown"
    await queue.cancel(job(2).id, by=0, operator=True)
    assert requeue(2) == b"nothing"


async def test_a_drained_place_begins_nothing(client: redis.Redis, queue: JobQueue) -> None:
    """A host or one of its devices; what is drawn is posted there all the same."""
    await enqueue(queue, job(1), job(2))
    north = PlainWorker(client, places=["north", "north:0"])
    south = PlainWorker(client, places=["south", "south:0"])
    for place in ("north", "north:0"):
        assert drains.drain(client, place)
        assert not drains.drain(client, place)
        assert north.claim() == "blocked"
        assert set(drains.drained(client)) == {place}
        assert drains.undrain(client, place)
    drains.drain(client, "north:1")
    assert north.claim() == job(1).id
    drains.drain(client, "north")
    assert south.claim() == job(2).id
    assert PlainWorker(client, queue="deliver", places=["north"]).claim() == "empty"


def test_a_host_is_read_from_a_slots_name() -> None:
    """Which may hold dashes itself; a person's id is no host."""
    assert host_of("gpu-host-3-417-9f0ad2b1-2") == "gpu-host-3"
    assert host_of("811") == ""
    assert Moment(1.0, "cancelled", by="operator").host == ""
