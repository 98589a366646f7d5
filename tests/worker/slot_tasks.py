"""Stands in for `worker.tasks` where slots are tested: tasks whose behaviour the test steers through Redis.

Run as a program it is a worker process: `python -m tests.worker.slot_tasks URL SLOTS LEASE_S`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from types import ModuleType
from typing import Any

import redis

from contract.codec import decode_job
from contract.errors import NewerVersion, UserError
from contract.outcomes import Done, JobState, decode_outcome
from exchange.connection import connect
from exchange.delivery import enqueue_delivery, record_ended
from exchange.places import StoreUnavailable
from exchange.reading import text
from worker.faults import DeviceFault, ModelFault
from worker.leases import RetryLater, current_lease, on_cancel
from worker.signals import Signals
from worker.slots import SlotPool
from worker.supervisor import NAME_VARIABLE

STEP_S = 0.005


class Stopped(Exception):
    """What an engine raises when a ticket is cancelled."""


def tasks_module(client: redis.Redis) -> ModuleType:
    """A `worker.tasks` whose renders take the hash `script` (job id -> what to do) as their orders."""

    def render(document: str) -> dict[str, Any]:
        job = decode_job(document)
        lease = current_lease()
        assert lease is not None
        client.rpush("runs", job.id)
        orders = text(client.hget("script", job.id) or "")
        match orders.split():
            case ["refuse"]:
                raise UserError("banned_word", word="x")
            case ["cuda"]:
                raise DeviceFault("CUDA error: an illegal memory access was encountered")
            case ["model", name]:
                raise ModelFault(name, "it has no sampler dpmpp2m")
            case ["weather"]:
                raise redis.exceptions.ResponseError("OOM command not allowed")
            case ["store"]:
                raise StoreUnavailable("the disk is full")
            case ["storms", count]:
                client.hset("script", job.id, f"storms {int(count) - 1}" if int(count) > 1 else "")
                raise StoreUnavailable("the disk is full")
            case ["break"]:
                raise ValueError("a bug")
            case ["newer"]:
                raise NewerVersion("from tomorrow")
            case ["later", delay]:
                client.hdel("script", job.id)
                raise RetryLater(float(delay))
            case ["wait", delay]:
                client.hdel("script", job.id)
                raise RetryLater(float(delay), burns_try=False)
            case ["deaf", seconds]:
                time.sleep(float(seconds))
            case ["steps", count]:
                _draw(int(count), job.id)
        if enqueue_delivery(client, job, Done(), lease.key):
            client.rpush("results", job.id)
        return {"by": lease.worker}

    def intake(document: str) -> None:
        job = decode_job(document)
        client.rpush("intakes", job.id)
        if client.hget("script", job.id) == b"refuse":
            raise UserError("banned_word", word="x")
        if client.hget("script", job.id) == b"hang":
            _draw(100_000, job.id)

    def deliver(document: str, outcome: str) -> dict[str, Any]:
        job, state = decode_job(document), decode_outcome(outcome).state
        client.rpush("delivered", f"{job.id} {state}")
        # What has no end counts as lost some seconds later.
        record_ended(client, job.id, JobState.CANCELLED if state == "cancelled" else JobState.DELIVERED)
        return {"state": "delivered"}

    def _draw(steps: int, job_id: Any) -> None:
        stopped = threading.Event()
        on_cancel(job_id, stopped.set)
        for _ in range(steps):
            if stopped.is_set():
                raise Stopped
            time.sleep(STEP_S)

    module = ModuleType("worker.tasks")
    module.intake = intake  # type: ignore[attr-defined]
    module.render = render  # type: ignore[attr-defined]
    module.deliver = deliver  # type: ignore[attr-defined]
    return module


def main(url: str, slots: int, lease_s: float) -> None:
    """A worker process with a pretended engine: SIGTERM drains, a second one hands back."""
    client = connect(url)
    sys.modules["worker.tasks"] = tasks_module(client)
    name = os.environ.get(NAME_VARIABLE, "")
    pool = SlotPool(client, {"render": slots, "deliver": 1}, lease_s=lease_s, name=name)
    signals = Signals()
    pool.start()
    print("ready", flush=True)
    signals.wait()

    def hand_back_at_the_next_signal() -> None:
        signals.wait_for_haste(supervised=bool(name))
        pool.hand_back()

    threading.Thread(target=hand_back_at_the_next_signal, daemon=True).start()
    pool.drain(20)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
