"""A lease: one worker's right to run one job and to say how it ended. It lapses unless the heartbeat renews it.

Tasks meet their own lease through `current_lease()`. When the job has to stop, the lease says so and calls back; what
the task then raises does not matter, the slot settles the job by the lease's word.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum

from contract.errors import EaselError
from contract.ids import JobId


class Stop(StrEnum):
    """Why a running job has to stop."""

    CANCELLED = "cancelled"
    """Its user or an operator ended it."""
    LOST = "lost"
    """The lease lapsed: another worker has the job, nothing said here counts any more."""
    HANDED_BACK = "handed_back"
    """This process is going away; the job returns to the front of the queue and loses no try."""
    TIMEOUT = "timeout"
    """It ran longer than a job may."""


class RetryLater(EaselError):
    """Raised by a task whose job should be tried again after `delay_s` seconds.

    It uses up one try, unless `burns_try` is False: then the world is at fault, such as a Discord that is away, and the
    task itself has to know when enough is enough.
    """

    def __init__(self, delay_s: float, reason: str = "", *, burns_try: bool = True) -> None:
        super().__init__(reason or f"try again in {delay_s:.0f} s")
        self.delay_s = delay_s
        self.burns_try = burns_try


class Lease:
    """The lease of one execution. `lost` is all a task needs to check before it writes anything.

    `model` is the job's model key, empty when it has none.
    """

    def __init__(
        self, queue: str, rq_id: str, job_id: JobId, execution: str, worker: str, timeout_s: float, model: str = ""
    ) -> None:
        self.queue = queue
        self.rq_id = rq_id
        self.job_id = job_id
        self.execution = execution
        self.worker = worker
        self.model = model
        self.deadline = time.monotonic() + timeout_s
        self.over = False
        """The task has returned or raised; what happens to the lease now no longer concerns it."""
        self._reason: Stop | None = None
        self._callbacks: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def key(self) -> tuple[str, str, str]:
        """What `exchange.delivery.enqueue_delivery` takes as its `lease`."""
        return self.queue, self.rq_id, self.execution

    @property
    def reason(self) -> Stop | None:
        """Why the job has to stop; None while it may run."""
        return self._reason

    @property
    def lost(self) -> bool:
        """True when another worker has the job."""
        return self._reason is Stop.LOST

    def stop(self, reason: Stop) -> None:
        """Ask the task to stop. The first reason stands, except that a lost lease outweighs everything."""
        with self._lock:
            first = self._reason is None
            if first or reason is Stop.LOST:
                self._reason = reason
            callbacks = list(self._callbacks) if first else []
        for callback in callbacks:
            callback()

    def end(self) -> None:
        """The task has returned or raised: it cannot be stopped any more, and what it waited for may go."""
        with self._lock:
            self.over = True
            self._callbacks.clear()

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Call `callback` from another thread when the job has to stop; at once when it already has to."""
        with self._lock:
            stopped = self._reason is not None
            if not stopped:
                self._callbacks.append(callback)
        if stopped:
            callback()


_current: ContextVar[Lease | None] = ContextVar("lease", default=None)


def current_lease() -> Lease | None:
    """The lease of the task that runs in this thread; None outside of one."""
    return _current.get()


def on_cancel(job_id: JobId, callback: Callable[[], None]) -> None:
    """Call `callback` when the running task of `job_id` has to stop, for any reason. Called by that task.

    Outside of a slot (a test, a script) nobody can stop the task, so nothing is registered.
    """
    lease = current_lease()
    if lease is None:
        return
    if lease.job_id != job_id:
        raise ValueError(f"the task of job {lease.job_id} cannot wait for the end of job {job_id}")
    lease.on_stop(callback)


@contextmanager
def held(lease: Lease) -> Iterator[None]:
    """`lease` is the current one inside the block."""
    token = _current.set(lease)
    try:
        yield
    finally:
        _current.reset(token)
