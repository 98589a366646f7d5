"""The pictures behind a job's links, fetched and decoded in a process of their own.

What strangers send is handled where it can do the least: the process holds no token and no address of Redis, has its
own limits of time and memory, and a cancel kills it, no matter what it is waiting for. It ends with its
one job. `python -m worker.reading` is that process: a JSON object on its standard input, pictures on its output.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from contract.errors import EaselError, Value
from contract.uploads import is_mask

DEADLINE_S = 20.0
"""For all links of a job together: their names, redirects and files."""
CPU_S = 15
"""Processor time for decoding them all."""
MEMORY_BYTES = 1024 * 1024 * 1024
_NICENESS = 10
"""Reading yields to drawing where both want the same processor."""
_SPARE_S = 20.0
"""Beyond deadline and processor time the process has hung, or the machine is far too busy."""
_PASSED_ON = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH")
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}

_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)

Pixels = NDArray[np.uint8]


class LinkUnreadable(EaselError):
    """The picture behind one of the links cannot be had: which one, and why (as `worker.fetching.LinkRefused`)."""

    def __init__(self, link: str, reason: str, **values: Value) -> None:
        super().__init__(f"{link}: {reason}")
        self.link = link
        self.reason = reason
        self.values = values


class ReadingStopped(EaselError):
    """The reading was cancelled."""


class ReadingFailed(EaselError):
    """The process broke: nobody's link is at fault."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What the process is asked. `files` are those that need not be fetched, in base64, by link; `trusted` and
    `contact` as in `worker.fetching.fetch`."""

    links: tuple[str, ...]
    files: Mapping[str, str]
    trusted: tuple[str, ...]
    contact: str
    deadline_s: float
    cpu_s: int
    memory_bytes: int


class Reading:
    """One job's links on their way to pictures. `result` waits for them; `cancel` ends the waiting, from any thread."""

    def __init__(
        self,
        links: Sequence[str],
        files: Mapping[str, bytes] = MappingProxyType({}),
        *,
        trusted: Collection[str] = (),
        contact: str = "",
        deadline_s: float = DEADLINE_S,
        cpu_s: int = CPU_S,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        known = {link: base64.b64encode(file).decode() for link, file in files.items()}
        self._request = _Request(tuple(links), known, tuple(trusted), contact, deadline_s, cpu_s, memory_bytes)
        self._cancelled = threading.Event()
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | _ONE_THREAD
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.reading"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        with contextlib.suppress(OSError):  # a courtesy, where the system grants it
            os.setpriority(os.PRIO_PROCESS, self._process.pid, _NICENESS)

    @property
    def pid(self) -> int:
        """The process that reads."""
        return self._process.pid

    def cancel(self) -> None:
        """Kill the process. Harmless to repeat, also when it has ended."""
        self._cancelled.set()
        self._process.kill()

    def result(self) -> list[Pixels]:
        """The pictures in the order of the links, (H, W, 3) each.

        LinkUnreadable for the first one that cannot be had; ReadingStopped after `cancel`.
        """
        request = self._request
        try:
            with self._process:
                try:
                    output, _ = self._process.communicate(
                        json.dumps(asdict(request)).encode(), timeout=request.deadline_s + request.cpu_s + _SPARE_S
                    )
                except subprocess.TimeoutExpired:
                    output = b""
                finally:
                    self._process.kill()
        except BrokenPipeError:  # killed before it had read its orders
            output = b""
        if self._cancelled.is_set():
            raise ReadingStopped("cancelled while its links were read")
        return _pictures(output, request.links, self._process.returncode)


def _pictures(output: bytes, links: Sequence[str], status: int) -> list[Pixels]:
    """What the process has written: for each link a line of JSON, with the bytes of its picture behind it."""
    pictures: list[Pixels] = []
    position = 0
    while len(pictures) < len(links):
        end = output.find(b"\n", position)
        if end < 0:
            if status not in _OUT_OF_TIME:
                raise ReadingFailed(f"the process that reads links ended with status {status}")
            raise LinkUnreadable(links[len(pictures)], "too_slow_to_read")
        answer = json.loads(output[position:end])
        if "reason" in answer:
            raise LinkUnreadable(links[answer["link"]], answer["reason"], **answer["values"])
        height, width = answer["height"], answer["width"]
        start, position = end + 1, end + 1 + height * width * 3
        pictures.append(np.frombuffer(output[start:position], np.uint8).reshape(height, width, 3))
    return pictures


# ── inside the process ──────────────────────────────────────────────────────────────────────────────────────────────


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Read one request from `source` and write its pictures to `sink`, within the limits it names."""
    request = _Request(**json.loads(source.read()))
    with contextlib.suppress(ValueError, OSError):  # macOS knows this limit and does not take it
        resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_s, request.cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from worker.decoding import decode_mask, decode_picture
    from worker.fetching import LinkRefused

    loop = asyncio.new_event_loop()
    number = 0
    try:
        for link, file in zip(request.links, loop.run_until_complete(_fetch_all(request)), strict=True):
            picture = decode_mask(file) if is_mask(link) else decode_picture(file)
            height, width, _ = picture.shape
            _write(sink, {"height": height, "width": width}, picture.tobytes())
            number += 1
    except _Unfetched as error:
        _write(sink, {"link": error.number, "reason": error.reason, "values": error.values})
    except LinkRefused as error:
        _write(sink, {"link": number, "reason": error.reason, "values": error.values})
    except MemoryError:
        _write(sink, {"link": number, "reason": "too_much_memory", "values": {}})


class _Unfetched(EaselError):
    def __init__(self, number: int, reason: str, **values: Value) -> None:
        super().__init__(reason)
        self.number = number
        self.reason = reason
        self.values = values


async def _fetch_all(request: _Request) -> list[bytes]:
    """The files behind all links, side by side, within the one deadline. _Unfetched for the first that fails."""
    known = {link: base64.b64decode(file) for link, file in request.files.items()}
    from worker.fetching import LinkRefused, fetch

    tasks = {
        link: asyncio.create_task(fetch(link, request.trusted, contact=request.contact))
        for link in dict.fromkeys(request.links)
        if link not in known
    }
    if not tasks:
        return [known[link] for link in request.links]
    await asyncio.wait(tasks.values(), timeout=request.deadline_s, return_when=asyncio.FIRST_EXCEPTION)
    # A refusal before a silence: those that still wait may do so only because another one was refused.
    for number, link in enumerate(request.links):
        if link in tasks and tasks[link].done() and isinstance(error := tasks[link].exception(), LinkRefused):
            raise _Unfetched(number, error.reason, **error.values)
    for number, link in enumerate(request.links):
        if link in tasks and not tasks[link].done():
            raise _Unfetched(number, "too_slow", limit_s=request.deadline_s)
    return [known[link] if link in known else tasks[link].result() for link in request.links]


def _write(sink: BinaryIO, header: dict[str, object], body: bytes = b"") -> None:
    sink.write(json.dumps(header).encode() + b"\n" + body)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
    sys.stdout.flush()
    os._exit(0)  # a name that is still being looked up would keep its thread, and with it the process, for a minute
