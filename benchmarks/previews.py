"""`python -m benchmarks.previews --json`: how much the pictures that people see on the way are like the finished ones.

Bot, worker with the default model, Redis and sandbox are those of `benchmarks.acknowledge`. Every file that the bot
puts into a waiting message is taken as it stands there, with the percent beside it, and compared with the grid that was
posted in the end: correlation over all pixels and colours, both at the size of the grid.
"""

import asyncio
import io
import re
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.acknowledge import Crowd, programs
from benchmarks.chaos.house import found_world
from benchmarks.measure import arguments, report, rounded
from exchange.embedded import embedded
from sandbox.core import Sandbox
from sandbox.server import running

PROMPTS = (
    "a red fox in the snow",
    "a blue whale",
    "a green apple on a plate",
    "a yellow sunflower",
    "a purple butterfly",
    "a pizza",
    "a black cat at night",
    "a lighthouse by the sea",
)
LATE = 85
"""Percent from which a preview should be nearly the picture. Eight steps have one at 87 and one at 99."""
LONGEST_S = 120.0

Picture = NDArray[np.uint8]


class Watcher:
    """What stood in the channel: previews by job and percent, grids by job."""

    def __init__(self, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
        self.previews: defaultdict[str, dict[int, bytes]] = defaultdict(dict)
        self.grids: dict[str, bytes] = {}
        self._http = http
        self._taken: set[asyncio.Task[None]] = set()
        exchange = sandbox.record.exchange

        def noted(entry: dict[str, Any]) -> None:
            shown = entry["response"]
            if entry["files"] and isinstance(shown, dict) and shown.get("attachments"):
                task = asyncio.create_task(self._take(shown["content"], shown["attachments"][0]))
                self._taken.add(task)
                task.add_done_callback(self._taken.discard)
            exchange(entry)

        sandbox.record.exchange = noted  # type: ignore[method-assign]

    async def _take(self, content: str, attachment: dict[str, Any]) -> None:
        async with self._http.get(attachment["url"]) as answer:
            file = await answer.read()
        percent = re.search(r"\((\d+)%\)", content)
        job = re.search(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", attachment["filename"])
        assert job is not None, "every file names its job"
        if percent is None:
            self.grids[job[0]] = file
        else:
            self.previews[job[0]][int(percent[1])] = file


def likeness(preview: bytes, grid: bytes) -> float:
    """The correlation of two files' pixels."""
    with Image.open(io.BytesIO(grid)) as image:
        right = np.asarray(image.convert("RGB"), float)
    with Image.open(io.BytesIO(preview)) as image:
        seen = np.asarray(image.convert("RGB").resize(right.shape[1::-1], Image.Resampling.BICUBIC), float)
    return float(np.corrcoef(seen.ravel(), right.ravel())[0, 1])


async def measure(data: Path) -> dict[str, Any]:
    """All of it, as the JSON line has it."""
    person, *_ = found_world(data / "sandbox")
    with embedded(data / "redis") as redis_url:
        async with running(0, data / "sandbox") as sandbox, programs(sandbox, redis_url, data, yielding=False):
            sandbox.limits.change({"enabled": False})  # they would only show fewer of them
            async with aiohttp.ClientSession() as http:
                watcher, crowd = Watcher(sandbox, http), Crowd(sandbox, [person], http)
                for number, prompt in enumerate(PROMPTS, start=1):
                    await crowd.slash("imagine", prompt=prompt)
                    async with asyncio.timeout(LONGEST_S):
                        while len(watcher.grids) < number:  # noqa: ASYNC110 - the record has no event
                            await asyncio.sleep(0.05)
    by_percent = defaultdict(list)
    for job, previews in watcher.previews.items():
        for percent, file in previews.items():
            by_percent[percent].append(likeness(file, watcher.grids[job]))
    late = [one for percent, found in by_percent.items() if percent >= LATE for one in found]
    for percent, found in sorted(by_percent.items()):
        print(f"  {percent:3} %: {len(found)} previews, correlation {min(found):.3f} to {max(found):.3f}")
    return {
        "pictures": len(watcher.grids),
        "late_previews": len(late),
        "late_least": rounded(min(late), 3),
        "late_median": rounded(statistics.median(late), 3),
    }


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-") as folder:
        figures = asyncio.run(measure(Path(folder)))
    report("Previews", figures, options.json, goals={"late_least": ">= 0.95"})


if __name__ == "__main__":
    main()
