"""Whose turn it is: fair shares by user, speed and cost, and age for those who waited too long."""

import asyncio
from dataclasses import replace

import pytest
import redis
import redis.asyncio

from contract.jobs import DiscordChannel, Job, Program, Speed
from contract.outcomes import Done
from exchange import keys
from exchange.delivery import enqueue_delivery, enqueue_rendering
from exchange.queue import JobQueue, Limits
from exchange.reading import text
from tests.contract.factories import priced
from tests.exchange.jobs import MESSAGE, enqueue, job
from tests.exchange.worker import PlainWorker


async def test_a_newcomer_does_not_wait_behind_forty_jobs(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """After a user's forty jobs, three newcomers are all served among the next five claims."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, *(job(number, user=1) for number in range(40)))
    assert worker.claim() == job(0, user=1).id
    newcomers = [job(100 + user, user=user) for user in (2, 3, 4)]
    for newcomer in newcomers:
        assert (await queue.submit(priced(newcomer, 10, model="m"))).position <= 4
        await queue.release(newcomer.id, MESSAGE)
    claimed = [worker.claim() for _ in range(5)]
    assert {newcomer.id for newcomer in newcomers} <= set(claimed)


async def test_cheap_jobs_are_ordered_as_fairly_as_dear_ones(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """After half a million jobs, with costs of a hundredth of a megapixel-step, a newcomer is still next but one."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    client.set("easel:render:counter", 500_000)
    await enqueue(queue, *(job(number, user=1) for number in range(40)), cost=0.01)
    assert worker.claim() == job(0, user=1).id
    await enqueue(queue, job(100, user=2), cost=0.01)
    assert job(100, user=2).id in {worker.claim(), worker.claim()}


async def test_fast_and_relaxed_share_ten_to_one(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """Speeds are weights: relaxed jobs get about an eleventh, and never nothing."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, *(job(number, user=1) for number in range(60)))
    await enqueue(queue, *(job(100 + number, user=2, speed=Speed.RELAX) for number in range(60)))
    claimed = [worker.claim() for _ in range(44)]
    relaxed = {job(100 + number, user=2).id for number in range(60)}
    assert 3 <= sum(id in relaxed for id in claimed) <= 6


async def test_costly_jobs_count_for_more(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """Four times the megapixel-steps is a quarter of the jobs."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, *(job(number, user=1) for number in range(60)), cost=40)
    await enqueue(queue, *(job(100 + number, user=2) for number in range(60)), cost=10)
    claimed = [worker.claim() for _ in range(40)]
    costly = {job(number, user=1).id for number in range(60)}
    assert 7 <= sum(id in costly for id in claimed) <= 9


async def test_who_waits_too_long_is_served_by_age(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """One claim in four goes to the oldest job once its patience is over, however costly its user was."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, *(job(number, user=1) for number in range(20)), cost=1000)
    await enqueue(queue, *(job(100 + number, user=number + 2) for number in range(20)))
    claimed = [worker.claim(patience_s=0) for _ in range(8)]
    aged = {job(number, user=1).id for number in range(20)}
    assert sum(id in aged for id in claimed) >= 2


async def test_service_by_age_does_not_set_newcomers_back(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """The last of a user's forty jobs is served for its age: the turn of the thirty-eight before it has not come."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, *(job(number, user=1) for number in range(40)))
    assert worker.claim() == job(0, user=1).id
    client.zadd("easel:render:arrivals", {job(39, user=1).id: 1})
    assert job(39, user=1).id in [worker.claim() for _ in range(4)]
    await enqueue(queue, job(100, user=2))
    assert job(100, user=2).id in {worker.claim(), worker.claim()}


async def test_what_one_had_long_ago_is_forgotten_while_newcomers_keep_coming(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """Six people share the work, so a job of twelve times the usual cost is paid off after some seventy of theirs."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    await enqueue(queue, job(1, user=1), cost=120)
    await enqueue(queue, *(job(number, user=number) for number in range(2, 7)))
    worker.claim()
    second = job(1000, user=1)
    await enqueue(queue, second)
    claimed = []
    for number in range(7, 120):
        await enqueue(queue, job(number, user=number))
        claimed.append(worker.claim())
    assert 40 < claimed.index(second.id) < 90


async def test_only_those_whose_turn_is_to_come_are_remembered(queue: JobQueue, client: redis.Redis) -> None:
    """However many people have been served, and though the queue is never empty."""
    worker = PlainWorker(client)
    await enqueue(queue, *(job(number, user=number) for number in range(1, 30)))
    await enqueue(queue, *(job(100 + number, user=99) for number in range(5)))
    for _ in range(29):
        worker.claim()
    await enqueue(queue, job(200, user=50))
    assert {text(user) for user, _ in client.zscan_iter("easel:render:ends")} <= {"99", "50"}


@pytest.mark.parametrize(("turbo", "goes_first"), [(20.0, "turbo"), (10.0, "fast")])
async def test_the_weights_of_speeds_are_the_operators(
    async_client: redis.asyncio.Redis, client: redis.Redis, turbo: float, goes_first: str
) -> None:
    """Two people with two jobs each: where turbo counts no more than fast, the one who came first goes first."""
    queue = JobQueue(async_client, Limits(weights={Speed.RELAX: 1.0, Speed.FAST: 10.0, Speed.TURBO: turbo}))
    second = {"fast": job(3, user=1), "turbo": job(4, user=2, speed=Speed.TURBO)}
    await enqueue(queue, job(1, user=1), job(2, user=2, speed=Speed.TURBO), second["fast"], second["turbo"])
    claimed = [PlainWorker(client, f"host-1-{number}").claim() for number in range(3)]
    assert claimed[2] == second[goes_first].id


async def test_whoever_queues_a_job_the_operators_weights_count(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """A worker's redraws and posts are weighed by what the operator set last, not by what Easel comes with."""
    queue = JobQueue(async_client, Limits(weights={Speed.RELAX: 1.0, Speed.FAST: 4.0, Speed.TURBO: 5.0}))
    await enqueue(queue, first := job(1), cost=12)
    enqueue_rendering(client, priced(first, 12, model="m"))
    enqueue_delivery(client, job(2, speed=Speed.TURBO), Done())
    shares = [
        client.hget(keys.rq_job(id), "easel_share") for id in (keys.again_id(first.id), keys.delivery_id(job(2).id))
    ]
    assert [float(share or 0) for share in shares] == [3.0, 0.2]


async def test_weights_that_cannot_be_read_stop_nobody(queue: JobQueue, client: redis.Redis) -> None:
    """Redis came back empty, or somebody wrote nonsense: work counts as it is."""
    for nonsense in ("", "many", "0", "-3", "inf"):
        client.delete(keys.limits(), keys.rq_job(keys.delivery_id(job(3).id)))
        if nonsense:
            client.hset(keys.limits(), "weight:fast", nonsense)
        enqueue_delivery(client, job(3), Done())
        assert float(client.hget(keys.rq_job(keys.delivery_id(job(3).id)), "easel_share") or 0) == 1.0


async def test_one_persons_posts_do_not_hold_up_anothers(queue: JobQueue, client: redis.Redis) -> None:
    """Twenty finished pictures of one person wait to be posted; another person's goes with the next."""
    for number in range(20):
        enqueue_delivery(client, job(number, user=1), Done())
    poster = PlainWorker(client, queue="deliver")
    assert poster.claim() == keys.delivery_id(job(0, user=1).id)
    enqueue_delivery(client, job(50, user=2), Done())
    assert keys.delivery_id(job(50, user=2).id) in {poster.claim() for _ in range(2)}
    assert client.scard(keys.waiting("user:1")) == 0  # posts count against no limit


async def test_one_person_leaves_room_for_others_in_a_channel(queue: JobQueue, client: redis.Redis) -> None:
    """Of one person's posts four begin in five seconds, three while another one posts there; those of others, and
    those elsewhere, begin at once."""
    now, poster = 1_800_000_000.0, PlainWorker(client, queue="deliver")
    for number in range(12):
        enqueue_delivery(client, job(number, user=1), Done())
    ids = [keys.delivery_id(job(number, user=1).id) for number in range(12)]
    assert [poster.claim(now=now + second / 10) for second in range(5)] == [*ids[:4], "blocked"]
    elsewhere = replace(job(20, user=1), destination=DiscordChannel(32))
    others = [job(30, user=2), elsewhere, replace(job(21, user=1), destination=Program("key"))]
    for other in others:
        enqueue_delivery(client, other, Done())
    assert {poster.claim(now=now + 1) for _ in others} == {keys.delivery_id(other.id) for other in others}
    assert poster.claim(now=now + 4.9) == "blocked"
    assert [poster.claim(now=now + second) for second in (5.1, 5.2, 5.3, 5.4)] == [*ids[4:7], "blocked"]
    assert [poster.claim(now=now + second) for second in (21.0, 21.1, 21.2, 21.3, 21.4)] == [*ids[7:11], "blocked"]


async def test_the_pace_of_channels_is_the_operators(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """A Discord that takes more, or one that takes all."""
    for posts, begin in ((5, 4), (9, 8), (1, 1), (0, 12)):
        client.flushall()
        await enqueue(JobQueue(async_client, Limits(posts_per_channel=posts)), job(99))
        for number in range(12):
            enqueue_delivery(client, job(number, user=1), Done())
        poster = PlainWorker(client, queue="deliver")
        claimed = [poster.claim() for _ in range(begin + 1)]
        assert claimed[-1] in ("blocked", "empty")
        assert set(claimed[:-1]) == {keys.delivery_id(job(number, user=1).id) for number in range(begin)}


async def test_who_cancels_at_the_end_gets_no_more_than_others(queue: JobQueue, client: redis.Redis) -> None:
    """Three honest people and one who cancels each job just before its end: each has a quarter of the slots' time."""
    now, worker, seconds = 1_800_000_000.0, PlainWorker(client), dict.fromkeys("1234", 0.0)
    client.hset(keys.speed(), "m", 1.0)
    number = 0
    for user in (1, 2, 3, 4):
        for _ in range(3):
            number += 1
            await enqueue(queue, job(number, user=user))
    for _ in range(80):
        rq_id = worker.claim(now=now)
        who = text(client.hget(keys.rq_job(rq_id), "easel_user") or b"")
        cancels = who == "4"
        now += 9.5 if cancels else 10.0
        seconds[who] += 9.5 if cancels else 10.0
        worker.finish(rq_id, how="canceled" if cancels else "finished", now=now)
        number += 1
        await enqueue(queue, job(number, user=int(who)))
    total = sum(seconds.values())
    assert all(abs(share / total - 0.25) < 0.05 for share in seconds.values()), seconds


async def test_a_flood_over_http_delays_a_newcomer_by_one_job(
    async_client: redis.asyncio.Redis, client: redis.Redis
) -> None:
    """Ten thousand jobs of one key wait when somebody asks in Discord for the first time: theirs is next but one."""
    queue, worker = JobQueue(async_client, Limits(0, 0, 0, 0)), PlainWorker(client)
    key = Program(key_id="flood")
    flood = [priced(replace(job(number, user=1), destination=key), 10, model="m") for number in range(10_000)]

    async def send(one: Job) -> None:
        await queue.submit(one)
        await queue.release(one.id, None)

    for first in range(0, len(flood), 50):
        await asyncio.gather(*(send(one) for one in flood[first : first + 50]))
    assert client.llen(keys.rq_list(keys.RENDER)) == 10_000
    assert worker.claim() in {one.id for one in flood}
    newcomer = job(20_000, user=2)
    await enqueue(queue, newcomer)
    assert newcomer.id in [worker.claim(), worker.claim()]
