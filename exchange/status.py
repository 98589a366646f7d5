"""What the operator sees of queues and workers. Reads Redis only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import redis
from redis.client import Pipeline

from exchange import keys
from exchange.reading import text


@dataclass(frozen=True, slots=True)
class QueueStatus:
    """Jobs of one queue: `waiting` for a slot, `running` under a lease, `scheduled` for a later try, `failed` for good
    within the last day. `slots` serve it; the job that waits longest came `oldest_s` seconds ago (0 without one)."""

    name: str
    waiting: int
    running: int
    scheduled: int
    failed: int
    slots: int
    oldest_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Status:
    """The house at a glance. `held` jobs wait for the bot's acknowledgement. `workers` are the processes' own words."""

    queues: tuple[QueueStatus, ...]
    held: int
    suspended: bool
    workers: tuple[dict[str, str], ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def read_status(client: redis.Redis) -> Status:
    """The state of things now."""
    queues = tuple(_queue(client, name) for name in keys.QUEUES)
    workers = []
    for key in sorted(client.scan_iter(match=keys.node("*"), count=500)):
        values = client.hgetall(key) if client.type(key) in (b"hash", "hash") else {}
        if values:
            workers.append({text(name): text(value) for name, value in sorted(values.items())})
    return Status(
        queues=queues,
        held=_counts(client, lambda pipe: pipe.zcard(keys.held()))[0],
        suspended=bool(client.exists(keys.suspended())),
        workers=tuple(workers),
    )


def describe_status(status: Status) -> str:
    """A few lines for people."""
    lines = ["queue      waiting  running  scheduled  failed  slots"]
    lines += [
        f"{queue.name:<9}{queue.waiting:>9}{queue.running:>9}{queue.scheduled:>11}{queue.failed:>8}{queue.slots:>7}"
        for queue in status.queues
    ]
    lines.append(f"held for the bot's acknowledgement: {status.held}")
    if status.suspended:
        lines.append("everything is suspended; `rq resume` lets jobs start again")
    if not status.workers:
        lines.append("no worker is running; `easel-worker start` starts one")
    for worker in status.workers:
        details = ", ".join(f"{name} {value}" for name, value in worker.items() if name != "name")
        lines.append(f"worker {worker.get('name', '?')}: {details}")
    return "\n".join(lines)


def _queue(client: redis.Redis, name: str) -> QueueStatus:
    def ask(pipe: Pipeline) -> None:
        pipe.llen(keys.rq_list(name))
        pipe.zcard(keys.leases(name))
        pipe.zcard(keys.scheduled(name))
        pipe.zcard(keys.ended("failed", name))
        pipe.scard(keys.rq_workers_of(name))

    waiting, running, scheduled, failed, slots = _counts(client, ask)
    return QueueStatus(name, waiting, running, scheduled, failed, slots, _oldest_s(client, name))


def _oldest_s(client: redis.Redis, name: str) -> float:
    """By Redis' own clock, which wrote when the job came."""
    try:
        first = client.zrange(keys.arrivals(name), 0, 0, withscores=True)
        seconds, _ = client.time()
    except redis.exceptions.ResponseError:  # a key of a wrong type, which recovery puts aside
        return 0.0
    return max(0.0, float(seconds) - float(first[0][1])) if first else 0.0


def _counts(client: redis.Redis, ask: Callable[[Pipeline], object]) -> list[int]:
    """Several counts in one round trip; 0 for a key of a wrong type, which recovery puts aside."""
    with client.pipeline(transaction=False) as pipe:
        ask(pipe)
        return [count if isinstance(count, int) else 0 for count in pipe.execute(raise_on_error=False)]
