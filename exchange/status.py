"""What the operator sees of queues and workers. Reads Redis only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import redis
from redis.client import Pipeline

from exchange import keys
from exchange.drains import drained
from exchange.reading import number, text

COUNTED = 2_000
"""How many waiting jobs, the oldest, are told apart by their models."""


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
class Backlog:
    """The jobs that wait to be drawn with one model, of the `COUNTED` that came first."""

    model: str
    waiting: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Running:
    """A job under a lease: which slot has it, and for how long."""

    job_id: str
    queue: str
    model: str
    slot: str
    for_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """The house at a glance. `held` jobs wait for the bot's acknowledgement. `workers` are the processes' own words.

    `drained` are the places that begin nothing -> since when (Unix seconds).
    """

    queues: tuple[QueueStatus, ...]
    held: int
    suspended: bool
    workers: tuple[dict[str, str], ...]
    backlog: tuple[Backlog, ...] = ()
    running: tuple[Running, ...] = ()
    drained: Mapping[str, float] = field(default_factory=dict)

    @property
    def drawing(self) -> tuple[dict[str, str], ...]:
        """The workers that draw: not those that only deliver, and no note of a device that is left alone."""
        return tuple(worker for worker in self.workers if "models" in worker)

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
        backlog=_backlog(client),
        running=tuple(running for name in keys.QUEUES for running in _running(client, name)),
        drained=drained(client),
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
    if not status.drawing:
        lines.append("no worker draws; `easel start` starts one")
    lines += [
        f"waiting for {backlog.model}: {backlog.waiting}, the oldest for {backlog.oldest_s:.0f} s"
        for backlog in status.backlog
    ]
    for worker in status.workers:
        details = ", ".join(f"{name} {_readable(name, value)}" for name, value in worker.items() if name != "name")
        lines.append(f"worker {worker.get('name', '?')}: {details}")
    lines += [f"drained: {place} begins no job; `easel undrain {place}` ends that" for place in sorted(status.drained)]
    return "\n".join(lines)


def _readable(name: str, value: str) -> str:
    """A worker's word for people: sizes are kept in bytes."""
    return f"{number(value) / 2**20:,.0f} MiB" if name.endswith("_bytes") else value


def _queue(client: redis.Redis, name: str) -> QueueStatus:
    def ask(pipe: Pipeline) -> None:
        pipe.llen(keys.rq_list(name))
        pipe.zcard(keys.leases(name))
        pipe.zcard(keys.scheduled(name))
        pipe.zcard(keys.ended("failed", name))
        pipe.scard(keys.rq_workers_of(name))

    waiting, running, scheduled, failed, slots = _counts(client, ask)
    return QueueStatus(name, waiting, running, scheduled, failed, slots, _oldest_s(client, name))


def _backlog(client: redis.Redis) -> tuple[Backlog, ...]:
    """What waits to be drawn, by model, longest first."""
    now_s = _now_s(client)
    waiting: dict[str, list[float]] = {}
    if text(client.type(keys.arrivals(keys.RENDER))) != "zset":
        return ()
    arrivals: Any = client.zrange(keys.arrivals(keys.RENDER), 0, COUNTED - 1, withscores=True)
    with client.pipeline(transaction=False) as pipe:
        for id, _ in arrivals:
            pipe.hget(keys.rq_job(text(id)), "easel_name")
        names = pipe.execute(raise_on_error=False)
    for (_, arrived), name in zip(arrivals, names, strict=True):
        waiting.setdefault(text(name) if isinstance(name, bytes | str) else "?", []).append(float(arrived))
    found = [Backlog(model, len(times), max(0.0, now_s - min(times))) for model, times in waiting.items()]
    return tuple(sorted(found, key=lambda backlog: backlog.oldest_s, reverse=True))


def _running(client: redis.Redis, name: str) -> Iterator[Running]:
    """The jobs of a queue that are worked on."""
    if text(client.type(keys.leases(name))) != "zset":
        return
    now_s = _now_s(client)
    found: Any = client.zrange(keys.leases(name), 0, COUNTED - 1)
    members = [text(member) for member in found]
    with client.pipeline(transaction=False) as pipe:
        for member in members:
            pipe.hmget(keys.rq_job(member.rpartition(":")[0]), "easel_job", "easel_name", "worker_name", "easel_began")
        answers = pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, list) and answer[0] is not None:
            job, model, slot, began = answer
            yield Running(text(job), name, text(model or b""), text(slot or b""), max(0.0, now_s - number(began)))


def _now_s(client: redis.Redis) -> float:
    """By Redis' own clock."""
    seconds, _ = client.time()
    return float(seconds)


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
