"""Between workers: a job goes to where its model is loaded, and a job that nobody can draw says so."""

from __future__ import annotations

import redis

from exchange import keys
from exchange.queue import JobQueue
from tests.exchange.jobs import enqueue, job
from tests.exchange.worker import PlainWorker

NOW = 1_800_000_000.0


def worker(client: redis.Redis, name: str, loaded: str) -> PlainWorker:
    """A process of two models with one of them loaded."""
    return PlainWorker(client, f"{name}-1", process=name, loaded=loaded, prefer=loaded, models="")


async def test_alternating_jobs_stay_with_their_models(queue: JobQueue, client: redis.Redis) -> None:
    """Twelve jobs for two models on two idle workers: nobody loads, no matter who asks first."""
    workers = {"a": worker(client, "one", "a"), "b": worker(client, "two", "b")}
    for each in workers.values():
        each.claim(now=NOW)
    loads = 0
    for number in range(12):
        model, other = ("a", "b") if number % 2 else ("b", "a")
        await enqueue(queue, job(number, user=number), model_key=model)
        for name in (other, model):
            got = workers[name].claim(now=NOW + number * 0.1)
            if got == job(number, user=number).id:
                loads += name != model
                workers[name].finish(got)
    assert loads == 0
    assert client.llen(keys.rq_list("render")) == 0


async def test_a_job_is_left_to_another_only_for_a_moment(queue: JobQueue, client: redis.Redis) -> None:
    """The other one may be slow, or its slots full: after two seconds the next one to ask takes the job."""
    one, two = worker(client, "one", "a"), worker(client, "two", "b")
    await enqueue(queue, job(), model_key="a")
    one.wants["max_pixels"] = 1  # it asks, but does not take it
    client.hset(keys.rq_job(job().id), "easel_pixels", 4)
    for moment, got in ((0.0, "blocked"), (1.0, "blocked"), (1.9, "blocked"), (2.1, job().id)):
        assert one.claim(now=NOW + moment) == "blocked"
        assert two.claim(now=NOW + moment) == got


async def test_nobody_waits_for_a_worker_that_is_gone(queue: JobQueue, client: redis.Redis) -> None:
    """A process that has not asked for a while has no room, or is dead."""
    one, two = worker(client, "one", "a"), worker(client, "two", "b")
    one.claim(now=NOW)
    await enqueue(queue, job(), model_key="a")
    assert two.claim(now=NOW + 1.6) == job().id


async def test_a_model_that_nobody_serves_is_said(queue: JobQueue, client: redis.Redis) -> None:
    """As long as none of the processes that draw has it; those that only post do not count."""
    await enqueue(queue, job(), model_key="a")
    client.hset(keys.rq_job(job().id), "easel_name", "a")
    client.sadd(keys.nodes(), "one", "gone", "poster")
    client.hset(keys.node("one"), mapping={"name": "one", "models": "b,aa"})
    client.hset(keys.node("poster"), mapping={"name": "poster", "delivers": "only"})
    position = await queue.position(job().id)
    assert position is not None
    assert not position.served
    client.hset(keys.node("one"), "models", "b,a")
    position = await queue.position(job().id)
    assert position is not None
    assert position.served
    assert client.smembers(keys.nodes()) == {b"one", b"poster"}
