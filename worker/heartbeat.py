"""The heartbeat of a worker process: renews leases, hears cancels, recovers dead workers' jobs, watches the GPU."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import redis
import structlog
from redis.client import PubSub
from rq import SimpleWorker
from rq.command import handle_command, parse_payload

from exchange import keys, scripts
from exchange.queue import HELD_S
from worker.leases import Lease, Stop
from worker.settling import settle_abandoned

RECOVER_EVERY_S = 1.0
NODE_TTL_S = 60
LISTEN_S = 0.2
HUNG_EXIT_STATUS = 70

log = structlog.get_logger(__name__)


class Pool(Protocol):
    """What the heartbeat asks of `worker.slots.SlotPool`."""

    name: str
    client: redis.Redis
    lease_s: float

    def slots(self) -> Sequence[SimpleWorker]: ...
    def leases(self) -> Sequence[Lease]: ...
    def replace_ended(self) -> None: ...


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
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self._pool = pool
        self._redis = pool.client
        self._hung = hung
        self._hung_after_s = hung_after_s
        self._describe = describe
        self._ended = threading.Event()
        self._next_beat = self._next_recovery = 0.0

    def run(self) -> None:
        """Beat until `stop`. An unforeseen error ends the process: without a heartbeat it loses every lease anyway."""
        try:
            self._beat_on()
        except Exception:
            log.critical("the heartbeat broke, ending this process", exc_info=True)
            os._exit(HUNG_EXIT_STATUS)

    def _beat_on(self) -> None:
        while not self._ended.is_set():
            pubsub = self._redis.pubsub(ignore_subscribe_messages=True)
            try:
                pubsub.subscribe(keys.cancel_channel())
                pubsub.psubscribe(keys.rq_commands(f"{self._pool.name}-*"))
                while not self._ended.is_set():
                    self._listen(pubsub)
                    self._turn()
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
                log.warning("heartbeat: Redis is away", error=str(error))
                self._ended.wait(0.5)
            finally:
                pubsub.close()

    def stop(self) -> None:
        """End the thread and take this process off the lists of workers and nodes."""
        self._ended.set()
        if self.is_alive():
            self.join(5)
        with self._redis.pipeline(transaction=False) as pipe:
            for slot in self._pool.slots():  # a last beat may have put back a slot that had signed off
                pipe.delete(slot.key)
                pipe.srem(keys.rq_workers(), slot.key)
                pipe.srem(keys.rq_workers_of(slot.queue), slot.key)
            pipe.delete(keys.node(self._pool.name))
            pipe.execute()

    def _turn(self) -> None:
        now = time.monotonic()
        self._watch(now)
        if now >= self._next_beat:
            self._next_beat = now + self._pool.lease_s / 4
            self._pool.replace_ended()
            self._renew()
            self._register()
        if now >= self._next_recovery:
            pause_s = min(RECOVER_EVERY_S, self._pool.lease_s / 4)
            self._next_recovery = now + pause_s
            recover(self._redis, pause_s=pause_s * 0.8)

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
                pipe.hset(slot.key, mapping=slot.serialize())
                pipe.expire(slot.key, self.WORKER_TTL_S)
                pipe.sadd(keys.rq_workers(), slot.key)
                for queue in slot.queues:
                    pipe.sadd(keys.rq_workers_of(queue.name), slot.key)
            node: dict[Any, Any] = {"name": self._pool.name, "pid": os.getpid(), "slots": len(self._pool.slots())}
            node.update(self._describe())
            pipe.hset(keys.node(self._pool.name), mapping=node)
            pipe.expire(keys.node(self._pool.name), NODE_TTL_S)
            pipe.execute()

    def _listen(self, pubsub: PubSub) -> None:
        message = pubsub.get_message(timeout=LISTEN_S)
        while message is not None:
            if message["type"] == "pmessage":
                self._obey(message)
            else:
                rq_id = message["data"].decode()
                for lease in self._pool.leases():
                    if lease.rq_id == rq_id:
                        lease.stop(Stop.CANCELLED)
            message = pubsub.get_message(timeout=0)

    def _obey(self, message: dict[str, Any]) -> None:
        """RQ's own commands: stop-job, stop-execution, kill-horse, shutdown."""
        name = message["channel"].decode().removeprefix(keys.rq_commands(""))
        for slot in self._pool.slots():
            if slot.name == name:
                handle_command(slot, parse_payload(message))


def recover(client: redis.Redis, *, pause_s: float = 0.0) -> int:
    """Give back what nobody holds any more, once for all queues. Any process may do it, at any time. Counts jobs.

    With `pause_s`, nothing happens when any process of the fleet did it so recently.
    """
    parameters: dict[str, Any] = {"queues": keys.QUEUES, "held_s": HELD_S}
    if pause_s:
        parameters["pause_s"] = pause_s
    retried, released, due, *ended = scripts.run(client, scripts.RECOVER, scripts.arguments(parameters))
    if retried or released:
        log.warning("recovered", lost_leases=retried, unacknowledged=released)
    for rq_id, execution, queue, how in zip(*[iter(ended)] * 4, strict=True):
        settle_abandoned(client, queue.decode(), rq_id.decode(), execution.decode(), how.decode())
    return int(retried) + int(released) + int(due) + len(ended) // 4


def bury(client: redis.Redis, process_name: str) -> int:
    """End the leases of a process that is known to be dead (`host-pid`) and recover its jobs now. Counts its leases."""
    parameters = {"queues": keys.QUEUES, "prefix": f"{process_name}-"}
    count = int(scripts.run(client, scripts.BURY, scripts.arguments(parameters)))
    client.delete(keys.node(process_name))
    recover(client)
    return count
