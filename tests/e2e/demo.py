"""The demo as its users start it: ``python -m sandbox demo --json``, in a process of its own."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_WITHIN_S = 240.0
STOP_WITHIN_S = 60.0


class Demo:
    """One data folder and the demo that runs on it; ``facts`` is the JSON line it printed when it was ready."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.facts: dict[str, Any] = {}
        self._process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> None:
        """Start it and wait until it is ready. RuntimeError with its own words if it is not."""
        self._process = launch(self.data, *arguments)
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], START_WITHIN_S)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            self._process.terminate()
            _, words = self._process.communicate(timeout=STOP_WITHIN_S)
            raise RuntimeError(f"the demo did not become ready:\n{words}")
        self.facts = json.loads(line)

    def stop(self) -> int:
        """SIGTERM, as a service manager sends it; the exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=STOP_WITHIN_S)
        return self._process.returncode

    @property
    def pids(self) -> dict[str, int]:
        """The processes as first started, by name."""
        pids: dict[str, int] = self.facts["pids"]
        return pids

    def log(self, name: str) -> str:
        """What a process has printed so far."""
        return (self.data / "logs" / f"{name}.log").read_text()

    def times_ready(self, name: str) -> int:
        """How often the process of this name has said that it is ready since the demo was started."""
        lines = (line for line in self.log(name).splitlines() if line.startswith("{"))
        return sum(json.loads(line).get("event") == "ready" for line in lines)

    def survivors(self) -> list[str]:
        """Command lines of processes that have to do with this data folder and still run."""
        return [line for line in _command_lines() if str(self.data) in line]


def launch(data: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start the demo on any free port, without the settings of the shell that runs the tests."""
    ours = ("DISCORD_", "REDIS_URL", "IMAGE_STORE", "LOG_FORMAT")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "sandbox", "demo", "--json", "--port", "0", "--data", str(data), *arguments]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def wait_until(condition: Any, what: str, timeout_s: float = 30.0) -> None:
    """Look every tenth of a second until ``condition()`` holds, for what gives no event."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.1)


def _command_lines() -> list[str]:
    """Command line and environment of every process (Linux), as one line each."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
            environment = (folder / "environ").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue  # it has ended, or belongs to somebody else
        if command:
            lines.append(f"{command.decode(errors='replace')} | {environment.decode(errors='replace')}")
    return lines
