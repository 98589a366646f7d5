"""One child process per GPU, restarted with back-off; a dead child's jobs run again at once, not when leases lapse.

The supervisor loads no model, so it cannot hang or run out of memory with one. A child that dies five times within ten
minutes is left alone for five, or until an operator says `easel reset-breaker`: a circuit breaker, so that a broken
card does not eat every job's tries.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from types import FrameType

import redis
import structlog

from contract.errors import EaselError
from exchange import keys
from exchange.settings import SettingsError
from worker.recovery import bury, unique_name

BACKOFF_S = (0.2, 30.0)
"""Shortest and longest pause before a child starts again; it doubles with each early death."""
STEADY_S = 30.0
"""A child that lived this long starts again after the shortest pause."""
BREAKER_FAULTS = 5
BREAKER_WINDOW_S = 600.0
BREAKER_PAUSE_S = 300.0
RESUME_LOOK_S = 1.0
GRACE_S = 60.0
LOOK_S = 0.05
KILL_AFTER_S = 20.0
"""Beyond the grace period: a child that is still there then is stuck."""

NAME_VARIABLE = "EASEL_WORKER_NAME"
"""Tells a child what to call itself, so that its leases can be found when it has died."""
DEVICE_VARIABLE = "EASEL_WORKER_DEVICE"
"""Tells a child which of the host's devices is its own."""

EXIT_CONFIGURATION = 2
EXIT_HOPELESS = 78
"""What a child exits with when starting it again cannot help, for want of a model: `EX_CONFIG` of sysexits.h."""

log = structlog.get_logger(__name__)


class NoSuchDevice(EaselError):
    """`--gpus` names something that is not here; the text says what is."""


@dataclass
class Child:
    """One device and the process that serves it."""

    device: str
    process: subprocess.Popen[bytes] | None = None
    name: str = ""
    """What its process calls itself: new at each start."""
    born: float = 0.0
    due: float = 0.0
    pause_s: float = BACKOFF_S[0]
    resumes: bytes | str | None = None
    """While it is left alone: what `easel:resumed` was when that began."""
    left_alone: bool = False
    faults: deque[float] = field(default_factory=deque)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None


def devices(gpus: str) -> list[str]:
    """What `--gpus` means: `cpu`, `all`, or indices such as `0,1`. NoSuchDevice when they are not there,
    SettingsError for a CUDA_VISIBLE_DEVICES that names none."""
    if gpus == "cpu":
        return ["cpu"]
    present = _gpu_indices()
    if gpus == "all":
        if not present:
            raise NoSuchDevice("no GPU was found (nvidia-smi lists none); `--gpus cpu` runs without one")
        return present
    wanted = [index.strip() for index in gpus.split(",")]
    if not all(index.isdigit() for index in wanted):
        raise NoSuchDevice(f"--gpus takes all, cpu or indices such as 0,1, not {gpus!r}")
    if missing := sorted(set(wanted) - set(present)):
        raise NoSuchDevice(f"there is no GPU {', '.join(missing)}; present: {', '.join(present) or 'none'}")
    return list(dict.fromkeys(wanted))


ASKING = (signal.SIGTERM, signal.SIGINT)
"""What children get when the supervisor is asked to end, and asked once more."""


class Supervisor:
    """Runs `command(device)` once per device until SIGTERM or SIGINT; at a second signal children hand back at once.

    They are asked by SIGTERM first and by SIGINT then (`worker.signals`).
    """

    def __init__(
        self,
        client: redis.Redis,
        gpus: Sequence[str],
        command: Callable[[str], Sequence[str]],
        *,
        grace_s: float = GRACE_S,
    ) -> None:
        self._redis = client
        self._children = [Child(device) for device in gpus]
        self._command = command
        self._grace_s = grace_s
        self._asked = 0  # signals that asked to stop; a handler must not touch a lock, so it only counts
        self._hopeless = False
        self._next_look = 0.0

    def run(self) -> int:
        """Serve until told to stop; 0 when all children ended by themselves, 1 when one had to be killed.

        2 when a child said that it can never start (EXIT_HOPELESS): what it lacks, all of them lack.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        while not self._asked:
            for child in self._children:
                self._tend(child)
            time.sleep(LOOK_S)
        status = self._end()
        return EXIT_CONFIGURATION if self._hopeless else status

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.alive:
            return
        if child.process is not None:
            self._bury(child, now)
        elif now >= child.due or (child.left_alone and self._resumed(child, now)):
            self._start(child, now)

    def _start(self, child: Child, now: float) -> None:
        child.left_alone = False
        environment = dict(os.environ)
        environment["CUDA_VISIBLE_DEVICES"] = "" if child.device == "cpu" else child.device
        # A group of its own: Ctrl-C in a terminal reaches the supervisor only, which then asks once.
        child.name = unique_name()
        environment[NAME_VARIABLE] = child.name
        environment[DEVICE_VARIABLE] = child.device
        child.process = subprocess.Popen(
            [*self._command(child.device)], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
        )
        child.born = now
        log.info("child started", device=child.device, pid=child.process.pid)

    def _bury(self, child: Child, now: float) -> None:
        assert child.process is not None
        pid, status = child.process.pid, child.process.returncode
        child.process = None
        steady = now - child.born > STEADY_S
        child.pause_s = BACKOFF_S[0] if steady or status == 0 else min(child.pause_s * 2, BACKOFF_S[1])
        child.due = now + child.pause_s
        if status != 0:
            child.faults.append(now)
        while child.faults and now - child.faults[0] > BREAKER_WINDOW_S:
            child.faults.popleft()
        if len(child.faults) >= BREAKER_FAULTS:
            child.due = now + BREAKER_PAUSE_S
            child.faults.clear()
            log.critical("the device keeps failing, leaving it alone", device=child.device, pause_s=BREAKER_PAUSE_S)
            self._leave_alone(child)
        if status == EXIT_HOPELESS:
            self._hopeless = True
            self._asked += 1
        leases = self._release(child)
        log.error("child died", device=child.device, pid=pid, status=status, leases_released=leases)

    def _leave_alone(self, child: Child) -> None:
        """For `status` to show, and for `resume` to end."""
        child.left_alone, child.resumes, self._next_look = True, None, 0.0
        name = f"{socket.gethostname()}-device-{child.device}"
        words = f"left alone after {BREAKER_FAULTS} deaths; `easel reset-breaker` starts it again at once"
        with suppress(redis.exceptions.RedisError):
            child.resumes = self._redis.get(keys.resumed())
            self._redis.hset(keys.node(name), mapping={"name": name, "state": words})
            self._redis.expire(keys.node(name), int(BREAKER_PAUSE_S))

    def _resumed(self, child: Child, now: float) -> bool:
        """Whether an operator said that it is mended."""
        if now < self._next_look:
            return False
        self._next_look = now + RESUME_LOOK_S
        try:
            if self._redis.get(keys.resumed()) == child.resumes:
                return False
            self._redis.delete(keys.node(f"{socket.gethostname()}-device-{child.device}"))
        except redis.exceptions.RedisError:
            return False
        log.info("the device is tried again: an operator asked for it", device=child.device)
        return True

    def _release(self, child: Child) -> int | None:
        try:
            return bury(self._redis, child.name)
        except redis.exceptions.RedisError as error:
            log.warning("could not release a dead child's leases, they will lapse", error=str(error))
            return None

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked += 1

    def _end(self) -> int:
        """Pass on the first signal and, if there is one, the second; kill what has not ended when the time is up."""
        deadline = time.monotonic() + self._grace_s + KILL_AFTER_S
        passed_on = 0
        while (running := [child for child in self._children if child.alive]) and time.monotonic() < deadline:
            for number in ASKING[passed_on : self._asked]:
                passed_on += 1
                for child in running:
                    assert child.process is not None
                    child.process.send_signal(number)
            time.sleep(LOOK_S)
        for child in running:
            assert child.process is not None
            log.error("child is stuck, killing it", device=child.device, pid=child.process.pid)
            child.process.kill()
            child.process.wait()
            self._release(child)
        return 1 if running else 0


def follow_parent() -> None:
    """Ask this process to drain (SIGTERM) when its supervisor dies: nobody would restart it or bury its leases."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        log.warning("the supervisor is gone, draining")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


def _gpu_indices() -> list[str]:
    """The GPUs that this process may use, as CUDA counts them."""
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if allowed is not None:
        names = [name.strip() for name in allowed.split(",") if name.strip()]
        return [_index_of(name) for name in takewhile(lambda name: not name.startswith("-"), names)]  # as CUDA reads it
    return [index for index in _listed("index") if index.isdigit()]


def _index_of(name: str) -> str:
    """The GPU that CUDA_VISIBLE_DEVICES names by its index, or by the beginning of its UUID. SettingsError."""
    if name.isdigit():
        return name
    of_name = [index for index, uuid in zip(_listed("index"), _listed("uuid"), strict=False) if uuid.startswith(name)]
    if len(of_name) != 1 or not name.startswith("GPU-"):
        raise SettingsError(
            f"CUDA_VISIBLE_DEVICES names {name!r}, which is no GPU of this host: it holds indices such as 0,1 or UUIDs "
            "such as GPU-8932f937; unset it for all."
        )
    return of_name[0]


def _listed(what: str) -> list[str]:
    """One fact of each GPU, as the driver's tool shows it; empty without one."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    query = [tool, f"--query-gpu={what}", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return [line.strip() for line in listed.stdout.splitlines() if line.strip()]
