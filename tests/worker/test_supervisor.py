"""The supervisor: which devices it serves, how it restarts what dies, how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from exchange import keys
from exchange.connection import connect
from exchange.status import describe_status, read_status
from tests.exchange.jobs import job
from tests.worker.test_slots import LONG, Bench
from worker import supervisor
from worker.supervisor import Child, NoSuchDevice, Supervisor, devices

ROOT = Path(__file__).parents[2]

PROGRAM = """
import sys
from exchange.connection import connect
from worker.supervisor import Supervisor
url = sys.argv[1]
command = [sys.executable, "-m", "tests.worker.slot_tasks", url, "2", "600"]
sys.exit(Supervisor(connect(url), ["cpu"], lambda device: command, grace_s=20).run())
"""


def test_cpu_is_one_child_without_a_gpu() -> None:
    """It needs no tool to find that out."""
    assert devices("cpu") == ["cpu"]


def test_gpus_are_chosen_by_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """`all` is all that are visible, twice the same is once."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,3")
    assert devices("all") == ["0", "1", "3"]
    assert devices("3,0,3") == ["3", "0"]


@pytest.mark.parametrize(("gpus", "words"), [("2", "present: 0, 1"), ("first", "'first'"), ("0,7", "no GPU 7")])
def test_a_missing_gpu_is_named(monkeypatch: pytest.MonkeyPatch, gpus: str, words: str) -> None:
    """The sentence says what was wrong and what there is."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    with pytest.raises(NoSuchDevice, match=words):
        devices(gpus)


def test_no_gpu_at_all_points_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer without a card is told what runs."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(NoSuchDevice, match="--gpus cpu"):
        devices("all")


def test_a_child_that_keeps_dying_is_left_alone(client: redis.Redis) -> None:
    """Pauses double, and the fifth death within the window opens the breaker."""
    watched = Supervisor(client, ["cpu"], lambda device: [sys.executable, "-c", "raise SystemExit(3)"])
    child, now, pauses = Child("cpu"), 1000.0, []
    for _ in range(5):
        watched._start(child, now)
        assert child.process is not None
        assert child.process.wait(60) == 3
        watched._bury(child, now)
        pauses.append(child.due - now)
    assert pauses[:4] == pytest.approx([0.4, 0.8, 1.6, 3.2])
    assert pauses[4] == supervisor.BREAKER_PAUSE_S


def test_a_dead_childs_jobs_run_again_at_once(redis_url: str, client: redis.Redis) -> None:
    """kill -9 of the child: the supervisor ends its leases and starts another, long before the lease would lapse."""
    bench = Bench(redis_url, client)
    parent = subprocess.Popen([sys.executable, "-c", PROGRAM, redis_url], cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        bench.submit(job(), orders=LONG)
        bench.until(lambda: client.llen("runs") == 1)
        bench.until(lambda: client.keys("easel:node:*"))
        (node,) = client.keys("easel:node:*")
        client.hset("script", job().id, "")
        os.kill(int(client.hget(node, "pid") or 0), signal.SIGKILL)
        bench.until(bench.delivered, within_s=60)  # a lease lasts 600 s here
        assert bench.delivered() == [f"{job().id} done"]
        parent.terminate()
        assert parent.wait(60) == 0
        assert client.scard("rq:workers") == 0
    finally:
        parent.kill()
        parent.wait()


def test_a_command_ends_the_pause_of_a_device(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that was left alone is started again when an operator says so, and `status` says how until then."""
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr(supervisor, "RESUME_LOOK_S", 0.0)
    watched = Supervisor(client, ["cpu"], lambda device: [sys.executable, "-c", "raise SystemExit(3)"])
    child = watched._children[0]
    for _ in range(supervisor.BREAKER_FAULTS):
        watched._start(child, time.monotonic())
        assert child.process is not None
        child.process.wait(60)
        watched._bury(child, time.monotonic())
    watched._tend(child)
    assert child.process is None
    assert "easel reset-breaker" in describe_status(read_status(client))
    client.incr(keys.resumed())
    watched._tend(child)
    assert child.process is not None
    child.process.wait(60)
    assert "easel reset-breaker" not in describe_status(read_status(client))


def test_children_follow_a_dead_supervisor(redis_url: str) -> None:
    """A worker without its supervisor drains, so that two never share one GPU."""
    program = (
        "import subprocess, sys\n"
        "child = 'import signal; from worker.supervisor import follow_parent; follow_parent(); "
        'print("ready", flush=True); signal.pause()\'\n'
        "process = subprocess.Popen([sys.executable, '-c', child])\n"
        "print(process.pid, flush=True)\n"
        "process.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "ready\n"
    parent.kill()
    parent.wait()
    bench = Bench(redis_url, connect(redis_url))
    bench.until(lambda: not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2])
    parent.stdout.close()
    bench.client.close()
