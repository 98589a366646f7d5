"""Order, after the storm: someone with forty waiting jobs must not keep a newcomer waiting for more than one."""

from __future__ import annotations

import asyncio

from benchmarks.chaos.house import House
from benchmarks.chaos.storm import Storm
from contract.outcomes import JobState
from exchange import keys
from exchange.connection import connect_async
from exchange.progress import listen

WHALE, NEWCOMER = 0, 1
WHALE_JOBS = 40
PATIENCE_S = 60.0


async def newcomer_waits_for(house: House, storm: Storm) -> int:
    """How many of the forty start before the newcomer's one job, counted from the moment both may start."""
    house.client.set(keys.suspended(), 1)
    for number in range(WHALE_JOBS):
        await storm.imagine_as(WHALE, number)
    await _until(lambda: house.client.llen(keys.rq_list(keys.RENDER)) >= WHALE_JOBS)
    await storm.imagine_as(NEWCOMER, WHALE_JOBS)
    await _until(lambda: house.client.llen(keys.rq_list(keys.RENDER)) >= WHALE_JOBS + 1)
    newcomer = house.users[NEWCOMER][0].encode()
    client = connect_async(house.redis_url)
    subscribed = asyncio.Event()
    before = 0
    try:
        async with asyncio.timeout(PATIENCE_S):
            resume = asyncio.create_task(_resume(house, subscribed))
            async for event in listen(client, subscribed):
                if event.state is JobState.RUNNING:
                    if house.client.hget(keys.state(event.job_id), "user") == newcomer:
                        break
                    before += 1
            await resume
    finally:
        await client.aclose()
    return before


async def _resume(house: House, subscribed: asyncio.Event) -> None:
    await subscribed.wait()
    house.client.delete(keys.suspended())


async def _until(condition: object) -> None:
    assert callable(condition)
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.05)
