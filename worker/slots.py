"""Slots: RQ workers as threads around one warm engine. Nothing is forked, so the model stays on its device.

A slot is an RQ SimpleWorker to RQ's tools (`rq info -S json`, stop-job), but claims and settles its jobs through
Easel's atomic scripts: a claim takes the job and its lease in one step, an outcome is written only by who holds the
lease. A heartbeat thread (`worker.heartbeat`) renews the leases of all slots of the process.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from contract.codec import JOB_VERSION
from contract.ids import JobId
from exchange import keys, scripts
from exchange.tasks import AllowedJob
from worker.heartbeat import Heartbeat
from worker.leases import Lease, Stop, held
from worker.settling import settle_failure, settle_success, settle_unstarted

LEASE_S = 15.0
PATIENCE_S = 600.0
"""After waiting this long, a job is served by age in one claim of four."""
SKIP_LIMIT = 16
"""How often a job may be passed over for jobs of a model that is loaded, at least: in a large fleet it is four times
for each of its slots, so that the wait for another model stays about four jobs long."""
SCAN = 512
FAULTS_IN_A_ROW = 4
FAULT_EXIT_STATUS = 71
WAIT_S = 0.5
"""Length of one blocking wait for work; also the longest an idle slot takes to notice that it shall end."""
MAX_PAUSE_S = 0.5

log = structlog.get_logger(__name__)
logging.getLogger("rq.worker").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Wants:
    """Which jobs a claim may bring. Model keys are those of `JobQueue.submit`; empty means any.

    `models`: catalogue names this process can serve. `max_pixels`: the largest picture it has room for. `prefer`: jobs
    of the loaded model first, but nobody is passed over for ever. `must`: only jobs of the model that somebody waits
    for here; when it is empty and `models` are several, a claim brings only jobs of the model whose jobs run.
    """

    must: str = ""
    prefer: str = ""
    models: tuple[str, ...] = ()
    max_pixels: int = 0


class NoDeathPenalty(BaseDeathPenalty):  # type: ignore[misc]  # RQ ships no types
    """RQ's time-out uses SIGALRM, which only works in the main thread; the heartbeat watches the clock instead."""

    def setup_death_penalty(self) -> None:
        """Nothing to set."""

    def cancel_death_penalty(self) -> None:
        """Nothing to cancel."""


class Door:
    """The one place per process and queue where slots wait for work, so that a new job wakes processes, not slots."""

    def __init__(self, client: redis.Redis, queue: str) -> None:
        self._redis = client
        self._list = keys.rq_list(queue)
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._pause_s = 0.0

    def nudge(self) -> None:
        """A job of this process ended: somebody who was over a cap may be served now."""
        self._pause_s = 0.0
        self._changed.set()

    def claim(self, ask: Callable[[], bytes], stopping: threading.Event) -> bool:
        """`ask` until it says that the slot has a job now; False when the process is stopping."""
        while not stopping.is_set():
            with self._lock:
                if stopping.is_set():
                    return False
                match ask():
                    case b"job":
                        self._pause_s = 0.0
                        return True
                    case b"empty":
                        # Moving the first job onto its own place blocks while there is none and changes nothing.
                        self._redis.blmove(self._list, self._list, WAIT_S, "LEFT", "LEFT")  # type: ignore[arg-type]
                    case _:
                        self._pause_s = min(MAX_PAUSE_S, max(0.02, self._pause_s * 1.5))
                        self._changed.wait(self._pause_s)
                        self._changed.clear()
        return False


class Slot(SimpleWorker):  # type: ignore[misc]  # RQ ships no types
    """One thread that runs one job at a time. Its heartbeat, commands and signals are the pool's business."""

    death_penalty_class = NoDeathPenalty
    job_class = AllowedJob
    should_run_maintenance_tasks = False

    def __init__(self, pool: SlotPool, queue: str, name: str) -> None:
        self.pool = pool
        self.queue = queue
        self.lease: Lease | None = None
        self._claimed: RQJob | None = None  # a job under our lease that has not begun
        self._execution = uuid4().hex
        super().__init__(
            [Queue(queue, connection=pool.client, serializer=JSONSerializer, job_class=AllowedJob)],
            name=name,
            connection=pool.client,
            serializer=JSONSerializer,
            worker_ttl=Heartbeat.WORKER_TTL_S,
            log_job_description=False,
        )

    def dequeue_job_and_maintain_ttl(self, timeout: Any, max_idle_time: Any = None) -> tuple[RQJob, Queue] | None:
        """The next job, with its lease; None when the pool is stopping."""
        if self._claimed is None and not self.pool.doors[self.queue].claim(self._ask, self.pool.stopping):
            return None
        job, self._claimed = self._claimed, None
        assert job is not None
        assert self.lease is not None
        if self.pool.stopping.is_set():  # claimed in the very moment in which the pool began to stop
            settle_unstarted(self.connection, self.lease)
            self.lease = None
            return None
        return job, self.queues[0]

    def execute_job(self, job: RQJob, queue: Queue) -> None:
        """Run the task and settle its outcome."""
        lease = self.lease
        assert lease is not None
        with structlog.contextvars.bound_contextvars(job_id=lease.job_id), held(lease):
            try:
                result = job.perform()
            except Exception as error:
                lease.end()
                if settle_failure(self.connection, lease, job, error):
                    self.pool.note_fault(lease.rq_id)
            else:
                lease.end()
                claim = None if self.pool.stopping.is_set() else self._claim()
                claimed = settle_success(self.connection, lease, job, result, claim)
                if claimed is not None and claimed[0] == b"job":
                    self._hold(claimed)
                if self.queue == keys.RENDER:
                    self.pool.note_success()
            finally:
                if self.lease is lease:
                    self.lease = None
                self.pool.doors[self.queue].nudge()

    def kill_horse(self, *_: Any) -> None:
        """Where RQ's stop-job and stop-execution arrive."""
        lease = self.lease
        if lease is not None:
            lease.stop(Stop.CANCELLED)

    def get_current_job_id(self) -> str | None:
        """The RQ id of the running job."""
        lease = self.lease
        return lease.rq_id if lease else None

    def request_stop_execution(self, execution_id: str) -> None:
        """RQ's stop-execution."""
        lease = self.lease
        if lease is not None and lease.execution == execution_id:
            lease.stop(Stop.CANCELLED)

    def _ask(self) -> bytes:
        """Claim a job. Whoever asks next must see its lease, so this is called inside the door."""
        answer = scripts.run(self.connection, scripts.CLAIM, scripts.arguments(self._claim()))
        if answer[0] == b"job":
            self._hold(answer)
        return bytes(answer[0])

    def _hold(self, answer: list[bytes]) -> None:
        """What a claim brought, as a job to begin and its lease."""
        _, rq_id, *pairs = answer
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        job = AllowedJob(rq_id.decode(), connection=self.connection, serializer=JSONSerializer)
        job.restore(fields)
        own = JobId(fields.get(b"easel_job", rq_id).decode())
        model = fields.get(b"easel_model", b"").decode()
        timeout_s = float(job.timeout or 900)
        self._claimed = job
        self.lease = Lease(self.queue, job.id, own, self._execution, self.name, timeout_s, model)
        self._execution = uuid4().hex

    def _claim(self) -> dict[str, Any]:
        wants = self.pool.wants()
        render = self.queue == keys.RENDER
        return {
            "queue": self.queue,
            "worker": self.name,
            "execution": self._execution,
            "lease_s": self.pool.lease_s,
            "started": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "must": self.pool.running_model(wants) if render else "",
            "prefer": wants.prefer if render else "",
            "models": ",".join(wants.models) if render else "",
            "max_pixels": wants.max_pixels if render else 0,
            "version": JOB_VERSION,
            "patience_s": PATIENCE_S,
            "skip_limit": SKIP_LIMIT,
            "scan": SCAN,
        }

    # What RQ's loop would do by itself in every slot, once per process or not at all here.
    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        return connection  # RQ would raise the time-out of our client to seven minutes

    def _install_signal_handlers(self) -> None:
        """The main thread owns the signals."""

    def bootstrap(self, *_: Any) -> None:
        """Register as a worker; no log handlers, no subscription of one's own."""
        self.register_birth()

    def check_for_suspension(self, burst: bool) -> None:
        """The claim script honours `rq suspend`."""

    def heartbeat(self, *_: Any, **__: Any) -> None:
        """The pool's heartbeat speaks for all slots."""

    def procline(self, message: str) -> None:
        """The process keeps its name."""


class SlotPool:
    """The slots of one process. `slots` says how many serve each queue, such as `{"render": 4, "deliver": 2}`.

    Load the first model before `start`: its libraries hold Python's lock for long. `wants` is asked before every
    claim. `hung` says for how many seconds the engine has owed a step (0 while idle); the process ends itself
    when that passes `hung_after_s`, because a stuck kernel cannot be interrupted.
    """

    def __init__(
        self,
        client: redis.Redis,
        slots: Mapping[str, int],
        *,
        wants: Callable[[], Wants] = Wants,
        hung: Callable[[], float] | None = None,
        hung_after_s: float = 60.0,
        describe: Callable[[], Mapping[str, str | int | float]] = dict,
        lease_s: float = LEASE_S,
    ) -> None:
        self.client = client
        self.wants = wants
        self.lease_s = lease_s
        self.name = f"{socket.gethostname()}-{os.getpid()}"
        self.stopping = threading.Event()
        self.doors = {queue: Door(client, queue) for queue in slots}
        self.plan = dict(slots)
        self._slots: list[tuple[Slot, threading.Thread]] = []
        self._made = 0
        self._faulty: set[str] = set()
        self._heartbeat = Heartbeat(self, hung=hung, hung_after_s=hung_after_s, describe=describe)

    def start(self) -> None:
        """Take jobs. The process should not load a model after this."""
        for queue, count in self.plan.items():
            for _ in range(count):
                self._slots.append(self._spawn(queue))  # at once: its first job may break before the next is there
        self._heartbeat.start()

    def drain(self, grace_s: float) -> bool:
        """Take nothing new and let running jobs end; hand back what is left after `grace_s`. True if all ended.

        Another thread may call `hand_back` meanwhile to cut the grace short.
        """
        self.stopping.set()
        deadline = time.monotonic() + grace_s
        for _, thread in list(self._slots):
            thread.join(max(0.0, deadline - time.monotonic()))
        ended = not any(thread.is_alive() for _, thread in self._slots)
        self.stop()
        return ended

    def hand_back(self) -> None:
        """Stop the running jobs now; they return to the front of the queue and lose no try."""
        self.stopping.set()
        for lease in self.leases():
            lease.stop(Stop.HANDED_BACK)

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the slots, handing back what runs, and then the heartbeat."""
        self.hand_back()
        deadline = time.monotonic() + timeout_s
        for _, thread in self._slots:
            thread.join(max(0.0, deadline - time.monotonic()))
        for lease in self.leases():  # a task that cannot stop, such as a load: what it says later no longer counts
            settle_unstarted(self.client, lease)
        self._heartbeat.stop()

    def slots(self) -> list[Slot]:
        """The slots as they are now."""
        return [slot for slot, _ in self._slots]

    def leases(self) -> list[Lease]:
        """The leases held now."""
        return [lease for slot in self.slots() if (lease := slot.lease) is not None]

    def running_model(self, wants: Wants) -> str:
        """The model key that a claim must bring: one engine draws, so a batch is of one model. Empty for any."""
        if wants.must or len(wants.models) < 2:
            return wants.must
        return next((lease.model for lease in self.leases() if lease.queue == keys.RENDER and lease.model), "")

    def note_success(self) -> None:
        """A rendering succeeded: whatever broke before, the device is well."""
        self._faulty.clear()

    def note_fault(self, rq_id: str) -> None:
        """A rendering broke. After several different ones in a row this process hands back the others and ends.

        A CUDA error makes every later call fail, so without this one bad moment would use up every job's tries.
        """
        self._faulty.add(rq_id)
        if len(self._faulty) >= FAULTS_IN_A_ROW and not self.stopping.is_set():
            log.critical("the device seems broken, ending this process", broken_jobs=len(self._faulty))
            self.hand_back()
            threading.Thread(target=self._end_process, name="end-process", daemon=True).start()

    def _end_process(self) -> None:
        self.stop()
        os._exit(FAULT_EXIT_STATUS)

    def replace_ended(self) -> None:
        """Start anew what has ended by itself: RQ's loop gives up on errors such as a long absence of Redis."""
        if self.stopping.is_set():
            return
        for place, (slot, thread) in enumerate(list(self._slots)):
            if not thread.is_alive():
                log.error("a slot ended by itself, starting another", slot=slot.name)
                self._slots[place] = self._spawn(slot.queue)

    def _spawn(self, queue: str) -> tuple[Slot, threading.Thread]:
        self._made += 1  # a name is used once: RQ refuses a second worker of the same name for minutes
        slot = Slot(self, queue, f"{self.name}-{self._made}")
        thread = threading.Thread(target=slot.work, name=f"slot-{queue}-{self._made}", daemon=True)
        thread.start()
        return slot, thread
