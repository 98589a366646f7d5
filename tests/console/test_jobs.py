"""`jobs`, `cancel` and `requeue`, with the exit status of each answer."""

from __future__ import annotations

import asyncio

import pytest
import redis

from exchange.connection import connect_async
from exchange.queue import JobQueue
from tests.console.conftest import Easel
from tests.exchange.jobs import enqueue, job
from tests.exchange.worker import PlainWorker


@pytest.fixture
def one(client: redis.Redis, redis_url: str) -> str:
    """The id of a job that waits."""

    async def put() -> None:
        async_client = connect_async(redis_url)
        await enqueue(JobQueue(async_client), job())
        await async_client.aclose()

    asyncio.run(put())
    return job().id


def test_a_job_from_beginning_to_end(easel: Easel, client: redis.Redis, one: str) -> None:
    """In words, and as JSON; the list has a line of it."""
    worker = PlainWorker(client, "gpu-host-3-417-9f0ad2b1-2")
    worker.finish(worker.claim(), "failed", why="the card fell off the bus")
    said = easel("jobs", one).said
    for words in ("failed for good", "the card fell off the bus", "gpu-host-3-417", "accepted", "for user 811"):
        assert words in said
    document = easel("jobs", one, "--json").document
    assert (document["state"], document["host"]) == ("failed", "gpu-host-3")
    assert [step["did"] for step in document["trail"]] == ["accepted", "acknowledged", "started", "failed"]
    assert one in easel("jobs").said
    assert [found["id"] for found in easel("jobs", "--state", "failed", "--json").document["jobs"]] == [one]
    assert easel("jobs", "--state", "running", "--json").document == {"jobs": []}


def test_an_operator_ends_a_job(easel: Easel, one: str) -> None:
    """Once; afterwards there is nothing to end."""
    assert easel("cancel", one, "--json").document == {"id": one, "outcome": "cancelled"}
    assert easel("cancel", one).status == 4


def test_an_operator_does_a_job_again(easel: Easel, client: redis.Redis, one: str) -> None:
    """If it failed; what waits and what was cancelled is said."""
    waiting = easel("requeue", one)
    assert (waiting.status, "has not ended" in waiting.said) == (4, True)
    worker = PlainWorker(client)
    rq_id = worker.claim()
    worker.finish(rq_id, "failed")
    assert easel("requeue", one, "--json").document == {"id": one, "queue": "render"}
    assert worker.claim() == rq_id


@pytest.mark.parametrize("command", ["jobs", "cancel", "requeue"])
@pytest.mark.parametrize("id", ["nonsense", "0192f0c1-7b6a-8c3d-9e2f-0123456789ab"])
def test_a_job_that_is_not_there(easel: Easel, command: str, id: str) -> None:
    """Exit status 3, and the sentence names it."""
    answer = easel(command, id)
    assert answer.status == 3
    assert id in answer.said
