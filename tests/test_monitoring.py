"""Alert rules and dashboard speak of metrics that exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from exchange.connection import connect
from exchange.embedded import embedded
from exchange.metrics import Metrics

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


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed here")
def test_promtool_takes_the_rules() -> None:
    """Prometheus' own check, where it is installed."""
    subprocess.run(["promtool", "check", "rules", str(FOLDER / "alerts.yml")], check=True, capture_output=True)
