"""Whatever Redis answers, a worker lives on, says so once, and goes on with its jobs as soon as it can."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import redis
from redis.connection import AbstractConnection

from tests.exchange.jobs import job
from tests.exchange.troubles import busy, crowded, full, locked, read_only, stale, without_rights
from tests.worker.slot_tasks import tasks_module
from tests.worker.test_slots import Bench

BAD_FOR_S = 1.5


@pytest.fixture
def admin(redis_url: str) -> Iterator[redis.Redis]:
    """A connection that was there before things went wrong, and is spared."""
    client = redis.Redis.from_url(redis_url)
    client.ping()
    yield client
    client.close()


@pytest.fixture
def bench(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setitem(sys.modules, "worker.tasks", tasks_module(client))
    bench = Bench(redis_url, client)
    yield bench
    for pool in bench.pools:
        pool.stop()


@pytest.mark.parametrize("break_it", [full, read_only, stale, without_rights, busy, crowded, locked])
def test_a_server_that_refuses_is_waited_for(
    bench: Bench, admin: redis.Redis, capsys: pytest.CaptureFixture[str], break_it: Callable[..., Callable[[], object]]
) -> None:
    """The job that runs meanwhile and those that wait are drawn and posted once; no slot and no thread ends."""
    pool = bench.start(slots=2, lease_s=8)
    bench.submit(job(1, user=1), orders="steps 60")
    bench.submit(job(2, user=2), job(3, user=3), job(4, user=4), orders="steps 10")
    bench.until(lambda: bench.client.llen("runs") > 0)
    threads = {thread.name for thread in threading.enumerate()}
    capsys.readouterr()
    heal = break_it(admin)
    try:
        time.sleep(BAD_FOR_S)
    finally:
        heal()
    bench.until(lambda: len(bench.delivered()) == 4, within_s=60)
    time.sleep(0.3)
    assert bench.delivered() == sorted(f"{job(number).id} done" for number in (1, 2, 3, 4))
    assert {thread.name for thread in threading.enumerate()} >= threads
    lines = [line for line in capsys.readouterr().out.splitlines() if "bad weather" in line]
    said = 0 if break_it in (crowded, locked) else 1  # a connection that is refused so shortly is tried again unsaid
    assert said <= len(lines) <= 3, lines  # the commands, the channels: each once
    bench.until(lambda: not pool.weather.is_bad)


CODES = ["LOADING", "NOAUTH", "TOMORROW"]


@pytest.mark.parametrize("code", CODES)
def test_any_word_of_redis_is_weather(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str
) -> None:
    """There is no list of errors to live with: also those that nobody has seen yet."""
    pool = bench.start(slots=1, lease_s=8)
    bench.submit(job(1), orders="steps 40")
    bench.until(lambda: bench.client.llen("runs") > 0)
    capsys.readouterr()
    read, main = AbstractConnection.read_response, threading.current_thread()

    def refuse(self: AbstractConnection, *arguments: object, **options: object) -> object:
        answer = read(self, *arguments, **options)
        if threading.current_thread() is main:
            return answer
        raise redis.exceptions.ResponseError(f"{code} says a test")

    with monkeypatch.context() as patch:
        patch.setattr(AbstractConnection, "read_response", refuse)
        time.sleep(BAD_FOR_S)
    bench.until(bench.delivered, within_s=60)
    assert bench.delivered() == [f"{job(1).id} done"]
    lines = [line for line in capsys.readouterr().out.splitlines() if "bad weather" in line]
    assert 1 <= len(lines) <= 3, lines
    bench.until(lambda: not pool.weather.is_bad)
