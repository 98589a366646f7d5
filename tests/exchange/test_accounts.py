"""Usage and history."""

import asyncio
from dataclasses import replace

import pytest
import redis
import redis.asyncio

from contract.jobs import Speed
from exchange import accounts, keys
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


async def test_two_marks_at_once_do_not_pass_the_most(
    client: redis.Redis, async_client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two for one place that is left, one gets it."""
    monkeypatch.setattr(accounts, "MAX_FAVOURITES", 1)
    entries = [accounts.entry_of(job(number), "p", MessageRef(31, number), images=4) for number in (1, 2)]
    marks = Accounts(async_client)
    assert sorted(await asyncio.gather(*(marks.favour(7, entry, 10) for entry in entries))) == [False, True]
    assert client.hlen(keys.favourites(7)) == 1


async def test_a_mark_that_is_made_and_taken_back_at_once_is_whole(
    client: redis.Redis, async_client: redis.asyncio.Redis
) -> None:
    """Whichever came last: who marked a job is known exactly while the mark stands, so that it can be forgotten."""
    marks = Accounts(async_client)
    for number in range(1, 21):
        entry = accounts.entry_of(job(number), "p", MessageRef(31, number), images=4)
        await marks.favour(7, entry, 10)
        await asyncio.gather(marks.disfavour(7, entry.job_id), marks.favour(7, entry, 11))
        assert client.sismember(keys.favoured(entry.job_id), "7") == client.hexists(keys.favourites(7), entry.job_id)


async def test_favourites_are_kept_for_good_and_forgotten_on_request(
    client: redis.Redis, async_client: redis.asyncio.Redis
) -> None:
    """The one marked last comes first, marking twice keeps one; no key of them lapses."""
    accounts_ = Accounts(async_client)
    first, second = (
        accounts.entry_of(replace(job(number), created_ms=number), f"p{number}", MessageRef(31, number), images=4)
        for number in (1, 2)
    )
    assert await accounts_.favour(7, first, 10)
    assert await accounts_.favour(7, second, 20)
    assert await accounts_.favour(7, first, 30)
    assert await accounts_.favour(8, first, 40)
    assert [entry.prompt for entry in await accounts_.favourites(7)] == ["p1", "p2"]
    assert client.ttl("easel:favourites:7") == -1
    assert await accounts_.disfavour(7, second.job_id)
    assert not await accounts_.disfavour(7, second.job_id)
    await accounts_.forget(811, first.job_id)
    assert [await accounts_.favourites(user) for user in (7, 8)] == [[], []]
    assert client.keys("easel:favour*") == []


async def test_there_are_no_more_favourites_than_are_kept(
    async_client: redis.asyncio.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is known already may be marked again."""
    monkeypatch.setattr(accounts, "MAX_FAVOURITES", 1)
    one, other = (accounts.entry_of(job(number), "p", MessageRef(31, number), images=4) for number in (1, 2))
    assert await Accounts(async_client).favour(7, one, 1)
    assert not await Accounts(async_client).favour(7, other, 2)
    assert await Accounts(async_client).favour(7, one, 3)


async def test_a_person_who_is_forgotten_is_in_nobodys_favourites(
    client: redis.Redis, async_client: redis.asyncio.Redis
) -> None:
    """Neither what they marked nor what others marked of theirs stays."""
    theirs, others = job(1), replace(job(2), user=replace(job(2).user, id=9))
    accounts.record(client, theirs, "p", MessageRef(31, 1), images=4, gpu_s=0)
    history = Accounts(async_client)
    await history.favour(9, accounts.entry_of(theirs, "p", MessageRef(31, 1), images=4), 1)
    await history.favour(811, accounts.entry_of(others, "p", MessageRef(31, 2), images=4), 1)
    await history.forget_person(811)
    assert [await history.favourites(user) for user in (9, 811)] == [[], []]
    assert client.keys("easel:favour*") == []
