"""Child processes: ready by a line of their own, failures in their own words, nothing left at the end."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from sandbox.processes import ChildFailed, Fact, Program


def program(folder: Path, script: str) -> Program:
    """A child that runs ``script``; it is ready once it has printed ``{"ready": …}``."""
    return Program("child", [sys.executable, "-u", "-c", script], dict(os.environ), folder / "child.log", is_ready)


def is_ready(line: Fact) -> bool:
    return "ready" in line


async def test_a_child_is_ready_by_its_line_and_its_output_is_logged(tmp_path: Path) -> None:
    """Other lines, JSON or not, are no sign; all of them are in the log."""
    noise = "print('starting'); print('{\"other\": 1}'); print('{broken'); print('[1]')"
    run = await program(tmp_path, noise + "; print('{\"ready\": 7}'); input()").start()
    assert await run.ready(30) == {"ready": 7}
    assert await run.ended() == 1, "standard input is closed, so input() fails"
    assert (tmp_path / "child.log").read_text().startswith('starting\n{"other": 1}\n{broken\n[1]\n{"ready": 7}\n')


async def test_a_child_that_ends_first_has_failed_with_the_end_of_its_log(tmp_path: Path) -> None:
    """What it said last, on either stream, is in the message."""
    run = await program(tmp_path, "import sys; print('the port is taken', file=sys.stderr); sys.exit(3)").start()
    with pytest.raises(ChildFailed, match="The child ended with status 3 instead of starting") as failure:
        await run.ready(30)
    assert "the port is taken" in str(failure.value)


async def test_a_silent_child_has_failed_when_its_time_is_over(tmp_path: Path) -> None:
    """It still runs then; stopping it is the caller's."""
    run = await program(tmp_path, "import time; time.sleep(60)").start()
    with pytest.raises(ChildFailed, match=r"not ready after 0\.05 seconds"):
        await run.ready(0.05)
    await run.stop(30)
    assert await run.ended() == -signal.SIGTERM


async def test_a_child_that_ignores_sigterm_is_killed_with_what_it_started(tmp_path: Path) -> None:
    """After the grace period nothing of its process group is left."""
    script = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"ready": %d}' % grandchild.pid)
signal.pause()
"""
    run = await program(tmp_path, script).start()
    grandchild = (await run.ready(30))["ready"]
    await run.stop(0.1)
    assert await run.ended() == -signal.SIGKILL
    async with asyncio.timeout(30):  # the kernel takes a moment to end what was killed
        while state(grandchild) not in (None, "Z"):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)


async def test_an_endless_line_does_not_stop_the_reading(tmp_path: Path) -> None:
    """A line beyond the limit is dropped; what follows it is read."""
    run = await program(tmp_path, "print('x' * 9_000_000); print('{\"ready\": 1}')").start()
    assert await run.ready(30) == {"ready": 1}
    await run.stop(5)


def state(pid: int) -> str | None:
    """The kernel's letter for a process (Linux), None when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return None
