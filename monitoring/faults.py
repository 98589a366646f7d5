"""Writes alerts.test.yml: every fault of the chaos suite as the metrics show it, and the alert that has to fire.

`promtool test rules monitoring/alerts.test.yml` plays them. A fault begins at the second minute; its alert has to fire
within `WITHIN_S` after that, and not before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
SCRAPE_S, EVALUATED_S, WITHIN_S, BEGINS_S = 15, 5, 60, 120
BEFORE = BEGINS_S // SCRAPE_S
HEALTHY = f"0x{BEFORE}"

FAULTS: dict[str, tuple[str, dict[str, str]]] = {
    # disasters of benchmarks/chaos: what each makes of the metrics
    "full": ("EaselBadWeather", {'easel_bad_weather_seconds{what="Redis"}': f"_x{BEFORE} 1+15x20"}),
    "read_only": ("EaselBadWeather", {'easel_bad_weather_seconds{what="Redis"}': f"_x{BEFORE} 1+15x20"}),
    "no_rights": ("EaselBadWeather", {'easel_bad_weather_seconds{what="Redis"}': f"_x{BEFORE} 1+15x20"}),
    "no_store": ("EaselBadWeather", {'easel_bad_weather_seconds{what="the image store"}': f"_x{BEFORE} 1+15x20"}),
    "poison": ("EaselEntriesPutAside", {'easel_recovered_total{what="put_aside"}': f"{HEALTHY} 4x20"}),
    "emptied": ("EaselJobsVanish", {'easel_recovered_total{what="vanished"}': f"{HEALTHY} 12x20"}),
    # its kills
    "kill redis": ("EaselRedisAway", {"easel_redis_up": f"1x{BEFORE} 0x20"}),
    "kill bot": ("EaselProcessDown", {'up{job="easel", instance="bot:9100"}': f"1x{BEFORE} 0x20"}),
    "kill bot with a job": ("EaselBotDied", {'easel_recovered_total{what="unanswered"}': f"{HEALTHY} 1x20"}),
    "kill worker": ("EaselProcessDown", {'up{job="easel", instance="gpu:9101"}': f"1x{BEFORE} 0x20"}),
    "kill worker with a job": ("EaselWorkersDie", {'easel_recovered_total{what="lapsed"}': f"{HEALTHY} 3x20"}),
    "kill every worker": ("EaselNoWorker", {"easel_workers": f"2x{BEFORE} 0x20"}),
    # what an operator meets beside them
    "a device that keeps dying": ("EaselDeviceLeftAlone", {"easel_devices_left_alone": f"{HEALTHY} 1x20"}),
    "a model that keeps failing": ("EaselModelRefused", {"easel_workers_refusing": f"{HEALTHY} 1x20"}),
    "discord away": ("EaselNothingDelivered", {'easel_queue_oldest_seconds{queue="deliver"}': f"{HEALTHY} 15+15x20"}),
    "jobs fail": (
        "EaselJobsFail",
        {
            'easel_jobs_failed_total{error="job_failed", model="m"}': f"{HEALTHY} 5+5x20",
            'easel_jobs_accepted_total{kind="imagine", model="m"}': "0+5x40",
        },
    ),
    "a full disk": ("EaselStoreFull", {"easel_store_free_bytes": f"9e9x{BEFORE} 1e9x20"}),
}


def tests() -> list[dict[str, Any]]:
    """One test a fault: silent before it begins, firing a minute after."""
    found = []
    for name, (alert, series) in FAULTS.items():
        [labels] = [_labels(alert, one) for one in list(series)[:1]]
        silent = {"eval_time": f"{BEGINS_S - SCRAPE_S}s", "alertname": alert, "exp_alerts": []}
        firing = {"eval_time": f"{BEGINS_S + WITHIN_S}s", "alertname": alert, "exp_alerts": [labels]}
        values = [{"series": one, "values": shape} for one, shape in series.items()]
        if alert != "EaselNoWorker":
            values.append({"series": "easel_workers", "values": "2x40"})
        found.append(
            {"name": name, "interval": f"{SCRAPE_S}s", "input_series": values, "alert_rule_test": [silent, firing]}
        )
    return found


def _labels(alert: str, series: str) -> dict[str, Any]:
    """What the alert carries: its severity, and what its rule keeps of the series."""
    rules = yaml.safe_load((HERE / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    rule = next(rule for rule in rules if rule["alert"] == alert)
    inner = series.partition("{")[2].rstrip("}")
    parts = [part.strip().partition("=") for part in inner.split(",") if part]
    own = {name: value.strip('"') for name, _, value in parts}
    aggregated = {"max(", "sum(", "min("} & {rule["expr"][:4]}
    by = rule["expr"].partition("max by (")[2].partition(")")[0]
    kept = {} if aggregated else own if not by else {by: own[by]}
    annotations = {name: _filled(text, own) for name, text in rule["annotations"].items()}
    return {"exp_labels": {**kept, **rule["labels"]}, "exp_annotations": annotations}


def _filled(text: str, labels: dict[str, str]) -> str:
    for name, value in labels.items():
        text = text.replace("{{ $labels." + name + " }}", value)
    return text


def document() -> str:
    """The file."""
    head = "# Written by `python -m monitoring.faults`; a test holds it against that.\n"
    body = {"rule_files": ["alerts.yml"], "evaluation_interval": f"{EVALUATED_S}s", "tests": tests()}
    return head + yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    (HERE / "alerts.test.yml").write_text(document(), encoding="utf-8")
