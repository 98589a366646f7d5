"""Anything may stand in any key and come over any channel: it is put aside and logged once, and stops nobody."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.errors import EaselError
from exchange import keys, progress
from exchange.accounts import Accounts
from exchange.connection import connect_async
from exchange.preferences import Preferences
from exchange.queue import JobQueue, MessageRef
from exchange.status import describe_status, read_status
from tests.contract.factories import priced
from tests.exchange.jobs import job
from tests.worker.slot_tasks import tasks_module
from tests.worker.test_slots import Bench
from worker.recovery import bury, recover

GOOD, VICTIM = job(1, user=1), job(2, user=2)
PARTS = {
    "queue": "render", "id": VICTIM.id, "job": VICTIM.id, "scope": "user:2", "user": "2", "month": "2026-11",
    "name": "host-1-1", "member": f"{VICTIM.id}:e", "how": "failed", "token": "0123", "model": "m", "key": "x",
}  # fmt: skip
RUBBISH = [b"", b"\xff\xfe", b"nan", b"-inf", b"1e400", b"x" * 3000, b"{", b"[]", b'{"version":9}', b"a:b:c", b"a b\n"]


@pytest.fixture
def bench(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setitem(sys.modules, "worker.tasks", tasks_module(client))
    bench = Bench(redis_url, client)
    yield bench
    for pool in bench.pools:
        pool.stop()


def name_of(key: keys.Key) -> str:
    """The key that belongs to the victim, or is everybody's."""
    return key(*(PARTS.get(part, "1") for part in key.parts))


def poison(client: redis.Redis, name: str, holds: str, rubbish: bytes) -> None:
    """Replace a key by one of `holds` with rubbish in it."""
    names = client.hkeys(name) if client.type(name) == b"hash" else []
    names = names or [b"status", b"state", b"user", b"easel_tag", b"percent", b"name", b"models", b"mean"]
    with client.pipeline() as pipe:  # in one step: a heartbeat may put the key back at any moment
        pipe.delete(name)
        match holds:
            case "string":
                pipe.set(name, rubbish)
            case "list":
                pipe.rpush(name, rubbish, VICTIM.id)
            case "set":
                pipe.sadd(name, rubbish, VICTIM.id)
            case "zset":
                pipe.zadd(name, {rubbish: 0, VICTIM.id.encode(): 0})
            case "hash":
                for field in names:
                    pipe.hset(name, field, rubbish)
            case "stream":
                pipe.xadd(name, {"a": rubbish})
        pipe.execute()


async def read_everything(url: str) -> None:
    """What the bot reads. It may answer with one of our own errors, never with anything else."""
    client = connect_async(url)
    queue, accounts, preferences = JobQueue(client), Accounts(client), Preferences(client)
    for target in (GOOD, VICTIM):
        for ask in (queue.position, queue.state, queue.accepted, queue.waiting_message):
            with suppress(EaselError, redis.exceptions.ResponseError):
                await ask(target.id)
    for read in (queue.of_user(2), accounts.history(2), accounts.usage(2, "2026-11"), preferences.all("user:2")):
        with suppress(EaselError, redis.exceptions.ResponseError):
            await read
    await client.aclose()


STORED = {
    name: key for name, key in keys.KEYS.items() if key.holds in ("string", "list", "set", "zset", "hash", "stream")
}


@pytest.mark.parametrize("name", sorted(STORED))
def test_a_poisoned_key_stops_nobody(bench: Bench, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever type and bytes it has: processes live, a new job is drawn and posted, everything can be read."""
    pool = bench.start(slots=1, lease_s=0.4)
    bench.submit(VICTIM, orders="steps 2")
    bench.until(lambda: bench.client.llen("runs") > 0)
    key = name_of(STORED[name])
    if name == "suspended":
        return  # there it is, whatever it holds: `rq suspend` is its meaning
    kinds = ("string", "list", "set", "zset", "hash", "stream")
    for number, (holds, rubbish) in enumerate(zip(kinds, itertools.cycle(RUBBISH), strict=False)):
        fresh = job(100 + number, user=100 + number)
        poison(bench.client, key, holds, rubbish)
        if name == "running":
            bench.client.hset(keys.limits(), mapping={"user": 1})
        bench.submit(fresh)
        bench.until(lambda fresh=fresh: f"{fresh.id} done" in bench.delivered(), within_s=30)  # type: ignore[misc]
        asyncio.run(read_everything(bench.url))
        describe_status(read_status(bench.client))
        recover(bench.client)
        bury(bench.client, "nobody")
    assert all(thread.is_alive() for _, thread in pool._slots)
    assert pool._heartbeat.is_alive()


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rubbish=st.binary(max_size=40), score=st.sampled_from([0.0, 1.0, -1e30, 1e12, float("inf"), float("-inf")]))
def test_any_member_of_any_registry_stops_nobody(client: redis.Redis, rubbish: bytes, score: float) -> None:
    """Leases, orders, lists and sets with foreign members; what is readable beside them is found."""
    client.flushall()
    for queue in keys.QUEUES:
        for key in (keys.leases, keys.order, keys.arrivals, keys.scheduled, keys.ends):
            client.zadd(key(queue), {rubbish: score, rubbish + b":x": score})
        client.rpush(keys.rq_list(queue), rubbish)
        client.sadd(keys.rq_workers_of(queue), rubbish)
    client.zadd(keys.held(), {rubbish: score})
    client.zadd(keys.open_jobs(), {rubbish: score})
    client.sadd(keys.rq_workers(), rubbish)
    client.sadd(keys.nodes(), rubbish)
    with suppress(redis.exceptions.ResponseError):
        client.hset(b"rq:job:" + rubbish, mapping={"status": "started", "origin": "render", "data": rubbish})
    for _ in range(2):
        recover(client)
        bury(client, "nobody")
        read_status(client)


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_no_mark_holds_up_recovery_for_ever(client: redis.Redis, rubbish: bytes) -> None:
    """The mark of a recovery done a moment ago has an end; one without, or with a far one, is none of ours."""
    for seconds in (None, 10_000):
        client.set(keys.recovered(), rubbish, ex=seconds)
        client.zadd(keys.leases("render"), {"gone:e1": 1})
        recover(client, pause_s=1.0)
        assert client.zcard(keys.leases("render")) == 0


@pytest.mark.parametrize("fields", [
    {"status": "started", "origin": "render", "data": "x", "created_at": "2026-11-26T00:00:00.000000Z"},
    {"status": "started", "origin": "nowhere", "data": ""},
    {"status": "created"},
    {},
])  # fmt: skip
def test_a_foreign_lease_is_put_aside_once(
    bench: Bench, capsys: pytest.CaptureFixture[str], fields: dict[str, str]
) -> None:
    """The case of the field: a lease of a job that is none of ours, or none at all."""
    if fields:
        for field, value in fields.items():
            bench.client.hset(keys.rq_job("foo"), field, value)
    bench.client.zadd(keys.leases("render"), {"foo:x": 0, "noexecution": 0})
    bench.start(slots=1, lease_s=0.4)
    bench.submit(GOOD)
    bench.until(bench.delivered)
    bench.until(lambda: bench.client.zcard(keys.leases("render")) == 0)
    bench.client.zadd(keys.leases("render"), {"noexecution": 0})
    bench.until(lambda: bench.client.zcard(keys.leases("render")) == 0)
    errors = [line for line in capsys.readouterr().out.splitlines() if "[error" in line]
    assert 1 <= len(errors) <= 4, errors


@pytest.mark.parametrize(
    "message", [*RUBBISH, b'{"command": "stop-job"}', b'{"command": "kill-horse"}', b'{"command": 7}']
)
def test_any_message_on_any_channel_is_ignored(bench: Bench, message: bytes) -> None:
    """Cancels, commands and progress that are none."""
    pool = bench.start(slots=1)
    slot = pool.slots()[0].name
    for channel in (keys.cancel_channel(), keys.progress_channel(), keys.rq_commands(slot)):
        bench.client.publish(channel, message)
    bench.submit(GOOD)
    bench.until(bench.delivered)
    assert pool._heartbeat.is_alive()


@given(st.binary(max_size=60))
def test_any_frame_of_progress_is_one_or_none(frame: bytes) -> None:
    """No bytes break the reading of a frame."""
    for text in (
        frame,
        frame + b"\n",
        json.dumps({"job_id": frame.hex(), "percent": 1e308, "state": 3}).encode() + b"\n",
    ):
        found = progress.decode(text)
        assert found is None or 0 <= found.percent <= 100
    assert progress.decode(b'{"job_id":"%s","percent":1e400}\n' % GOOD.id.encode()) is None


async def test_a_message_reference_of_rubbish_is_none(client: redis.Redis, redis_url: str) -> None:
    """A waiting message that is no number is not known, and nothing breaks."""
    async_client = connect_async(redis_url)
    queue = JobQueue(async_client)
    await queue.submit(priced(GOOD, 1, model="m"))
    await queue.release(GOOD.id, MessageRef(1, 2))
    for rubbish in RUBBISH:
        client.hset(keys.state(GOOD.id), "waiting_message", rubbish)
        assert await queue.waiting_message(GOOD.id) is None
    await async_client.aclose()
