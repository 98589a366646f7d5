"""Delivery state and the making of deliveries."""

import redis
import redis.asyncio

from contract.outcomes import Done, JobState
from exchange import delivery
from exchange.delivery import DeliveryState, MessageRef
from exchange.queue import JobQueue
from tests.contract.factories import priced
from tests.exchange.jobs import job, upscale_of
from tests.exchange.worker import PlainWorker, recover


async def running(client: redis.Redis, async_client: redis.asyncio.Redis) -> tuple[PlainWorker, delivery.Lease]:
    queue, worker = JobQueue(async_client), PlainWorker(client)
    await queue.submit(priced(job(), 1, model="m"), interaction_id=7)
    await queue.release(job().id, MessageRef(31, 40))
    worker.claim()
    return worker, ("render", job().id, worker.executions[job().id])


async def test_a_delivery_is_made_once(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """Repeating it, before and after the post, makes no second one."""
    worker, lease = await running(client, async_client)
    assert delivery.enqueue_delivery(client, job(), Done(), lease)
    assert delivery.enqueue_delivery(client, job(), Done(), lease)
    assert client.llen("rq:queue:deliver") == 1
    poster = PlainWorker(client, queue="deliver")
    rq_id = poster.claim()
    assert rq_id == f"deliver-{job().id}"
    delivery.record_posted(client, job().id, MessageRef(31, 50), JobState.DELIVERED)
    poster.finish(rq_id)
    client.delete(f"rq:job:{rq_id}")
    assert delivery.enqueue_delivery(client, job(), Done(), lease)
    assert client.llen("rq:queue:deliver") == 0
    assert worker.finish(job().id)
    assert client.hget(f"easel:job:{job().id}", "state") == b"delivered"


async def test_an_end_stands(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """A deliverer that dies right after its post is replaced by one that only tidies up: the job stays delivered."""
    _, lease = await running(client, async_client)
    delivery.enqueue_delivery(client, job(), Done(), lease)
    dead, living = PlainWorker(client, "host-1-1", "deliver"), PlainWorker(client, "host-2-1", "deliver")
    rq_id = dead.claim()
    delivery.record_posted(client, job().id, MessageRef(31, 50), JobState.DELIVERED)
    dead.lapse(rq_id)
    recover(client)
    assert living.claim() == rq_id
    assert living.finish(rq_id)
    assert await JobQueue(async_client).state(job().id) == "delivered"


async def test_without_the_lease_nothing_is_delivered(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """A worker that lost its job cannot make its post."""
    _, (queue, rq_id, _) = await running(client, async_client)
    assert not delivery.enqueue_delivery(client, job(), Done(), (queue, rq_id, "another"))
    assert client.llen("rq:queue:deliver") == 0


async def test_delivery_state_grows(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """The first try's time stands; the post's message ends it and the state expires a day later."""
    await running(client, async_client)
    first = delivery.begin_post(client, job().id)
    assert first == DeliveryState(JobState.RUNNING, MessageRef(31, 40), 7, None, None)
    tried = delivery.begin_post(client, job().id).first_try_ms
    assert tried
    assert delivery.begin_post(client, job().id).first_try_ms == tried
    delivery.record_posted(client, job().id, MessageRef(31, 50), JobState.DELIVERED)
    assert delivery.delivery_state(client, job().id).posted == MessageRef(31, 50)
    assert 0 < client.ttl(f"easel:job:{job().id}") <= delivery.KEPT_S


async def test_a_lost_picture_is_rendered_under_another_id(
    client: redis.Redis, async_client: redis.asyncio.Redis
) -> None:
    """The upscale's own job is busy being delivered, so the rendering gets an id of its own, and the post another."""
    queue, upscaled = JobQueue(async_client), upscale_of(job())
    await queue.submit(priced(upscaled, 1, model="m"))
    await queue.release(upscaled.id, MessageRef(31, 40))
    poster, worker = PlainWorker(client, queue="deliver"), PlainWorker(client)
    assert poster.claim() == upscaled.id
    assert delivery.enqueue_rendering(client, priced(upscaled, 1, model="m"))
    poster.finish(upscaled.id)
    assert worker.claim() == f"render-{upscaled.id}"
    assert await queue.state(upscaled.id) == "running"
    rq_id = f"render-{upscaled.id}"
    delivery.enqueue_delivery(client, upscaled, Done(), ("render", rq_id, worker.executions[rq_id]))
    assert poster.claim() == f"deliver-{upscaled.id}"
