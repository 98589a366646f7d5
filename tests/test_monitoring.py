"""Alert rules and dashboard speak of metrics that exist."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from benchmarks.chaos.disasters import Disasters
from exchange.connection import connect
from exchange.embedded import embedded
from exchange.metrics import Metrics
from monitoring.faults import FAULTS, document

FOLDER = Path(__file__).resolve().parent.parent / "monitoring"
RULES: list[dict[str, Any]] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((FOLDER / "dashboard.json").read_text())["panels"]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Every sample that a process may tell."""
    folder = tmp_path_factory.mktemp("redis")
    with embedded(folder, durable=False) as url:
        client: redis.Redis = connect(url)
        metrics = Metrics()
        metrics.watch_queues(client)
        metrics.watch_folder(folder)
        metrics.watch_weather()
        card = {"card_used_bytes": 1, "card_total_bytes": 2, "card_busy_percent": 3}
        metrics.watch_vitals(lambda: {**card, "memory_bytes": 4})
        found = set()
        for family in metrics.registry.collect():
            ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}[family.type]
            found |= {family.name + end for end in ends}
        client.close()
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_a_rule_asks_for_what_is_told(rule: dict[str, Any], names: set[str]) -> None:
    """And says what to do about it."""
    assert set(re.findall(r"easel_\w+", rule["expr"])) <= names
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["do"]
    assert rule["labels"]["severity"] in ("page", "warn")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_asks_for_what_is_told(panel: dict[str, Any], names: set[str]) -> None:
    """Each with a line at least."""
    assert panel["targets"]
    for target in panel["targets"]:
        assert set(re.findall(r"easel_\w+", target["expr"])) <= names


def test_every_fault_of_the_chaos_suite_has_an_alert() -> None:
    """Its disasters by their names, the deaths of all that it kills."""
    disasters = {name for name in vars(Disasters) if not name.startswith("_")} - {"rage"}
    assert disasters == {"full", "read_only", "no_rights", "no_store", "poison"}
    assert disasters | {"emptied", "kill redis", "kill bot", "kill worker"} <= set(FAULTS)
    assert {alert for alert, _ in FAULTS.values()} <= {rule["alert"] for rule in RULES}


def test_the_faults_are_written_down() -> None:
    """What promtool plays is what the table says."""
    assert (FOLDER / "alerts.test.yml").read_text(encoding="utf-8") == document(), "run `python -m monitoring.faults`"


@pytest.mark.skipif(shutil.which("promtool") is None and "CI" not in os.environ, reason="promtool is not installed")
@pytest.mark.parametrize("words", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts.test.yml"]])
def test_promtool_takes_the_rules_and_each_fault_raises_its_alert(words: list[str]) -> None:
    """Prometheus' own check; silent before a fault, firing within a minute after it began."""
    done = subprocess.run(["promtool", *words], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
