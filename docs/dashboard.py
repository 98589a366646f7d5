"""Writes dashboard.webp: the panels of monitoring/dashboard.json, from a house at work under a real Prometheus.

`python docs/dashboard.py [--minutes 4]` starts the house of the chaos suite with its metrics, lets people ask for
pictures, kills a worker in the middle, and puts every panel's own questions to Prometheus (which has to be installed).
Grafana draws the same panels from the same file; here a page with curves is drawn, which a browser photographs.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import io
import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image
from playwright.async_api import async_playwright

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from benchmarks.chaos.alerts import free_ports_in_a_row, prometheus  # noqa: E402  # after the path that leads to it
from benchmarks.chaos.command import conclude  # noqa: E402
from benchmarks.chaos.house import House  # noqa: E402
from benchmarks.chaos.nursery import Nursery  # noqa: E402
from benchmarks.chaos.storm import Storm  # noqa: E402
from benchmarks.chaos.tiny_model import write_tiny_model  # noqa: E402
from tests.sandbox.browsing import ARGUMENTS, CHROMIUM  # noqa: E402

PANELS: list[dict[str, Any]] = json.loads((HERE.parent / "monitoring" / "dashboard.json").read_text())["panels"]
WIDTH, HEIGHT = 420, 120
"""Pixels of one panel's curves."""
STEP_S = 5
BURST, BURST_EVERY_S = 18, 8.0
"""So many ask one after the other, and again after so long."""
COLOURS = (
    *("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9"),
    *("#8ab8ff", "#96d98d", "#ffb357", "#ff7383", "#ca95e5", "#fade2a"),
)

Series = list[tuple[str, list[tuple[float, float]]]]
"""The curves of a panel: what each is called, and its (time, value) pairs."""


async def run(data: Path, nursery: Nursery, minutes: float) -> dict[str, Any]:
    """The picture, and how many of the panels have something to show."""
    write_tiny_model(data / "model")
    async with House(data, nursery, metrics_port=free_ports_in_a_row(8)) as house, prometheus(data, house) as base:
        began = time.time()
        storm = Storm(house, 1)
        bursts = int(60 * minutes / BURST_EVERY_S)
        for burst in range(bursts):
            numbers = range(burst * BURST, (burst + 1) * BURST)
            for number in numbers:
                await storm.imagine_as(number % len(house.users), number)
            await asyncio.sleep(BURST_EVERY_S)
            if burst == bursts // 2:
                os.kill(next(one.pid for one in house.members if one.role == "worker"), signal.SIGKILL)
        async with aiohttp.ClientSession() as http:
            shown = [(panel, await _asked(http, base, panel, began)) for panel in PANELS]
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1360, "height": 600})
        await page.set_content(_page(shown))
        picture = await page.screenshot(full_page=True)
        await browser.close()
    Image.open(io.BytesIO(picture)).convert("RGB").save(HERE / "dashboard.webp", quality=80, method=6)
    return {"panels": len(shown), "empty": [panel["title"] for panel, series in shown if not series]}


async def _asked(http: aiohttp.ClientSession, base: str, panel: dict[str, Any], began: float) -> Series:
    series: Series = []
    for target in panel["targets"]:
        asked = {"query": target["expr"], "start": began, "end": time.time(), "step": STEP_S}
        async with http.get(f"{base}/query_range", params=asked) as answer:
            found = (await answer.json())["data"]["result"]
        for one in found:
            name = str(target["legendFormat"])
            for label, value in one["metric"].items():
                name = name.replace("{{" + label + "}}", value)
            points = [(float(at), float(value)) for at, value in one["values"] if value not in ("NaN", "+Inf")]
            if points:
                series.append((name, points))
    return series


def _page(shown: Sequence[tuple[dict[str, Any], Series]]) -> str:
    style = (
        "body{background:#111217;color:#ccccdc;font:12px sans-serif;margin:8px;"
        "display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:8px}"
        "section{background:#181b1f;border:1px solid #2c3235;padding:8px}h2{font-size:13px;margin:0}"
        "span{margin-right:9px;white-space:nowrap}p{margin:4px 0 0}"
    )
    return f"<style>{style}</style>" + "".join(_section(panel, series) for panel, series in shown)


def _section(panel: dict[str, Any], series: Series) -> str:
    unit = panel["fieldConfig"]["defaults"]["unit"]
    title = html.escape(panel["title"])
    if not series:
        return f"<section><h2>{title}</h2><p>No data</p></section>"
    top = max(value for _, points in series for _, value in points) or 1.0
    first = min(points[0][0] for _, points in series)
    last = max(points[-1][0] for _, points in series)
    curves, names = [], []
    for number, (name, points) in enumerate(series):
        colour = COLOURS[number % len(COLOURS)]
        places = " ".join(
            f"{(at - first) / max(1.0, last - first) * WIDTH:.1f},{(1 - value / top) * (HEIGHT - 4) + 2:.1f}"
            for at, value in points
        )
        curves.append(f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        names.append(f'<span><b style="color:{colour}">&#9473;</b> {html.escape(name)}</span>')
    return (
        f'<section><h2>{title} <small style="float:right">up to {_said(top, unit)}</small></h2>'
        f'<svg width="{WIDTH}" height="{HEIGHT}">{"".join(curves)}</svg><p>{" ".join(names)}</p></section>'
    )


def _said(value: float, unit: str) -> str:
    match unit:
        case "bytes":
            return f"{value / 2**30:.1f} GiB"
        case "s":
            return f"{value:.3g} s"
        case _:
            return f"{value:.3g}"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--json", action="store_true", help="only a JSON line")
    parser.add_argument("--keep", type=Path, help="keep logs and data in this folder (a short path)")
    options = parser.parse_args()
    return conclude(options, lambda data, nursery: run(data, nursery, options.minutes), lambda report: [])


if __name__ == "__main__":
    sys.exit(main())
