"""Links that never answer hold nobody up: they have slots of their own, and a cancel ends them at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import redis
from aiohttp import web
from numpy.typing import NDArray
from PIL import Image

from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.jobs import Job, User
from exchange import keys
from exchange.connection import connect_async
from exchange.images import FolderStore
from exchange.queue import CancelOutcome, JobQueue
from model import Request, Step
from model.ways import Ways
from tests.contract.factories import imagine, priced
from tests.worker.conftest import picture
from tests.worker.test_decoding import saved
from worker import tasks
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.pictures import Studio
from worker.reading import DEADLINE_S, Reading
from worker.slots import SlotPool


class Ticket:
    """A drawing that is done at once."""

    ways = Ways()

    def __init__(self, request: Request) -> None:
        self._request = request

    def events(self) -> Iterator[Step]:
        return iter(())

    def result(self) -> list[NDArray[np.uint8]]:
        return [picture(60 * noise.index) for noise in self._request.noises]

    def pause(self) -> None:
        """It is over before anybody could."""

    resume = pause

    def cancel(self) -> None:
        """It is over before anybody could."""


class Engine:
    """Remembers what it was shown."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def submit(self, request: Request, **_: Any) -> Ticket:
        self.requests.append(request)
        return Ticket(request)

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
async def host() -> AsyncIterator[str]:
    """The origin of a host with one picture; of all others it says nothing."""
    closing = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        if request.path != "/a.png":
            await closing.wait()
        return web.Response(body=saved(Image.fromarray(picture(100))))

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    closing.set()
    await runner.cleanup()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def queue(
    redis_url: str, client: redis.Redis, store: FolderStore, host: str, engine: Engine
) -> AsyncIterator[JobQueue]:
    """A worker with two slots for what has to be brought in and one for drawing."""
    engines = Engines([EASEL_SMALL.name], lambda name: Warm(name, engine))
    engines.open()
    intake = Intake(store, partial(Reading, trusted={host}))
    tasks.equip(tasks.Tools(client, Studio(engines, store, client, DEFAULT_CATALOGUE, intake), intake=intake))
    pool = SlotPool(client, {keys.INTAKE: 2, keys.RENDER: 1})
    pool.start()
    async_client = connect_async(redis_url)
    yield JobQueue(async_client)
    await asyncio.to_thread(pool.stop)
    await async_client.aclose()
    tasks.equip(None)


async def accept(queue: JobQueue, jobs: Sequence[Job]) -> None:
    """Submitted and acknowledged."""
    for job in jobs:
        await queue.submit(priced(job, 1))
        await queue.release(job.id, None)


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that must come true."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - Redis has no event that says so
            await asyncio.sleep(0.01)


async def test_a_linked_picture_is_brought_in_and_drawn_with(queue: JobQueue, host: str, engine: Engine) -> None:
    """Through both queues; the model is shown what lies behind the link."""
    await accept(queue, [imagine(f"{host}/a.png a fox")])
    await until(lambda: engine.requests)
    start = engine.requests[0].start
    assert start is not None
    [(image, _)] = start.pictures
    assert np.array_equal(image, picture(100))


async def test_links_that_hang_take_no_slot_from_others(queue: JobQueue, host: str, engine: Engine) -> None:
    """Eight people's links say nothing: a ninth person's prompt is drawn at once."""
    hanging = [
        imagine(f"{host}/{number}.png a fox", interaction=100 + number, user=User(900 + number, "x"))
        for number in range(8)
    ]
    await accept(queue, hanging)
    await accept(queue, [replace(imagine("a hat"), user=User(811, "alice"))])
    await until(lambda: engine.requests)
    assert [part for part, _ in engine.requests[0].prompt.parts] == ["a hat"]
    for job in hanging:
        await queue.cancel(job.id, by=job.user.id)


async def test_a_cancel_ends_the_waiting_for_a_link(
    queue: JobQueue, host: str, client: redis.Redis, engine: Engine
) -> None:
    """Long before the link's own deadline, and nothing is drawn."""
    job = imagine(f"{host}/silent.png a fox")
    await accept(queue, [job])
    await until(lambda: client.zcard(keys.leases(keys.INTAKE)))
    await asyncio.sleep(1)
    began = time.monotonic()
    assert await queue.cancel(job.id, by=job.user.id) is CancelOutcome.STOPPING
    await until(lambda: not client.zcard(keys.leases(keys.INTAKE)))
    assert time.monotonic() - began < DEADLINE_S / 2
    assert engine.requests == []
