"""Waiting for jobs, as a request does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from api.waiting import Waiting
from exchange import keys
from exchange.progress import Progress
from tests.api.conftest import House
from tests.contract.factories import priced
from tests.exchange.jobs import job


async def test_who_takes_long_over_an_event_goes_on_with_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller on a slow line holds the stream for longer than the queue is left unlooked at."""
    monkeypatch.setattr("api.waiting.LOOK_EVERY_S", 0.01)
    house.client.set(keys.suspended(), 1)
    await house.services.queue.submit(priced(job(), 1))
    waiting = Waiting(house.services.queue, house.services.images)
    published: asyncio.Queue[Progress] = asyncio.Queue()

    async def events() -> AsyncIterator[Progress]:
        while True:
            yield await published.get()

    following = asyncio.create_task(waiting.follow(events()))
    heard: list[int] = []
    published.put_nowait(Progress(job().id, 10))
    async for event in waiting.progress(job(), 20):
        heard.append(event.percent)
        if event.percent == 30:
            break
        await asyncio.sleep(0.05)
        published.put_nowait(Progress(job().id, event.percent + 10))
    assert heard == [10, 20, 30]
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
