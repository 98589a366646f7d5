"""Bringing pictures in has a queue of its own: what succeeds there is drawn next, what does not is told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import pytest
import redis

from contract.jobs import Job, Queue
from exchange import keys
from exchange.connection import connect_async
from exchange.queue import CancelOutcome, JobQueue
from tests.exchange.jobs import job
from tests.worker.slot_tasks import tasks_module
from tests.worker.test_slots import Bench
from worker.slots import SlotPool


@pytest.fixture
def bench(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """A process that brings pictures in and posts, and draws nothing; every job needs pictures."""
    monkeypatch.setitem(sys.modules, "worker.tasks", tasks_module(client))
    monkeypatch.setattr(Job, "queue", Queue.INTAKE)
    bench = Bench(redis_url, client)
    pool = SlotPool(client, {keys.INTAKE: 1, keys.DELIVER: 1})
    bench.pools.append(pool)
    pool.start()
    yield bench
    pool.stop()


def test_what_was_brought_in_waits_to_be_drawn(bench: Bench) -> None:
    """The drawing counts for its user, at its own cost, and has the job's place."""
    bench.submit(job())
    rq_id = keys.again_id(job().id)
    bench.until(lambda: bench.client.lrange(keys.rq_list(keys.RENDER), 0, -1) == [rq_id.encode()])
    assert bench.client.hmget(keys.rq_job(rq_id), ["easel_user", "easel_cost", "easel_model", "status"]) == [
        *(b"811", b"1", b"m", b"queued"),
    ]
    assert bench.client.smembers(keys.waiting("user:811")) == {rq_id.encode()}
    assert bench.client.hget(keys.state(job().id), "state") == b"queued"
    position = asyncio.run(_position(bench, job()))
    assert position == (0, False)


def test_what_cannot_be_brought_in_is_told(bench: Bench) -> None:
    """A refusal goes to the posts; nothing is drawn."""
    bench.submit(job(), orders="refuse")
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job().id} refused"]
    assert bench.client.llen(keys.rq_list(keys.RENDER)) == 0


def test_a_cancel_reaches_a_job_that_is_being_brought_in(bench: Bench) -> None:
    """The task is stopped, and the person is told."""
    bench.submit(job(), orders="hang")
    bench.until(lambda: bench.client.llen("intakes"))
    assert bench.cancel(job()) is CancelOutcome.STOPPING
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job().id} cancelled"]
    assert bench.client.llen(keys.rq_list(keys.RENDER)) == 0


def test_a_cancel_reaches_the_drawing_that_waits(bench: Bench) -> None:
    """A job that was brought in and not begun is gone at once."""
    bench.submit(job())
    bench.until(lambda: bench.client.llen(keys.rq_list(keys.RENDER)))
    assert bench.cancel(job()) is CancelOutcome.CANCELLED
    assert bench.client.llen(keys.rq_list(keys.RENDER)) == 0
    assert bench.client.hget(keys.state(job().id), "state") == b"cancelled"


async def _position(bench: Bench, target: Job) -> tuple[int, bool] | None:
    client = connect_async(bench.url)
    position = await JobQueue(client).position(target.id)
    await client.aclose()
    return (position.ahead, position.running) if position else None
