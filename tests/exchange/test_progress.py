"""Progress frames and their way from worker to bot."""

import asyncio

import pytest
import redis
import redis.asyncio
from structlog.testing import capture_logs

from contract.outcomes import JobState
from exchange.connection import connect_async
from exchange.delivery import MessageRef
from exchange.progress import Progress, decode, encode, listen, publish
from exchange.queue import JobQueue
from tests.contract.factories import priced
from tests.exchange.jobs import job
from tests.exchange.worker import PlainWorker

PREVIEW = b"\x00\n\xff not text {"


async def subscribed(client: redis.Redis) -> None:
    """Wait until somebody listens; what is published before is lost, by design."""
    while client.pubsub_numsub("easel:progress")[0][1] == 0:  # noqa: ASYNC110 - Redis tells nobody of subscribers
        await asyncio.sleep(0.01)


def test_a_frame_carries_any_bytes() -> None:
    """A preview may hold newlines and braces."""
    progress = Progress(job().id, 31, PREVIEW)
    assert decode(encode(progress)) == progress
    assert decode(encode(Progress(job().id, 0, None, JobState.RUNNING))) == Progress(
        job().id, 0, None, JobState.RUNNING
    )


def test_foreign_frames_are_no_progress() -> None:
    """Whatever else arrives on the channel ends nothing."""
    for frame in (b"", b"hello\n", b'{"job_id": 1}\n', b'{"job_id":"x","percent":"?","state":"y"}\n', b"[]\n"):
        assert decode(frame) is None


async def test_progress_arrives(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """A listener gets the preview."""
    events = listen(async_client)
    arriving = asyncio.ensure_future(anext(events))
    await subscribed(client)
    progress = Progress(job().id, 50, PREVIEW)
    publish(client, progress)
    assert await arriving == progress
    await events.aclose()


async def test_the_queue_itself_says_when_jobs_start_and_end(
    client: redis.Redis, async_client: redis.asyncio.Redis
) -> None:
    """Running, rendered and cancelled need no word from the task."""
    queue, worker = JobQueue(async_client), PlainWorker(client)
    events = listen(async_client)
    arriving = asyncio.ensure_future(anext(events))
    await subscribed(client)
    for number in (1, 2):
        await queue.submit(priced(job(number), 1, model="m"))
        await queue.release(job(number).id, MessageRef(1, 2))
    worker.claim()
    assert await arriving == Progress(job(1).id, 0, None, JobState.RUNNING)
    worker.finish(job(1).id)
    assert await anext(events) == Progress(job(1).id, 100, None, JobState.RENDERED)
    await queue.cancel(job(2).id, by=811)
    assert await anext(events) == Progress(job(2).id, 0, None, JobState.CANCELLED)
    await events.aclose()


async def test_a_right_to_listen_that_is_missing_is_said_once(
    client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not at every try: Redis takes the wish to listen, and refuses it afterwards."""
    monkeypatch.setattr("exchange.progress.RECONNECT_S", 0.01)
    client.acl_setuser("deaf", enabled=True, nopass=True, keys=["*"], channels=["rq:*"], commands=["+@all"])
    deaf = connect_async(redis_url.replace("unix://", "unix://deaf:x@"))
    events = listen(deaf)
    try:
        with capture_logs() as logs:
            arriving = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0.1)
            client.execute_command("ACL", "SETUSER", "deaf", "&easel:*")
            await subscribed(client)
            publish(client, Progress(job().id, 50, PREVIEW))
            assert (await asyncio.wait_for(arriving, 10)).percent == 50
        assert [log["event"] for log in logs] == ["bad weather", "the weather is good again"]
    finally:
        await events.aclose()
        await deaf.aclose()
        client.acl_deluser("deaf")
