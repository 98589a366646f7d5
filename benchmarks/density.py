"""`python -m benchmarks.density --json`: grids a minute and memory of 1, 2 and 4 workers on one host.

A worker here is a process of its own with the default model, one thread, that makes one grid after another as a person
gets it: planned by the catalogue, drawn, enlarged, encoded. All begin when all are warm. Memory is each one's share of
what they have together (PSS), so that pages which several use are counted once.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import arguments, report, rounded

ROOT = Path(__file__).parents[1]

WORKER = """
import json, os, sys, time
from pathlib import Path
import torch
from benchmarks.grid import loaded, served

torch.set_num_threads(1)
make = served(loaded("cpu", Path(sys.argv[1])), "a red apple")
make()
print("#warm", flush=True)
sys.stdin.readline()
grids, until = 0, time.monotonic() + float(sys.argv[2])
while time.monotonic() < until:
    make()
    grids += 1
with open("/proc/self/smaps_rollup") as file:
    pss_kb = next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
print("#" + json.dumps({"grids": grids, "pss_mb": pss_kb / 1024}), flush=True)
sys.stdin.readline()
os._exit(0)
"""


def together(count: int, seconds: float, graphs: Path) -> tuple[float, float]:
    """Grids a minute of `count` workers, and the megabytes that all of them take."""
    command = [sys.executable, "-c", WORKER, str(graphs), str(seconds)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    workers = [subprocess.Popen(command, cwd=ROOT, env=environment, text=True, **pipes) for _ in range(count)]

    def all_say(tell: str) -> list[str]:
        lines = []
        for worker in workers:
            assert worker.stdout is not None
            lines.append(next(line[1:] for line in worker.stdout if line.startswith("#")))  # others are its log
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(tell)
            worker.stdin.flush()
        return lines

    try:
        all_say("begin\n")
        made = [json.loads(line) for line in all_say("end\n")]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    return sum(one["grids"] for one in made) * 60 / seconds, sum(one["pss_mb"] for one in made)


def main() -> None:
    parser = arguments(__doc__ or "", seconds=20.0)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options = parser.parse_args()
    figures: dict[str, float] = {"processors": os.cpu_count() or 0}
    with tempfile.TemporaryDirectory(prefix="easel-") as folder:
        for count in options.workers:
            grids, megabytes = together(count, options.seconds, Path(folder))
            figures |= {f"grids_a_minute_{count}": rounded(grids, 1), f"megabytes_{count}": rounded(megabytes, 0)}
    report("Workers on one host", figures, options.json)


if __name__ == "__main__":
    main()
