"""Where bots and workers are born during chaos: a process that has imported the libraries and forks the real programs.

A thousand restarts of an interpreter with torch would measure imports. What a child runs is the program's own `main`;
it has its own process group and no threads or connections from here. Orders are JSON lines `{"role", "environment",
"log"}`, answered by facts `{"born", "role"}` and `{"died", "status"}`.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import select
import signal
import sys
from dataclasses import dataclass
from typing import Any

PROGRAMS: dict[str, list[str]] = {
    "bot": [],
    "api": [],
    "worker": ["serve", "--device", "cpu"],
    "deliverer": ["deliver"],
}
WORKER_PARTS = (
    *("__main__", "delivery.ending", "delivery.discord", "delivery.poster"),
    *("pictures", "reading", "slots", "supervisor"),
)
"""What a worker process imports only once it runs."""


@dataclass(frozen=True)
class Nursery:
    """The forked process; `orders` and `facts` are this side's ends of its two pipes."""

    pid: int
    orders: int
    facts: int


def open_nursery() -> Nursery:
    """Import the libraries here, then fork. To be called while this process has one thread and has computed nothing."""
    _preload()
    theirs_in, orders = os.pipe()
    facts, theirs_out = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(orders)
        os.close(facts)
        _die_with_parent(signal.SIGTERM)
        try:
            _serve(theirs_in, theirs_out)
        finally:
            os._exit(0)
    os.close(theirs_in)
    os.close(theirs_out)
    return Nursery(pid, orders, facts)


def _serve(orders: int, facts: int) -> None:
    """Fork on request until the orders end, then end every child."""
    alive, wakeup = set[int](), os.pipe()
    os.set_blocking(wakeup[1], False)
    signal.set_wakeup_fd(wakeup[1])
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def say(fact: dict[str, Any]) -> None:
        os.write(facts, json.dumps(fact).encode() + b"\n")

    buffer = b""
    while True:
        readable, _, _ = select.select([orders, wakeup[0]], [], [], 1.0)
        if orders in readable:
            data = os.read(orders, 65536)
            if not data:
                break
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                order = json.loads(line)
                pid = _bear(order, (orders, facts, *wakeup))
                alive.add(pid)
                say({"born": pid, "role": order["role"]})
        if wakeup[0] in readable:
            os.read(wakeup[0], 4096)
        for pid in list(alive):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                alive.discard(pid)
                say({"died": pid, "status": os.waitstatus_to_exitcode(status)})
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _die_with_parent(number: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, number)  # PR_SET_PDEATHSIG: nothing stays behind


def _preload() -> None:
    for name in ("bot.process", "api.__main__", "model.tiny", *(f"worker.{part}" for part in WORKER_PARTS)):
        importlib.import_module(name)
    import diffusers
    import torch
    import transformers

    # Their classes are loaded at first use, which costs more than the modules themselves.
    _classes = (
        diffusers.AutoencoderKL,
        diffusers.UNet2DConditionModel,
        transformers.CLIPTextModel,
        transformers.CLIPTokenizer,
    )
    torch.set_num_threads(1)


def _bear(order: dict[str, Any], ours: tuple[int, ...]) -> int:
    pid = os.fork()
    if pid:
        return pid
    signal.set_wakeup_fd(-1)
    for descriptor in ours:
        os.close(descriptor)
    status = 1
    try:
        status = _live(order)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _live(order: dict[str, Any]) -> int:
    os.setsid()
    _die_with_parent(signal.SIGKILL)
    for restored in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(restored, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.update(order["environment"])
    sys.argv = [order["role"], *PROGRAMS[order["role"]]]
    if order["role"] == "bot":
        from bot.__main__ import main as bot_main

        return bot_main()
    if order["role"] == "api":
        from api.__main__ import main as api_main

        return api_main()
    from worker.__main__ import main as worker_main

    worker_main()
    return 0
