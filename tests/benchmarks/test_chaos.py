"""The short version of the chaos suite: real processes, six of them killed, every promise asked for."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_six_kills_lose_nothing_and_double_nothing() -> None:
    """Bot, API, workers, deliverer and Redis die under load; every accepted job ends once, with the right picture, for
    people and for programs."""
    command = [sys.executable, "-m", "benchmarks.chaos", "--kills", "6", "--seed", "6", "--json"]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr[-4000:]
    report = json.loads(finished.stdout.splitlines()[-1])
    assert report["kills"] == sum(report["kills_by_role"].values()) == 6
    assert report["accepted"] == report["delivered"] + report["failed_clearly"] >= 30
    assert report["programs"] > 0
    assert report["unanswered"] == report["forged"] == 0
    assert report["lost"] == report["doubled"] == report["wrong_picture"] == 0
    assert 4 * report["kills_in_flight"] >= report["kills"]
