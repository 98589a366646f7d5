"""Submitting, acknowledging, ordering, limiting and cancelling, on a real server."""

import pytest
import redis
import redis.asyncio
from rq import Queue
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer
from rq.suspension import resume, suspend

from contract.errors import UserError
from exchange import keys, scripts
from exchange.delivery import delivery_state
from exchange.queue import CancelOutcome, JobQueue, Limits
from exchange.tasks import AllowedJob
from tests.contract.factories import priced
from tests.exchange.jobs import MESSAGE, enqueue, job, upscale_of
from tests.exchange.worker import PlainWorker, recover


async def test_a_submitted_job_is_held_until_released(queue: JobQueue, client: redis.Redis) -> None:
    """Nobody can run a job whose acknowledgement is still on its way."""
    worker = PlainWorker(client)
    submitted = await queue.submit(priced(job(), 10, model="m"))
    assert (submitted.duplicate, submitted.position) == (False, 0)
    assert await queue.state(job().id) == "held"
    assert worker.claim() == "empty"
    assert await queue.release(job().id, MESSAGE)
    assert await queue.waiting_message(job().id) == MESSAGE
    assert worker.claim() == job().id
    assert await queue.state(job().id) == "running"


async def test_submitting_twice_is_one_job(queue: JobQueue, client: redis.Redis) -> None:
    """A repeat before and after the release changes nothing and says so."""
    await queue.submit(priced(job(), 10, model="m"))
    assert (await queue.submit(priced(job(), 10, model="m"))).duplicate
    await queue.release(job().id, MESSAGE)
    assert (await queue.submit(priced(job(), 10, model="m"))).duplicate
    assert client.llen("rq:queue:render") == 1
    assert await queue.release(job().id, MESSAGE)
    assert client.llen("rq:queue:render") == 1


async def test_recovery_releases_what_was_held_for_too_long(queue: JobQueue, client: redis.Redis) -> None:
    """A bot that dies between submit and release loses nothing: accepted is accepted."""
    await queue.submit(priced(job(), 10, model="m"), interaction_id=77)
    assert recover(client)[1] == 0
    assert recover(client, held_s=0)[1] == 1
    assert PlainWorker(client).claim() == job().id
    assert delivery_state(client, job().id).interaction_id == 77


async def test_a_late_release_still_records_the_message(queue: JobQueue, client: redis.Redis) -> None:
    """The delivery finds the waiting message even when recovery was quicker than the bot."""
    await queue.submit(priced(job(), 10, model="m"))
    recover(client, held_s=0)
    assert await queue.release(job().id, MESSAGE)
    assert delivery_state(client, job().id).waiting == MESSAGE
    assert client.llen("rq:queue:render") == 1


async def test_releasing_an_ended_job_tells_the_bot_to_tidy_up(queue: JobQueue) -> None:
    """Nobody else will delete a waiting message that is recorded after the end."""
    await queue.submit(priced(job(), 10, model="m"))
    await queue.cancel(job().id, by=811)
    assert not await queue.release(job().id, MESSAGE)
    assert not await queue.release(job(2).id, MESSAGE)


async def test_a_discarded_job_is_forgotten(queue: JobQueue, client: redis.Redis) -> None:
    """A job that could not be acknowledged neither runs nor counts."""
    await queue.submit(priced(job(), 10, model="m"))
    await queue.discard(job().id)
    recover(client, held_s=0)
    assert PlainWorker(client).claim() == "empty"
    assert client.scard("easel:waiting:user:811") == 0


async def test_what_was_discarded_may_be_submitted_once_more(queue: JobQueue, client: redis.Redis) -> None:
    """As a new job: it runs once, and its post is made. One that its owner cancelled stays cancelled."""
    for _ in range(2):
        assert not (await queue.submit(priced(job(), 10, model="m"))).duplicate
        await queue.discard(job().id)
        assert await queue.accepted_before(job().id) is None
    assert not (await queue.submit(priced(job(), 10, model="m"))).duplicate
    await queue.release(job().id, MESSAGE)
    assert PlainWorker(client).claim() == job().id
    await queue.submit(priced(job(2), 10, model="m"))
    await queue.cancel(job(2).id, by=811)
    assert (await queue.submit(priced(job(2), 10, model="m"))).duplicate


async def test_upscales_go_straight_to_the_posts(queue: JobQueue, client: redis.Redis) -> None:
    """Stored pictures need no GPU."""
    upscaled = upscale_of(job())
    await enqueue(queue, upscaled)
    assert PlainWorker(client).claim() == "empty"
    assert PlainWorker(client, queue="deliver").claim() == upscaled.id


async def test_the_queue_is_full_for_one_user_at_a_time(async_client: redis.asyncio.Redis) -> None:
    """Held and waiting jobs count; the refusal names the limit; others are not touched."""
    queue = JobQueue(async_client, Limits(max_queued_per_user=2))
    await enqueue(queue, job(1), job(2))
    with pytest.raises(UserError) as refusal:
        await queue.submit(priced(job(3), 10, model="m"))
    assert (refusal.value.kind, refusal.value.values["limit"]) == ("queue_full", 2)
    assert await queue.state(job(3).id) is None
    await queue.submit(priced(job(4, user=5), 10, model="m"))


async def test_the_queue_is_full_for_one_guild(async_client: redis.asyncio.Redis) -> None:
    """A guild's cap counts all its users."""
    queue = JobQueue(async_client, Limits(max_queued_per_guild=2))
    await enqueue(queue, job(1, user=1), job(2, user=2))
    with pytest.raises(UserError) as refusal:
        await queue.submit(priced(job(3, user=3), 10, model="m"))
    assert refusal.value.values["scope"] == "guild"


async def test_running_jobs_are_capped_by_user(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """The fourth job of a user waits although a worker is free, and starts as soon as one ends."""
    queue, worker = JobQueue(async_client, Limits(max_running_per_user=3)), PlainWorker(client)
    await enqueue(queue, *(job(number) for number in range(1, 6)))
    first, *_ = [worker.claim() for _ in range(3)]
    assert worker.claim() == "blocked"
    worker.finish(first)
    assert worker.claim() == job(4).id
    assert worker.claim() == "blocked"


async def test_position_counts_down(queue: JobQueue, client: redis.Redis) -> None:
    """Ahead is exact; a running job has nobody ahead; an ended one has no position."""
    worker = PlainWorker(client)
    jobs = [job(number, user=number) for number in range(1, 4)]
    await enqueue(queue, *jobs)
    positions = [await queue.position(each.id) for each in jobs]
    assert [position.ahead for position in positions if position] == [0, 1, 2]
    assert all(position and position.eta_s is None for position in positions)
    worker.claim()
    running, second = await queue.position(jobs[0].id), await queue.position(jobs[1].id)
    assert running
    assert running.running
    assert second
    assert second.ahead == 0
    worker.finish(jobs[0].id)
    assert await queue.position(jobs[0].id) is None


async def test_eta_follows_measured_speed(queue: JobQueue, client: redis.Redis) -> None:
    """With two slots of 5 megapixel-steps a second, two jobs of 10 ahead make 2 s, and the job's own 10 another 2 s."""
    client.hset(keys.speed(), "m", 5.0)
    client.sadd("rq:workers:render", "rq:worker:a", "rq:worker:b", "rq:worker:killed")
    for name in "ab":
        client.hset(f"rq:worker:{name}", "state", "idle")
    jobs = [job(number, user=number) for number in range(1, 4)]
    await enqueue(queue, *jobs)
    position = await queue.position(jobs[2].id)
    assert position
    assert position.eta_s == pytest.approx(4.0)
    assert position.slots == 2


async def test_finished_jobs_teach_the_speed(queue: JobQueue, client: redis.Redis) -> None:
    """Megapixel-steps by seconds, for the model key that was rendered."""
    worker = PlainWorker(client)
    await enqueue(queue, job())
    worker.claim()
    client.hincrbyfloat(keys.rq_job(job().id), "easel_began", -2.0)
    worker.finish(job().id)
    assert float(client.hget(keys.speed(), "m") or 0) == pytest.approx(5.0, rel=0.1)


async def test_speed_is_known_by_model_and_size(queue: JobQueue, client: redis.Redis) -> None:
    """Small pictures are slower by the pixel; an unseen size borrows the model's mean; a second run teaches nothing."""
    client.hset(keys.speed(), mapping={"m": 5.0, "m@4096": 1.0})
    client.sadd("rq:workers:render", "rq:worker:a")
    client.hset("rq:worker:a", "state", "idle")
    for number, pixels in ((1, 4096), (2, 1_000_000)):
        await queue.submit(priced(job(number, user=number), 10, model="m", pixels=pixels))
    small, large = await queue.position(job(1, user=1).id), await queue.position(job(2, user=2).id)
    assert small
    assert small.eta_s == pytest.approx(10.0)
    assert large
    assert large.eta_s == pytest.approx(2.0)
    await queue.release(job(1, user=1).id, MESSAGE)
    worker = PlainWorker(client)
    worker.claim()
    worker.finish(job(1, user=1).id, "back")
    worker.claim()
    worker.finish(job(1, user=1).id)
    assert float(client.hget(keys.speed(), "m@4096") or 0) == 1.0


async def test_a_fleet_recovers_once_at_a_time(client: redis.Redis) -> None:
    """Fifty processes may all try every second; one of them does it."""
    parameters = {"queues": ["render"], "held_s": 5, "look_s": 10, "stems": [""], "pause_s": 60}
    client.zadd("rq:wip:render", {"gone:e1": 1})
    for _ in range(2):
        scripts.run(client, scripts.RECOVER, scripts.arguments(parameters))
        assert client.zcard("rq:wip:render") == 0
        client.zadd("rq:wip:render", {"gone:e1": 1})
        client.expire("easel:recovered", 60)
        scripts.run(client, scripts.RECOVER, scripts.arguments(parameters))
        assert client.zcard("rq:wip:render") == 1
        client.delete("easel:recovered")


async def test_only_owner_and_operator_cancel(queue: JobQueue, client: redis.Redis) -> None:
    """A waiting job disappears at once, and its user may submit another in its place."""
    await enqueue(queue, job(1), job(2))
    assert await queue.cancel(job(1).id, by=5) is CancelOutcome.NOT_YOURS
    assert await queue.cancel(job(1).id, by=811) is CancelOutcome.CANCELLED
    assert await queue.cancel(job(1).id, by=811) is CancelOutcome.ENDED
    assert await queue.cancel(job(2).id, by=5, operator=True) is CancelOutcome.CANCELLED
    assert await queue.cancel(job(3).id, by=811) is CancelOutcome.UNKNOWN
    assert PlainWorker(client).claim() == "empty"
    assert client.scard("easel:waiting:user:811") == 0


async def test_cancelling_a_running_job_reaches_its_worker(queue: JobQueue, client: redis.Redis) -> None:
    """By message at once, and by the next heartbeat if that was lost."""
    worker = PlainWorker(client)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(keys.cancel_channel())
    pubsub.get_message(timeout=1)
    await enqueue(queue, job())
    worker.claim()
    assert worker.beat(job().id) == 1
    assert await queue.cancel(job().id, by=811) is CancelOutcome.STOPPING
    message = pubsub.get_message(timeout=30)
    assert message is not None
    assert message["data"].decode() == job().id
    assert worker.beat(job().id) == 2
    pubsub.close()


async def test_a_cancelled_job_costs_nothing(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """The user's next job is ordered as if the cancelled one had never been."""
    queue = JobQueue(async_client)
    await enqueue(queue, job(1), cost=1000)
    await queue.cancel(job(1).id, by=811)
    assert float(client.zscore("easel:render:ends", "811") or 0) == pytest.approx(0.0)


async def test_a_lapsed_lease_returns_the_job_to_the_front(queue: JobQueue, client: redis.Redis) -> None:
    """The dead worker's try is used up, its late outcome is refused, and exactly one result stands."""
    dead, living = PlainWorker(client, "host-1-1"), PlainWorker(client, "host-2-1")
    await enqueue(queue, job(1), job(2))
    dead.claim()
    dead.lapse(job(1).id)
    assert recover(client)[0] == 1
    assert dead.beat(job(1).id) == 0
    assert living.claim() == job(1).id
    assert client.hget(keys.rq_job(job(1).id), "retries_left") == b"2"
    assert not dead.finish(job(1).id)
    assert living.finish(job(1).id)
    assert client.zrange("rq:finished:render", 0, -1) == [job(1).id.encode()]


async def test_a_job_out_of_tries_is_left_for_a_worker_to_fail(queue: JobQueue, client: redis.Redis) -> None:
    """Its failure needs a message, which recovery cannot write; nobody else gets the job meanwhile."""
    worker = PlainWorker(client)
    await enqueue(queue, job())
    client.hset(keys.rq_job(job().id), "retries_left", 0)
    worker.claim()
    worker.lapse(job().id)
    assert recover(client)[3:] == [job().id, worker.executions[job().id], "render", "failed"]
    assert worker.claim() == "empty"


async def test_a_lost_reply_to_a_claim_is_the_same_claim(queue: JobQueue, client: redis.Redis) -> None:
    """The client library repeats a call whose answer was lost; that must not take a second job."""
    worker = PlainWorker(client)
    await enqueue(queue, job(1), job(2))
    assert worker.claim(execution="e1") == worker.claim(execution="e1") == job(1).id
    assert client.llen("rq:queue:render") == 1


async def test_a_newer_job_is_never_claimed(queue: JobQueue, client: redis.Redis) -> None:
    """An older worker leaves it in the queue for a newer one."""
    await enqueue(queue, job(1), job(2))
    client.hset(keys.rq_job(job(1).id), "easel_version", 99)
    assert PlainWorker(client).claim() == job(2).id
    assert PlainWorker(client).claim() == "blocked"
    assert PlainWorker(client, version=99).claim() == job(1).id


async def test_a_worker_claims_only_what_it_can_do(queue: JobQueue, client: redis.Redis) -> None:
    """Models and picture sizes are part of the claim."""
    await queue.submit(priced(job(1), 10, pixels=4_000_000))
    await queue.release(job(1).id, MESSAGE)
    assert PlainWorker(client, max_pixels=1_000_000).claim() == "blocked"
    assert PlainWorker(client, models="other").claim() == "blocked"
    assert PlainWorker(client, max_pixels=4_000_000, models="other,easel-small").claim() == job(1).id


async def test_the_loaded_model_goes_first_but_not_for_ever(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """A job of another model is passed over `skip_limit` times, then it is served."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client, prefer="warm", skip_limit=3)
    await enqueue(queue, job(0, user=99), model_key="cold")
    await enqueue(queue, *(job(number, user=number) for number in range(1, 10)), model_key="warm")
    claimed = [worker.claim() for _ in range(4)]
    assert claimed.index(job(0, user=99).id) == 3


async def test_a_running_batch_runs_out_for_a_starving_job(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """When a batch may only be joined by its own kind, the passed-over job ends the joining instead."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client, must="warm", skip_limit=2)
    await enqueue(queue, job(0, user=99), model_key="cold")
    await enqueue(queue, *(job(number, user=number) for number in range(1, 10)), model_key="warm")
    assert [worker.claim() for _ in range(2)] == [job(1, user=1).id, job(2, user=2).id]
    assert worker.claim() == "blocked"
    assert worker.claim(must="") == job(0, user=99).id


async def test_a_large_fleet_passes_over_more_often(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """Sixteen claims are a moment for a hundred slots: there the limit is four for each slot."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client, prefer="warm", skip_limit=2)
    client.sadd("rq:workers:render", "rq:worker:a", "rq:worker:b")
    await enqueue(queue, job(0, user=99), model_key="cold")
    await enqueue(queue, *(job(number, user=number) for number in range(1, 15)), model_key="warm")
    claimed = [worker.claim() for _ in range(10)]
    assert claimed.index(job(0, user=99).id) == 8


async def test_who_waits_too_long_is_served_whatever_model_is_loaded(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """An idle worker changes its model for it; a running batch admits nobody else from then on, and runs out."""
    queue = JobQueue(async_client, Limits(0, 0, 0, 0))
    idle, busy = PlainWorker(client, prefer="warm"), PlainWorker(client, must="warm")
    await enqueue(queue, job(1, user=1), cost=1e6, model_key="cold")
    await enqueue(queue, job(2, user=1), job(3, user=1), model_key="cold")
    await enqueue(queue, *(job(100 + number, user=number) for number in range(2, 20)), model_key="warm")
    client.zadd("easel:render:arrivals", {job(2, user=1).id: 1, job(1, user=1).id: 3, job(3, user=1).id: 2})
    assert [busy.claim() for _ in range(6)].count("blocked") == 3
    assert idle.claim() == job(2, user=1).id
    assert [idle.claim() for _ in range(4)].count(job(3, user=1).id) == 1


async def test_stock_rq_tools_see_and_steer_the_queue(queue: JobQueue, client: redis.Redis) -> None:
    """RQ's list is the truth: its cancel, requeue and suspend work on our jobs."""
    worker, stock = PlainWorker(client), Queue("render", connection=client, serializer=JSONSerializer)
    await enqueue(queue, job(1), job(2), job(3))
    assert stock.job_ids == [job(number).id for number in (1, 2, 3)]
    RQJob.fetch(job(1).id, client, serializer=JSONSerializer).cancel()
    assert worker.claim() == job(2).id
    worker.finish(job(2).id, "failed")
    assert stock.failed_job_registry.get_job_ids() == [job(2).id]
    stock.failed_job_registry.requeue(job(2).id)
    suspend(client)
    assert worker.claim() == "suspended"
    resume(client)
    assert {worker.claim(), worker.claim()} == {job(2).id, job(3).id}
    assert worker.claim() == "empty"


async def test_a_double_entry_runs_once(queue: JobQueue, client: redis.Redis) -> None:
    """RQ's cleanup, run twice at the same moment, pushes a job twice."""
    worker = PlainWorker(client)
    await enqueue(queue, job())
    client.rpush("rq:queue:render", job().id)
    assert worker.claim() == job().id
    assert worker.claim() == "empty"
    assert client.llen("rq:queue:render") == 0


async def test_a_delayed_job_comes_back_when_it_is_due(queue: JobQueue, client: redis.Redis) -> None:
    """It waits in RQ's scheduled registry, still counts for its user, and needs no RQ scheduler."""
    worker = PlainWorker(client)
    await enqueue(queue, job())
    worker.claim()
    worker.finish(job().id, "retry", delay_s=60)
    assert worker.claim() == "empty"
    assert client.scard("easel:waiting:user:811") == 1
    assert recover(client)[2] == 0
    client.zadd("rq:scheduled:render", {job().id: 1})
    assert recover(client)[2] == 1
    assert worker.claim() == job().id


async def test_only_our_tasks_can_run(client: redis.Redis) -> None:
    """Somebody who can write to Redis still cannot name a function of their own."""
    forged = AllowedJob.create("os.system", args=["true"], connection=client, serializer=JSONSerializer)
    with pytest.raises(PermissionError):
        forged.perform()
