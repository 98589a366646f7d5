"""Slots in processes of their own: killed, frozen, told to end. Leases are short so that the tests are."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import redis

from exchange import keys
from exchange.reading import text
from tests.exchange.jobs import job
from tests.worker.test_slots import LONG, Bench
from worker.recovery import bury, recover

ROOT = Path(__file__).parents[2]
LEASE_S = 1.5
LONG_LEASE_S = 60.0
"""For tests in which no lease lapses, however busy the machine is."""
ENDS_WITHIN_S = 60
"""By then a process that was told to end has ended: 20 s of grace, 10 s in which it hands back, and a busy machine."""


class Processes:
    """Worker processes with a pretended engine."""

    def __init__(self, url: str, client: redis.Redis) -> None:
        self.bench = Bench(url, client)
        self.client = client
        self.url = url
        self.started: list[subprocess.Popen[str]] = []

    def start(self, slots: int = 4, lease_s: float = LEASE_S) -> subprocess.Popen[str]:
        """A worker process that is ready."""
        command = [sys.executable, "-m", "tests.worker.slot_tasks", self.url, str(slots), str(lease_s)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "ready\n":
            assert line, "it ended before it was ready"  # what it says of what it recovers may come first
        return process

    def holders(self) -> list[int]:
        """The process ids that hold leases on renderings."""
        workers = [
            text(self.client.hget(f"rq:execution:{text(member)}", "worker_name") or "")
            for member, _ in self.client.zscan_iter("rq:wip:render")
        ]
        return [int(worker.split("-")[-3]) for worker in workers if worker]


@pytest.fixture
def processes(redis_url: str, client: redis.Redis) -> Iterator[Processes]:
    processes = Processes(redis_url, client)
    yield processes
    for process in processes.started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_jobs_of_a_killed_process_run_elsewhere(processes: Processes) -> None:
    """kill -9 in the middle of a batch: after one lease the jobs run again, each ends once."""
    jobs = [job(number, user=number) for number in range(4)]
    first = processes.start()
    processes.bench.submit(*jobs, orders=LONG)
    processes.bench.until(lambda: processes.holders() == [first.pid] * 4)
    processes.start()
    for each in jobs:
        processes.client.hset("script", each.id, "steps 2")
    first.kill()
    processes.bench.until(lambda: len(processes.bench.delivered()) == 4)
    assert processes.bench.delivered() == sorted(f"{each.id} done" for each in jobs)
    assert processes.client.zcard("rq:finished:render") == 4
    assert processes.client.zcard("rq:wip:render") == 0


def test_a_buried_process_gives_its_jobs_back_at_once(processes: Processes) -> None:
    """A supervisor knows of the death before any lease lapses."""
    process = processes.start()
    processes.bench.submit(job(), orders=LONG)
    processes.bench.until(lambda: processes.holders() == [process.pid])
    process.kill()
    process.wait()
    name = f"{os.uname().nodename}-{process.pid}"
    assert bury(processes.client, name) == 1
    assert processes.bench.status(job()) == "queued"
    assert processes.client.scard("rq:workers") == 0


def test_a_frozen_process_cannot_speak_for_its_jobs_any_more(processes: Processes) -> None:
    """It wakes up to find its lease gone; its outcome is dropped, one result and one post stand."""
    frozen = processes.start(slots=1)
    processes.bench.submit(job(), orders="steps 150")
    processes.bench.until(lambda: processes.holders() == [frozen.pid])
    frozen.send_signal(signal.SIGSTOP)
    processes.bench.until(lambda: recover(processes.client) > 0)
    processes.client.hset("script", job().id, "")
    processes.start(slots=1)
    processes.bench.until(processes.bench.delivered)
    frozen.send_signal(signal.SIGCONT)
    frozen.send_signal(signal.SIGTERM)
    assert frozen.wait(ENDS_WITHIN_S) == 0
    assert processes.bench.delivered() == [f"{job().id} done"]
    assert processes.client.lrange("results", 0, -1) == [job().id.encode()]
    assert processes.bench.status(job()) == "finished"


def test_sigterm_finishes_what_runs(processes: Processes) -> None:
    """Exit status 0, running jobs done, waiting ones untouched."""
    process = processes.start(slots=2, lease_s=LONG_LEASE_S)
    processes.bench.submit(*(job(number, user=number) for number in range(5)), orders="steps 80")
    processes.bench.until(lambda: len(processes.holders()) == 2)
    process.terminate()
    assert process.wait(ENDS_WITHIN_S) == 0
    assert processes.client.zcard("rq:finished:render") == 2
    assert processes.client.llen("rq:queue:render") == 3


def test_a_second_sigterm_hands_back_at_once(processes: Processes) -> None:
    """The jobs return to the front of the queue and lose no try."""
    process = processes.start(slots=2, lease_s=LONG_LEASE_S)
    processes.bench.submit(job(1), job(2), orders=LONG)
    processes.bench.until(lambda: len(processes.holders()) == 2)
    process.terminate()
    time.sleep(0.3)  # two signals at the same moment are one to the kernel
    process.terminate()
    assert process.wait(ENDS_WITHIN_S) == 0
    assert {processes.bench.status(job(number)) for number in (1, 2)} == {"queued"}
    assert processes.client.hget(keys.rq_job(job(1).id), "retries_left") == b"3"


def test_restarts_under_load_lose_nothing(processes: Processes) -> None:
    """Six ends by signal, polite and not, while forty jobs run: each ends once, and its post is tried at least once."""
    jobs = [job(number, user=number) for number in range(40)]
    processes.bench.submit(*jobs, orders="steps 20")

    def waiting() -> int:
        return processes.client.llen("rq:queue:render")

    def takes_part(pid: int) -> bool:
        return pid in processes.holders() or not waiting()

    for turn in range(6):
        process = processes.start()
        processes.bench.until(partial(takes_part, process.pid))
        if turn % 2:
            process.kill()
        else:
            process.terminate()
        process.wait(ENDS_WITHIN_S)
    processes.start()
    processes.bench.until(lambda: processes.client.zcard("rq:finished:deliver") == 40, within_s=40)
    assert set(processes.bench.delivered()) == {f"{each.id} done" for each in jobs}
    assert processes.client.zcard("rq:finished:render") == 40
    processes.bench.until(lambda: processes.client.zcard("rq:wip:render") == 0)
    assert processes.client.keys("rq:queue:*") == []
