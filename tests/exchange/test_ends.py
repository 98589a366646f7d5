"""Every accepted job reaches an end that is told: cancelled, vanished, requeued, forgotten by Redis or put aside."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
from rq import Queue
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from contract.jobs import Job
from contract.outcomes import Done, Failed, Fault, JobState, decode_outcome
from exchange import keys, scripts
from exchange.delivery import MessageRef, Withdrawn, delivery_state, enqueue_delivery, record_posted
from exchange.queue import CancelOutcome, JobQueue, Limits
from exchange.tasks import AllowedJob
from tests.contract.factories import priced
from tests.exchange.jobs import MESSAGE, enqueue, job, upscale_of
from tests.exchange.worker import PlainWorker
from worker.recovery import recover


def outcome_of(client: redis.Redis, target: Job) -> str:
    """What the waiting delivery of a job will say; empty when there is none."""
    rq_id = keys.delivery_id(target.id)
    if client.hget(keys.rq_job(rq_id), "status") != b"queued":
        return ""
    raw = client.hgetall(keys.rq_job(rq_id))
    rq_job = AllowedJob(rq_id, connection=client, serializer=JSONSerializer)
    rq_job.restore(raw)
    return str(decode_outcome(rq_job.args[1]).state)


def look_after(client: redis.Redis) -> None:
    """What a worker's heartbeat does within ten seconds."""
    client.zunionstore(keys.open_jobs(), {keys.open_jobs(): 0})  # all are due
    recover(client)


async def test_a_cancelled_job_that_waited_is_told_by_its_delivery(queue: JobQueue, client: redis.Redis) -> None:
    """There is one author of `(Stopped)`; a discarded job has none, because nothing was said of it."""
    await enqueue(queue, job(1), job(2))
    assert await queue.cancel(job(1).id, by=811) is CancelOutcome.CANCELLED
    await queue.discard(job(2).id)
    assert outcome_of(client, job(1)) == "cancelled"
    assert outcome_of(client, job(2)) == ""
    assert client.scard(keys.waiting("user:811")) == 0


async def test_what_is_being_posted_can_no_longer_be_cancelled(queue: JobQueue, client: redis.Redis) -> None:
    """To say that it was stopped, and then to post it, would be a lie."""
    upscaled = upscale_of(job())
    await enqueue(queue, upscaled)
    assert PlainWorker(client, queue="deliver").claim() == upscaled.id
    assert await queue.cancel(upscaled.id, by=upscaled.user.id) is CancelOutcome.ENDED


async def test_a_post_that_waits_is_replaced_by_its_cancel(queue: JobQueue, client: redis.Redis) -> None:
    """Drawn, but not posted yet: the person is told that it stopped."""
    await enqueue(queue, job())
    worker = PlainWorker(client)
    worker.claim()
    enqueue_delivery(client, job(), Done())
    worker.finish(job().id)
    assert outcome_of(client, job()) == "done"
    assert await queue.cancel(job().id, by=811) is CancelOutcome.CANCELLED
    assert outcome_of(client, job()) == "cancelled"


async def test_a_cancel_holds_back_what_is_finished_a_moment_later(queue: JobQueue, client: redis.Redis) -> None:
    """What was answered with "stopping" is not posted."""
    await enqueue(queue, job())
    worker = PlainWorker(client)
    worker.claim()
    assert await queue.cancel(job().id, by=811) is CancelOutcome.STOPPING
    with pytest.raises(Withdrawn):
        enqueue_delivery(client, job(), Done(), ("render", job().id, worker.executions[job().id]))
    assert outcome_of(client, job()) == ""


async def test_cancel_all_ends_those_that_wait_first(queue: JobQueue, client: redis.Redis) -> None:
    """No waiting job begins because a running one ended; others' jobs stay."""
    await enqueue(queue, *(job(number) for number in range(5)), job(9, user=2))
    first = PlainWorker(client).claim()
    ended = await queue.cancel_all(811)
    assert list(ended.values()) == [CancelOutcome.CANCELLED] * 4 + [CancelOutcome.STOPPING]
    assert list(ended)[-1] == first
    assert client.lrange(keys.rq_list("render"), 0, -1) == [job(9, user=2).id.encode()]


async def test_cancel_all_asks_redis_as_often_for_many_jobs_as_for_few(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """A Redis far away makes it no slower with two hundred jobs; each of them is told of."""
    queue = JobQueue(async_client, Limits(0, 0, 0, 0))

    async def sent(*jobs: Job) -> int:
        await enqueue(queue, *jobs)
        before = client.info("stats")["total_reads_processed"]
        outcomes = await queue.cancel_all(811)
        assert outcomes == dict.fromkeys((each.id for each in jobs), CancelOutcome.CANCELLED)
        return int(client.info("stats")["total_reads_processed"]) - int(before)

    await sent(job(1))  # the scripts are known from here on
    few, many = await sent(job(2), job(3)), await sent(*(job(number) for number in range(4, 204)))
    assert many - few < 50  # a large request is read in pieces
    assert client.llen(keys.rq_list(keys.DELIVER)) == 203


async def test_cancel_all_outlives_a_server_that_forgets_its_scripts(
    queue: JobQueue, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fail-over in the middle: what had been ended stays so, the others follow, and all are counted."""
    jobs = [priced(job(number, user=1), 10) for number in range(4)]
    for each in jobs:
        await queue.submit(each)
        await queue.release(each.id, MESSAGE)
    run = scripts.run_async

    async def forgetful(*arguments: Any) -> Any:
        answer = await run(*arguments)
        client.script_flush()
        return answer

    monkeypatch.setattr(scripts, "run_async", forgetful)
    assert list((await queue.cancel_all(1)).values()) == [CancelOutcome.CANCELLED] * 4


async def test_a_job_that_cannot_be_read_ends_with_the_others(queue: JobQueue, client: redis.Redis) -> None:
    """Nobody can be told of it, and it keeps none of the others."""
    await enqueue(queue, job(1), job(2))
    client.hset(keys.state(job(1).id), "job", b"\xff{")
    assert set((await queue.cancel_all(811)).values()) == {CancelOutcome.CANCELLED}
    assert client.lrange(keys.rq_list(keys.DELIVER), 0, -1) == [keys.delivery_id(job(2).id).encode()]


@pytest.mark.parametrize(("seconds", "paid"), [(0, 0.0), (5, 5.0), (9.5, 9.5), (60, 10.0)])
async def test_a_job_cancelled_late_pays_for_what_ran(
    queue: JobQueue, client: redis.Redis, seconds: float, paid: float
) -> None:
    """Ten megapixel-steps at one a second: a cancel at the very end gives nothing back."""
    await enqueue(queue, job(), *(job(number, user=number) for number in range(2, 12)), cost=10.0)
    client.hset(keys.speed(), "m", 1.0)
    worker = PlainWorker(client)
    worker.claim()
    began = float(client.hget(keys.rq_job(job().id), "easel_began") or 0)
    client.hset(keys.rq_job(job().id), "easel_began", began - seconds)
    before = float(client.zscore(keys.ends("render"), "811") or 0)
    worker.finish(job().id, how="canceled")
    share = float(client.hget(keys.rq_job(job().id), "easel_share") or 0)
    given_back = before - float(client.zscore(keys.ends("render"), "811") or 0)
    assert given_back == pytest.approx(share * (1 - paid / 10.0), abs=share * 0.03)


@pytest.mark.parametrize("accident", ["empty", "delete", "cancel", "list", "registry", "lease"])
async def test_whatever_rqs_tools_do_a_job_reaches_an_end(queue: JobQueue, client: redis.Redis, accident: str) -> None:
    """Emptied, deleted or cancelled by its operator it is told as stopped; what only lost its place gets it back."""
    await enqueue(queue, job())
    rq_queue = Queue("render", connection=client, serializer=JSONSerializer)
    if accident == "empty":
        rq_queue.empty()
    elif accident == "delete":
        RQJob.fetch(job().id, client, serializer=JSONSerializer).delete()
    elif accident == "cancel":
        RQJob.fetch(job().id, client, serializer=JSONSerializer).cancel()
    elif accident == "list":
        client.delete(keys.rq_list("render"))
    else:
        PlainWorker(client).claim()
        client.delete(keys.leases("render"))
        if accident == "registry":
            client.hdel(keys.rq_job(job().id), "worker_name")
    look_after(client)
    if accident in ("empty", "delete", "cancel"):
        assert outcome_of(client, job()) == "cancelled"
    else:
        assert outcome_of(client, job()) == ""
        assert PlainWorker(client).claim() == job().id


async def test_a_post_that_vanished_is_made_again(queue: JobQueue, client: redis.Redis) -> None:
    """The picture is in the store: it is handed over."""
    await enqueue(queue, job())
    worker = PlainWorker(client)
    worker.claim()
    enqueue_delivery(client, job(), Done())
    worker.finish(job().id)
    Queue("deliver", connection=client, serializer=JSONSerializer).empty()
    look_after(client)
    assert outcome_of(client, job()) == "done"


async def test_a_failed_job_that_is_requeued_is_delivered(queue: JobQueue, client: redis.Redis) -> None:
    """`rq requeue` reopens the job: its new result is posted although its failure was."""
    await enqueue(queue, job())
    worker = PlainWorker(client)
    worker.claim()
    worker.finish(job().id, how="failed")
    enqueue_delivery(client, job(), Failed(Fault.ERROR))
    post = PlainWorker(client, queue="deliver")
    post.claim()
    record_posted(client, job().id, MessageRef(31, 5), JobState.FAILED)
    post.finish(keys.delivery_id(job().id))
    Queue("render", connection=client, serializer=JSONSerializer).failed_job_registry.requeue(job().id)
    assert worker.claim() == job().id
    assert await queue.state(job().id) is JobState.RUNNING
    assert enqueue_delivery(client, job(), Done(), ("render", job().id, worker.executions[job().id]))
    assert outcome_of(client, job()) == "done"


async def test_a_job_that_redis_forgot_is_put_back(queue: JobQueue, client: redis.Redis) -> None:
    """Redis came back empty: who still knows the job and its message puts it back, as often as they like. It counts as
    vanished once."""
    await enqueue(queue, job())
    client.flushall()
    assert await queue.state(job().id) is None
    for _ in range(2):
        assert await queue.restore(job(), MESSAGE)
    assert client.hget(keys.recovered_counts(), "vanished") == b"1"
    assert await queue.waiting_message(job().id) == MESSAGE
    assert delivery_state(client, job().id).first_try_ms == job().created_ms
    assert PlainWorker(client).claim() == job().id
    assert PlainWorker(client, "host-1-2").claim() == "empty"


async def test_a_state_that_vanished_is_put_back_beside_its_job(queue: JobQueue, client: redis.Redis) -> None:
    """Only the Easel half is gone: the RQ job goes on and nobody is asked twice."""
    await enqueue(queue, job())
    client.delete(keys.state(job().id))
    assert await queue.restore(job(), MESSAGE)
    assert client.lrange(keys.rq_list("render"), 0, -1) == [job().id.encode()]
    assert await queue.waiting_message(job().id) == MESSAGE


async def test_cancels_and_retries_are_no_failures_of_a_slot(queue: JobQueue, client: redis.Redis) -> None:
    """As RQ's exporters count them: only what failed has failed."""
    worker = PlainWorker(client)
    client.hset(keys.rq_worker(worker.name), "birth", "2026-11-22T12:00:00.000000Z")
    for number, how in enumerate(("canceled", "retry", "back", "finished", "failed")):
        await enqueue(queue, job(number))
        worker.claim()
        worker.finish(job(number).id, how=how)
        client.delete(keys.rq_list("render"), keys.order("render"))
    counted = client.hmget(keys.rq_worker(worker.name), ["successful_job_count", "failed_job_count"])
    assert counted == [b"1", b"1"]
