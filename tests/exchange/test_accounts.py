"""Usage and history."""

from dataclasses import replace

import pytest
import redis
import redis.asyncio

from contract.jobs import Speed
from exchange import accounts
from exchange.accounts import Accounts
from exchange.delivery import MessageRef
from tests.exchange.jobs import job, upscale_of

MONTH = accounts.month_of(job().created_ms)


async def test_a_delivered_job_is_counted_once(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """By speed: jobs, pictures, seconds of GPU."""
    relaxed = replace(job(2), speed=Speed.RELAX)
    assert accounts.record(client, job(), "a fox", MessageRef(31, 1), images=4, gpu_s=2.5)
    assert not accounts.record(client, job(), "a fox", MessageRef(31, 1), images=4, gpu_s=2.5)
    assert accounts.record(client, relaxed, "a fox", MessageRef(31, 2), images=4, gpu_s=1.0)
    usage = {entry.speed: entry for entry in await Accounts(async_client).usage(811, MONTH)}
    assert (usage[Speed.FAST].jobs, usage[Speed.FAST].images) == (1, 4)
    assert usage[Speed.FAST].gpu_s == pytest.approx(2.5)
    assert usage[Speed.RELAX].jobs == 1
    assert usage[Speed.TURBO].jobs == 0
    assert all(entry.jobs == 0 for entry in await Accounts(async_client).usage(811, "1999-01"))


async def test_history_is_newest_first_with_lineage(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """Each entry knows its message, its parent and the picture it came from."""
    made = [replace(job(number), created_ms=1000 * number) for number in range(1, 5)]
    for each in made:
        accounts.record(client, each, f"prompt {each.created_ms}", MessageRef(31, each.created_ms), images=4, gpu_s=0)
    child = replace(upscale_of(made[0]), user=made[0].user, created_ms=9000)
    accounts.record(client, child, "prompt 1000", MessageRef(31, 9), images=1, gpu_s=0)
    history = Accounts(async_client)
    newest, *rest = await history.history(811)
    assert (newest.action, newest.parent_id, newest.index, newest.message_id) == ("upscale", made[0].id, 0, 9)
    assert [entry.created_ms for entry in rest] == [4000, 3000, 2000, 1000]
    assert [entry.created_ms for entry in await history.history(811, start=1, count=2)] == [4000, 3000]


async def test_history_is_bounded(
    client: redis.Redis, async_client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest entries go; usage stays counted."""
    monkeypatch.setattr(accounts, "HISTORY_LENGTH", 3)
    for number in range(1, 6):
        each = replace(job(number), created_ms=1000 * number)
        accounts.record(client, each, "p", MessageRef(31, number), images=4, gpu_s=0)
    assert [entry.message_id for entry in await Accounts(async_client).history(811)] == [5, 4, 3]
    assert client.hlen("easel:history:811:entries") == 3


async def test_one_entry_can_be_forgotten(client: redis.Redis, async_client: redis.asyncio.Redis) -> None:
    """On request; what it cost stays counted."""
    accounts.record(client, job(), "p", MessageRef(31, 1), images=4, gpu_s=1)
    history = Accounts(async_client)
    assert await history.forget(811, job().id)
    assert not await history.forget(811, job().id)
    assert await history.history(811) == []
    assert (await history.usage(811, MONTH))[0].jobs == 1
