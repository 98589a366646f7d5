"""Being asked to end, and being asked once more."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
import redis

from worker.signals import LOOK_S, Signals
from worker.supervisor import Supervisor

TERM, INT = signal.SIGTERM, signal.SIGINT


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (TERM, INT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("supervised", "numbers", "hasty"),
    [
        (False, (TERM, TERM), True),
        (False, (INT, INT), True),
        (False, (TERM, INT), True),
        (True, (TERM, INT), True),
        (True, (INT, TERM), True),
        (True, (TERM, TERM), False),
        (True, (TERM, TERM, TERM), False),
        (True, (TERM, TERM, INT), True),
    ],
)
def test_a_second_signal_asks_for_haste(supervised: bool, numbers: tuple[int, ...], hasty: bool) -> None:
    """Of a supervised process it is SIGINT: systemd sends SIGTERM to all of a service, and so does the supervisor."""
    signals = Signals()
    for number in numbers:
        signal.raise_signal(number)
    signals.wait()
    waiting = threading.Thread(target=signals.wait_for_haste, kwargs={"supervised": supervised}, daemon=True)
    waiting.start()
    waiting.join(20 if hasty else 2 * LOOK_S)
    assert waiting.is_alive() is not hasty
    if not hasty:
        signal.raise_signal(INT)
        waiting.join(20)


def test_a_supervisor_asks_by_two_signals() -> None:
    """Two of one number at the same moment would be one, so a second Ctrl-C would be lost."""
    heard: list[int] = []
    supervisor = Supervisor(cast(redis.Redis, None), ["cpu"], lambda device: [sys.executable, "-c", ""], grace_s=20)
    child = SimpleNamespace(send_signal=heard.append, poll=lambda: 0 if len(heard) == 2 else None, pid=1)
    supervisor._children[0].process = cast("subprocess.Popen[bytes]", child)
    for number in (INT, INT, INT):
        supervisor._on_signal(number, None)
    assert supervisor._end() == 0
    assert heard == [TERM, INT]
