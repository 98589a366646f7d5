"""Child processes that are kept running: started together, known to be ready by a line they print, ended together."""

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Fact = dict[str, Any]
Ready = Callable[[Fact], bool]

LINE_BYTES = 4 * 1024 * 1024
TAIL_LINES = 20


class ChildFailed(Exception):
    """A child did not become ready. The message is a sentence for people, followed by the end of the child's log."""


def _die_with_parent() -> None:
    """Ask Linux to end this process when the launcher is killed: nothing may stay behind, whatever happens to it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1 is PR_SET_PDEATHSIG


@dataclass(frozen=True)
class Program:
    """What to start: a command line, its environment, where its output goes, and which JSON line says that it is up."""

    name: str
    argv: list[str]
    environment: dict[str, str]
    log: Path
    is_ready: Ready

    async def start(self) -> "Run":
        """Start it; it becomes ready later. Its own session keeps the terminal's Ctrl-C away from it, because the
        launcher decides the order in which things end."""
        process = await asyncio.create_subprocess_exec(
            *self.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment,
            limit=LINE_BYTES,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        return Run(self, process)


class Run:
    """One run of a program, from its start to its end."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self.pid = process.pid
        self._process = process
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._fact: asyncio.Future[Fact] = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read())
        self._end = asyncio.create_task(self._wait())

    async def ready(self, timeout_s: float) -> Fact:
        """The ready line. ChildFailed when the program ends or stays silent for ``timeout_s`` instead."""
        futures: set[asyncio.Future[Any]] = {self._fact, self._end}
        await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if self._fact.done():
            return self._fact.result()
        name, status = self.program.name, self._process.returncode
        if status is None:
            raise ChildFailed(f"The {name} was not ready after {timeout_s:g} seconds.{self._end_of_log()}")
        raise ChildFailed(f"The {name} ended with status {status} instead of starting.{self._end_of_log()}")

    async def ended(self) -> int:
        """Wait for the end; the exit status."""
        return await asyncio.shield(self._end)

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, ``grace_s`` to finish, then SIGKILL to it and to all that it has started."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            await asyncio.wait({self._end}, timeout=grace_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        await self._end

    async def _wait(self) -> int:
        status = await self._process.wait()
        # A grandchild may still hold the pipe, so the rest of the output is waited for only briefly.
        await asyncio.wait({self._reader}, timeout=1)
        self._reader.cancel()
        return status

    async def _read(self) -> None:
        assert self._process.stdout is not None
        with self.program.log.open("ab", buffering=0) as log:
            while True:
                try:
                    line = await self._process.stdout.readline()
                except ValueError:  # a line beyond the limit: readline has dropped it
                    continue
                if not line:
                    return
                log.write(line)
                text = line.decode(errors="replace").rstrip()
                self._tail.append(text)
                self._look(text)

    def _look(self, text: str) -> None:
        if self._fact.done() or not text.startswith("{"):
            return
        try:
            fact = json.loads(text)
        except ValueError:
            return
        if isinstance(fact, dict) and self.program.is_ready(fact):
            self._fact.set_result(fact)

    def _end_of_log(self) -> str:
        return "".join(f"\n  {line}" for line in ["", f"The end of {self.program.log}:", *self._tail])
