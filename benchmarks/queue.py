"""`python -m benchmarks.queue --json`: jobs a second and submit -> start, against stock RQ in the same run.

No-op jobs on the same embedded Redis (append-only file on), JSON on both sides. Ours runs with everything on: fair
order with 10,000 jobs of 1,000 users waiting, caps, leases, heartbeat, retries, results. Rounds are interleaved
(ours, SimpleWorker, Worker, ours, ...) and the ratios are medians over rounds. Start latency is measured with idle
slots: from the call of `release` until the claim, both by the same clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer

from contract.catalogue import EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.planning import plan
from contract.prompt import parse
from exchange import keys
from exchange.connection import connect, connect_async
from exchange.delivery import MessageRef
from exchange.embedded import embedded
from exchange.queue import JobQueue, Limits
from worker.slots import SlotPool

USERS = 1_000
SLOTS = 4
MESSAGE = MessageRef(1, 2)
NO_LIMITS = Limits(0, 0, 0, 0)


def noop(*_: Any) -> dict[str, Any]:
    """The task of both sides."""
    return {}


def job(number: int) -> Job:
    """The `number`-th job, by one of a thousand users."""
    return replace(
        _TEMPLATE,
        id=job_id(1, EASEL_SMALL.fingerprint, number),
        user=User(number % USERS, "someone"),
    )


_UNPLANNED = Job(
    id=job_id(1, EASEL_SMALL.fingerprint, 0),
    request=Imagine(),
    prompt=parse("a fox in a forest, morning light").prompts[0],
    model=EASEL_SMALL.name,
    user=User(1, "someone"),
    destination=DiscordChannel(31, 30),
    created_ms=1_790_000_000_000,
)
_TEMPLATE = replace(_UNPLANNED, plan=replace(plan(_UNPLANNED, EASEL_SMALL), cost=1.0))


async def fill(url: str, numbers: range) -> None:
    """Submit and release, sixteen at a time."""
    client = connect_async(url)
    queue = JobQueue(client, NO_LIMITS)

    async def one(number: int) -> None:
        each = job(number)
        await queue.submit(each)
        await queue.release(each.id, MESSAGE)

    for start in range(numbers.start, numbers.stop, 16):
        await asyncio.gather(*(one(number) for number in range(start, min(start + 16, numbers.stop))))
    await client.aclose()


def ours(client: redis.Redis, count: int) -> float:
    """Jobs a second of a pool of slots, taking `count` from the full queue."""
    before = client.zcard(keys.ended("finished", keys.RENDER))
    pool = SlotPool(client, {keys.RENDER: SLOTS})
    began = time.perf_counter()
    pool.start()
    while client.zcard(keys.ended("finished", keys.RENDER)) - before < count:
        time.sleep(0.005)
    elapsed = time.perf_counter() - began
    pool.drain(10)
    return count / elapsed


def stock(client: redis.Redis, worker_class: type[Worker | SimpleWorker], count: int) -> float:
    """Jobs a second of a stock worker in burst mode."""
    queue = Queue("stock", connection=client, serializer=JSONSerializer)
    queue.enqueue_many([Queue.prepare_data("benchmarks.queue.noop", retry=None, result_ttl=60) for _ in range(count)])
    worker = worker_class([queue], connection=client, serializer=JSONSerializer, log_job_description=False)
    began = time.perf_counter()
    worker.work(burst=True, max_jobs=count, logging_level="CRITICAL")
    return count / (time.perf_counter() - began)


def start_latencies_ms(url: str, client: redis.Redis, count: int) -> list[float]:
    """From `release` to the claim, one job at a time, with all slots idle."""

    async def measure() -> list[float]:
        async_client = connect_async(url)
        queue, latencies = JobQueue(async_client, NO_LIMITS), []
        for number in range(10_000_000, 10_000_000 + count):
            each = job(number)
            await queue.submit(each)
            await asyncio.sleep(0.01)
            released = time.time()
            await queue.release(each.id, MESSAGE)
            while (began := client.hget(keys.rq_job(each.id), "easel_began")) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            latencies.append((float(began) - released) * 1e3)
        await async_client.aclose()
        return latencies

    client.flushall()
    pool = SlotPool(client, {keys.RENDER: SLOTS})
    pool.start()
    try:
        return asyncio.run(measure())
    finally:
        pool.drain(10)


def run(rounds: int, queued: int, samples: int) -> dict[str, float | int]:
    """Everything, as the JSON line has it."""
    module = ModuleType("worker.tasks")
    module.render = module.deliver = noop  # type: ignore[attr-defined]
    sys.modules["worker.tasks"] = module
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder)) as url:
        client = connect(url)
        began = time.perf_counter()
        asyncio.run(fill(url, range(queued)))
        submit_rate = queued / (time.perf_counter() - began)
        share = queued // (rounds + 1)  # the queue stays deep to the end
        rates: dict[str, list[float]] = {"ours": [], "simpleworker": [], "worker": []}
        sides: dict[str, Callable[[], float]] = {
            "ours": lambda: ours(client, share),
            "simpleworker": lambda: stock(client, SimpleWorker, 400),
            "worker": lambda: stock(client, Worker, 60),
        }
        for _ in range(rounds):
            for name, measure in sides.items():
                rates[name].append(measure())
        latencies = sorted(start_latencies_ms(url, client, samples))
        client.close()
    return {
        "jobs_per_s": round(statistics.median(rates["ours"]), 1),
        "simpleworker_jobs_per_s": round(statistics.median(rates["simpleworker"]), 1),
        "worker_jobs_per_s": round(statistics.median(rates["worker"]), 1),
        "ratio_simpleworker": round(_ratio(rates["ours"], rates["simpleworker"]), 2),
        "ratio_worker": round(_ratio(rates["ours"], rates["worker"]), 2),
        "start_p50_ms": round(statistics.median(latencies), 2),
        "start_p95_ms": round(latencies[int(len(latencies) * 0.95)], 2),
        "start_p99_ms": round(latencies[int(len(latencies) * 0.99)], 2),
        "submits_per_s": round(submit_rate, 1),
        "queued": queued,
        "users": USERS,
    }


def _ratio(ours_rates: list[float], stock_rates: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours_rates, stock_rates, strict=True))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=300)
    options = parser.parse_args()
    report = run(options.rounds, options.queued, options.samples)
    if not options.json:
        for name, value in report.items():
            print(f"{name:<26}{value}")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
