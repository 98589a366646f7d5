"""The heartbeat of a worker process: renews leases, hears cancels, recovers dead workers' jobs, watches the GPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Protocol

import redis
import structlog
from redis.client import PubSub
from rq import SimpleWorker
from rq.command import handle_command, parse_payload

from exchange import keys, scripts
from exchange.reading import text
from exchange.weather import Weather
from worker.leases import Lease, Stop
from worker.recovery import recover

RECOVER_EVERY_S = 1.0
NODE_TTL_S = 30
"""A process that is silent for so long counts as gone: its leases have lapsed by then."""
LISTEN_S = 0.2
AWAY_S = 0.5
HUNG_EXIT_STATUS = 70

log = structlog.get_logger(__name__)
_UNKNOWN = object()


class Pool(Protocol):
    """What the heartbeat asks of `worker.slots.SlotPool`."""

    name: str
    client: redis.Redis
    lease_s: float
    places: Sequence[str]
    weather: Weather

    def slots(self) -> Sequence[SimpleWorker]: ...
    def leases(self) -> Sequence[Lease]: ...


class Heartbeat(threading.Thread):
    """One per process, beside the slots. It must never do anything slow: all leases hang on it."""

    WORKER_TTL_S = 60

    def __init__(
        self,
        pool: Pool,
        *,
        hung: Callable[[], float] | None,
        hung_after_s: float,
        describe: Callable[[], Mapping[str, str | int | float]],
        forgive: Callable[[], None],
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._pool = pool
        self._redis = pool.client
        self._hung = hung
        self._hung_after_s = hung_after_s
        self._describe = describe
        self._version = version("easel")
        self._forgive = forgive
        self._ended = threading.Event()
        self.listens = threading.Event()
        """Set once it has tried to listen: nothing published afterwards is missed, if Redis is there."""
        self._next_beat = self._next_recovery = 0.0
        self._news: PubSub | None = None
        self._channels = Weather("the channels of Redis")
        self._resumes: object = _UNKNOWN
        self._failed = False
        self._oddities: set[str] = set()

    def run(self) -> None:
        """Beat until `stop`. No answer of Redis and no entry in it ends this thread: all leases hang on it."""
        while not self._ended.is_set():
            self._hear()
            self._turn()

    def _hear(self) -> None:
        """Listen for a moment. A cancel that is missed is found by the next renewal of its lease."""
        try:
            if self._news is None:
                self._news = self._redis.pubsub(ignore_subscribe_messages=True)
                # by their names: a pattern would need a wider right
                commands = [keys.rq_commands(slot.name) for slot in self._pool.slots()]
                self._news.subscribe(keys.cancel_channel(), *commands)
            self._listen(self._news)
            self._channels.good()
        except redis.exceptions.RedisError as error:
            self._channels.bad(error)
            self._forget_news()
            self._ended.wait(AWAY_S)
        self.listens.set()

    def _forget_news(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            with suppress(redis.exceptions.RedisError):
                news.close()

    def stop(self) -> None:
        """End the thread and take this process off the lists of workers and nodes, if Redis is there."""
        self._ended.set()
        if self.is_alive():
            self.join(5)
        self._forget_news()
        with self._attempt(), self._redis.pipeline(transaction=False) as pipe:
            for slot in self._pool.slots():  # a last beat may have put back a slot that had signed off
                pipe.delete(slot.key)
                pipe.srem(keys.rq_workers(), slot.key)
                pipe.srem(keys.rq_workers_of(slot.queue), slot.key)
            pipe.delete(keys.node(self._pool.name))
            pipe.execute()

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        """One thing a beat does: if it fails, it is said once, and the next thing is done all the same."""
        try:
            yield
        except redis.exceptions.RedisError as error:
            self._failed = True
            self._pool.weather.bad(error)
        except Exception as error:
            if repr(error) not in self._oddities:
                self._oddities.add(repr(error))
                log.exception("something unforeseen in a heartbeat; this is said once")

    def _turn(self) -> None:
        now = time.monotonic()
        self._watch(now)
        self._failed = False
        beat, recovery = now >= self._next_beat, now >= self._next_recovery
        if beat:
            self._next_beat = now + self._pool.lease_s / 4
            for step in (self._renew, self._register):
                with self._attempt():
                    step()
        if recovery:
            pause_s = min(RECOVER_EVERY_S, self._pool.lease_s / 4)
            self._next_recovery = now + pause_s
            with self._attempt():
                recover(self._redis, pause_s=pause_s * 0.8)
        if (beat or recovery) and not self._failed:
            self._pool.weather.good()

    def _watch(self, now: float) -> None:
        """End overdue jobs, and the process itself when its GPU hangs: a stuck kernel cannot be interrupted."""
        for lease in self._pool.leases():
            if now > lease.deadline and lease.reason is None:
                log.warning("the job runs for too long", rq_id=lease.rq_id)
                lease.stop(Stop.TIMEOUT)
        if self._hung is not None and (owed_s := self._hung()) > self._hung_after_s:
            log.critical("the engine hangs, ending this process", owed_s=round(owed_s, 1))
            os._exit(HUNG_EXIT_STATUS)

    def _renew(self) -> None:
        leases = self._pool.leases()
        if not leases:
            return
        parameters = {"lease_s": self._pool.lease_s, "leases": [lease.key for lease in leases]}
        answers = scripts.run(self._redis, scripts.BEAT, scripts.arguments(parameters))
        for lease, answer in zip(leases, answers, strict=True):
            if lease.over:
                continue
            if answer == 0:
                log.warning("lease lost", rq_id=lease.rq_id)
                lease.stop(Stop.LOST)
            elif answer == 2:
                lease.stop(Stop.CANCELLED)

    def _register(self) -> None:
        """Keep RQ's worker entries alive, whole again after an absence of Redis, and this node's own entry."""
        with self._redis.pipeline(transaction=False) as pipe:
            for slot in self._pool.slots():
                if slot.birth_date is None or slot.last_heartbeat is None:
                    continue
                slot.last_heartbeat = datetime.now(UTC)
                pipe.hset(slot.key, mapping=slot.serialize())
                pipe.expire(slot.key, self.WORKER_TTL_S)
                pipe.sadd(keys.rq_workers(), slot.key)
                for queue in slot.queues:
                    pipe.sadd(keys.rq_workers_of(queue.name), slot.key)
            node: dict[Any, Any] = {"name": self._pool.name, "pid": os.getpid(), "slots": len(self._pool.slots())}
            node["version"] = self._version
            node["place"] = self._pool.places[-1] if self._pool.places else ""
            node.update(self._describe())
            pipe.hset(keys.node(self._pool.name), mapping=node)
            pipe.expire(keys.node(self._pool.name), NODE_TTL_S)
            pipe.sadd(keys.nodes(), self._pool.name)
            pipe.get(keys.resumed())
            resumes = pipe.execute()[-1]
        if self._resumes not in (resumes, _UNKNOWN):
            log.info("everything is tried again: an operator asked for it")
            self._forgive()
        self._resumes = resumes

    def _listen(self, pubsub: PubSub) -> None:
        message = pubsub.get_message(timeout=LISTEN_S)
        while message is not None:
            if text(message["channel"]) != keys.cancel_channel():
                self._obey(message)
            else:
                rq_id = text(message["data"])
                for lease in self._pool.leases():
                    if lease.rq_id == rq_id:
                        lease.stop(Stop.CANCELLED)
            message = pubsub.get_message(timeout=0)

    def _obey(self, message: dict[str, Any]) -> None:
        """RQ's own commands: stop-job, stop-execution, kill-horse, shutdown."""
        name = text(message["channel"]).removeprefix(keys.rq_commands(""))
        for slot in self._pool.slots():
            if slot.name == name:
                try:
                    handle_command(slot, parse_payload(message))
                except Exception as error:  # anybody may publish anything there
                    log.warning("not a command of RQ", slot=name, error=repr(error))
