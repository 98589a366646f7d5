"""Slots: RQ workers as threads around one warm engine. Nothing is forked, so the model stays on its device.

A slot is an RQ SimpleWorker to RQ's tools (`rq info -S json`, stop-job), but its loop is its own, and it claims and
settles its jobs through Easel's atomic scripts: a claim takes the job and its lease in one step, an outcome is written
only by the holder of the lease. A heartbeat thread (`worker.heartbeat`) registers the slots and renews their leases.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar
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
from exchange.reading import text
from exchange.tasks import AllowedJob
from exchange.weather import Weather
from worker.faults import DeviceFault, ModelFault
from worker.heartbeat import Heartbeat
from worker.leases import Lease, Stop, held
from worker.recovery import unique_name
from worker.settling import settle_failure, settle_success, settle_unreadable, settle_unstarted

LEASE_S = 15.0
PATIENCE_S = 600.0
"""After waiting this long, a job is served by age in one claim of four."""
SKIP_LIMIT = 16
"""How often a job may be passed over for jobs of a model that is loaded, at least: in a large fleet it is four times
for each of its slots, so that the wait for another model stays about four jobs long."""
SCAN = 512
FAULTS_IN_A_ROW = 4
FAULT_EXIT_STATUS = 71
LONGEST_JOB_S = 900.0
"""For a job that does not say how long it may take."""
LISTENS_WITHIN_S = 2.0
WAIT_S = 0.5
"""Length of one blocking wait for work; also the longest an idle slot takes to notice that it has to end."""
MAX_PAUSE_S = 0.5

log = structlog.get_logger(__name__)
T = TypeVar("T")
logging.getLogger("rq.worker").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Wants:
    """Which jobs a claim may bring. Model keys are those of `JobQueue.submit`; empty means any.

    `models`: catalogue names this process can serve. `max_pixels`: the largest picture it has room for. `prefer`: jobs
    of the loaded model first, but nobody is passed over for ever. `must`: only jobs of the model that somebody waits
    for here; when it is empty, a claim brings only jobs of the models whose jobs run, once those are `resident` many.
    `none`: nothing is to be drawn here for now. `loaded`: the models that are warm here, with commas between, whose
    jobs others leave to this process for a moment.
    """

    must: str = ""
    prefer: str = ""
    models: tuple[str, ...] = ()
    max_pixels: int = 0
    none: bool = False
    loaded: str = ""
    resident: int = 1


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
        self.birth_date = self.last_heartbeat = datetime.now(UTC)

    def serve(self) -> None:
        """Take jobs and run them until the pool stops. Whatever Redis answers, the slot lives on and asks again."""
        while self._claimed is not None or not self.pool.stopping.is_set():
            try:
                job = self._next_job()
            except redis.exceptions.RedisError as error:
                self.pool.weather.bad(error)
                self.pool.stopping.wait(WAIT_S)
            except Exception:
                log.exception("a slot met something unforeseen and goes on")
                self.pool.stopping.wait(WAIT_S)
            else:
                if job is not None:
                    self._run(job)

    def _next_job(self) -> RQJob | None:
        """The next job, with its lease; None when there is none to run."""
        if self._claimed is None and not self.pool.doors[self.queue].claim(self._ask, self.pool.stopping):
            return None
        job, self._claimed = self._claimed, None
        lease = self.lease
        if job is None or lease is None:
            return None
        if self.pool.stopping.is_set():  # claimed in the very moment in which the pool began to stop
            self._write(partial(settle_unstarted, self.connection, lease))
            self.lease = None
            return None
        return job

    def _run(self, job: RQJob) -> None:
        """Run the task and settle its outcome."""
        lease = self.lease
        assert lease is not None
        with structlog.contextvars.bound_contextvars(job_id=lease.job_id), held(lease):
            try:
                result = job.perform()
            except Exception as error:
                lease.end()
                self._write(partial(settle_failure, self.connection, lease, job, error))
                if lease.reason is None:
                    self.pool.note_fault(lease.rq_id, error)
            else:
                lease.end()
                claim = None if self.pool.stopping.is_set() else self._claim()
                claimed = self._write(partial(settle_success, self.connection, lease, job, result, claim))
                if claimed is not None and claimed[0] == b"job":
                    self._hold(claimed)
                if self.queue == keys.RENDER:
                    self.pool.note_success(lease.model)
            finally:
                if self.lease is lease:
                    self.lease = None
                self.pool.doors[self.queue].nudge()

    def _write(self, settle: Callable[[], T]) -> T | None:
        """Settle, as soon as Redis takes it. The lease decides whether it still counts by then.

        None when this process ended first: the lease lapses, and the job is somebody else's.
        """
        while True:
            try:
                return settle()
            except redis.exceptions.RedisError as error:
                self.pool.weather.bad(error)
            if self.pool.ended.wait(WAIT_S):
                return None

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
        """Claim a job. The next one to ask must see its lease, so this is called inside the door."""
        asked = self._claim()
        if asked is None:
            return b"blocked"
        answer = scripts.run(self.connection, scripts.CLAIM, scripts.arguments(asked))
        if answer[0] == b"job":
            self._hold(answer)
        return bytes(answer[0])

    def _hold(self, answer: list[bytes]) -> None:
        """What a claim brought, as a job to begin and its lease."""
        _, rq_id, *pairs = answer
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        own, model = JobId(text(fields.get(b"easel_job", rq_id))), text(fields.get(b"easel_model", b""))
        job = AllowedJob(text(rq_id), connection=self.connection, serializer=JSONSerializer)
        lease = Lease(self.queue, job.id, own, self._execution, self.name, LONGEST_JOB_S, model)
        self._execution = uuid4().hex
        try:
            job.restore(fields)
        except Exception as error:  # whatever stands there, it is not a job that can run
            self._write(partial(settle_unreadable, self.connection, lease, job, error))
            return
        lease.deadline = time.monotonic() + float(job.timeout or LONGEST_JOB_S)
        self._claimed, self.lease = job, lease

    def _claim(self) -> dict[str, Any] | None:
        """What the claim script is asked; None when no job suits this process now."""
        wants = self.pool.wants()
        render = self.queue == keys.RENDER
        if render and wants.none:
            return None
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
            "places": self.pool.places,
            **({"process": self.pool.name, "loaded": wants.loaded} if render else {}),
        }

    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        return connection  # RQ would raise the time-out of our client to seven minutes


class SlotPool:
    """The slots of one process. `slots` says how many serve each queue, such as `{"render": 4, "deliver": 2}`.

    Load the first model before `start`: its libraries hold Python's lock for long. `wants` is asked before every
    claim. `name` tells this process from all others, for ever; where one of its `places` is drained it begins nothing.
    `refuse` is told of a model that fails job after job, and why; `forgive` is called when an operator asks that
    everything be tried again. `hung` says for how many seconds the engine has owed a step (0 while idle); the process
    ends itself when that passes `hung_after_s`, because a stuck kernel cannot be interrupted.
    """

    def __init__(
        self,
        client: redis.Redis,
        slots: Mapping[str, int],
        *,
        wants: Callable[[], Wants] = Wants,
        refuse: Callable[[str, str], None] = lambda model, reason: None,
        forgive: Callable[[], None] = lambda: None,
        hung: Callable[[], float] | None = None,
        hung_after_s: float = 60.0,
        describe: Callable[[], Mapping[str, str | int | float]] = dict,
        lease_s: float = LEASE_S,
        name: str = "",
        places: Sequence[str] = (),
    ) -> None:
        self.client = client
        self.wants = wants
        self.lease_s = lease_s
        self.name = name or unique_name()
        self.places: Sequence[str] = list(places)
        self.stopping = threading.Event()
        self.ended = threading.Event()
        self.weather = Weather("Redis")
        self.doors = {queue: Door(client, queue) for queue in slots}
        self.serves = dict(slots)
        self._slots: list[tuple[Slot, threading.Thread]] = []
        self._device_faults: set[str] = set()
        self._model_faults: dict[tuple[str, str], set[str]] = {}
        self._refuse = refuse
        self._heartbeat = Heartbeat(self, hung=hung, hung_after_s=hung_after_s, describe=describe, forgive=forgive)

    def start(self) -> None:
        """Take jobs. The process should not load a model after this."""
        for queue, count in self.serves.items():
            for _ in range(count):
                slot = Slot(self, queue, f"{self.name}-{len(self._slots) + 1}")
                thread = threading.Thread(target=slot.serve, name=f"slot-{slot.name}", daemon=True)
                self._slots.append((slot, thread))
        self._heartbeat.start()
        self._heartbeat.listens.wait(LISTENS_WITHIN_S)  # RQ's commands are heard once or never
        for _, thread in self._slots:
            thread.start()

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
            with suppress(redis.exceptions.RedisError):  # then the lease lapses
                settle_unstarted(self.client, lease)
        self._heartbeat.stop()
        self.ended.set()

    def slots(self) -> list[Slot]:
        """The slots as they are now."""
        return [slot for slot, _ in self._slots]

    def leases(self) -> list[Lease]:
        """The leases held now."""
        return [lease for slot in self.slots() if (lease := slot.lease) is not None]

    def running_model(self, wants: Wants) -> str:
        """The model key that a claim must bring, empty for any: jobs of more models than may be loaded at a time would
        only wait for each other. Of those that run, the one with the fewest jobs here."""
        if wants.must or len(wants.models) < 2:
            return wants.must
        running = Counter(lease.model for lease in self.leases() if lease.queue == keys.RENDER and lease.model)
        return min(running, key=running.__getitem__) if len(running) >= wants.resident else ""

    def note_success(self, model: str) -> None:
        """A rendering succeeded: whatever broke before, device and model are well."""
        self._device_faults.clear()
        self._model_faults = {place: jobs for place, jobs in self._model_faults.items() if place[0] != model}

    def note_fault(self, rq_id: str, error: Exception) -> None:
        """A task broke. Only a device's fault counts against the device, and a model's against that model.

        After several different jobs in a row this process hands back the others and ends: a CUDA error makes every
        later call fail. A model that fails several jobs alike is refused here, and everything else goes on.
        """
        match error:
            case DeviceFault():
                self._device_faults.add(rq_id)
                if len(self._device_faults) >= FAULTS_IN_A_ROW and not self.stopping.is_set():
                    log.critical("the device seems broken, ending this process", broken_jobs=len(self._device_faults))
                    self.hand_back()
                    threading.Thread(target=self._end_process, name="end-process", daemon=True).start()
            case ModelFault(model=model):
                jobs = self._model_faults.setdefault((model, str(error)), set())
                jobs.add(rq_id)
                if len(jobs) >= FAULTS_IN_A_ROW:
                    jobs.clear()
                    self._refuse(model, str(error))

    def _end_process(self) -> None:
        self.stop()
        os._exit(FAULT_EXIT_STATUS)
