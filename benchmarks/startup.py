"""P10, P11: what starting costs: bot and worker in CPU seconds and resident memory, each in a fresh process.

The bot's figures are read when the demo (the real processes on the local sandbox) says that everything is ready. The
worker's are those of the part that loads and draws, from the interpreter's start to the message file of a first grid as
people get it, against a plain diffusers script: load, one grid of four, a file. The worker finds what an earlier one
has exported, as it does from its second start on.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import DEFAULT, arguments, report, rounded

OURS = """
import sys
from contract.catalogue import EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.planning import plan
from contract.prompt import parse
from worker.process import offer, open_engines
from worker.settings import WorkerSettings
settings = WorkerSettings(state_folder=sys.argv[2])
catalogue, offered = offer(settings)
engines = open_engines(settings, catalogue, offered, "cpu", lambda event: None)
from worker.alone import make_alone
from worker.encoding import assemble_grid, encode_message
job = Job(job_id(7, EASEL_SMALL.fingerprint, 1), Imagine(), parse("a red apple").prompts[0], EASEL_SMALL.name,
          User(1, "someone"), DiscordChannel(1), 0)
with engines.lent(EASEL_SMALL.name, lambda place: None) as warm:
    images = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm).images
    data = encode_message(assemble_grid(images), parameters="a red apple").data
"""

EXPORT = (
    OURS
    + """
    warm.engine.quicken()
"""
)

STOCK = """
import io, sys, torch
torch.set_num_threads(1)
from diffusers import StableDiffusionPipeline
from diffusers.utils import make_image_grid
pipeline = StableDiffusionPipeline.from_pretrained(sys.argv[1], dtype=torch.float32, local_files_only=True)
generators = [torch.Generator().manual_seed(k) for k in range(4)]
images = pipeline("a red apple", num_images_per_prompt=4, num_inference_steps=20, guidance_scale=4.5,
                  generator=generators).images
buffer = io.BytesIO()
make_image_grid(images, 2, 2).save(buffer, "PNG")
"""

MEASURE = """
import json, os, time
with open("/proc/self/status") as file:
    rss = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
print(json.dumps({"cpu_s": time.process_time(), "rss_mb": rss / 1024}), flush=True)
os._exit(0)
"""


def fresh(script: str, state: str) -> dict[str, float]:
    """CPU seconds and resident memory of a new process at the end of `script`. `state` is a worker's folder."""
    command = [sys.executable, "-c", script + MEASURE, str(DEFAULT), state]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    result: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return result


def of_process(pid: int) -> tuple[float, float]:
    """CPU seconds (user and system) and resident megabytes of a running process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def bot_at_ready() -> tuple[float, float]:
    """CPU seconds and megabytes of the demo's bot when the demo is ready."""
    with tempfile.TemporaryDirectory(prefix="easel") as folder:
        command = [sys.executable, "-m", "sandbox", "demo", "--json", "--port", "0", "--data", folder]
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            assert demo.stdout is not None
            ready: dict[str, Any] = json.loads(demo.stdout.readline())
            return of_process(ready["pids"]["bot"])
        finally:
            demo.terminate()
            demo.wait(60)


def main() -> None:
    options = arguments(__doc__ or "", pairs=3).parse_args()
    bot_cpu_s, bot_rss_mb = bot_at_ready()
    with tempfile.TemporaryDirectory(prefix="easel-") as state:
        fresh(EXPORT, state)
        both = [(fresh(STOCK, state), fresh(OURS, state)) for _ in range(options.pairs)]
    for name, side in (("stock", 0), ("ours", 1)):
        cpu_s = median(pair[side]["cpu_s"] for pair in both)
        rss_mb = median(pair[side]["rss_mb"] for pair in both)
        print(f"{name}: first grid after {cpu_s:.2f} s of CPU time, {rss_mb:.0f} MB")
    figures = {
        "bot_cpu_s": rounded(bot_cpu_s, 2),
        "bot_rss_mb": rounded(bot_rss_mb, 1),
        "worker_rss_ratio": rounded(median(ours["rss_mb"] / stock["rss_mb"] for stock, ours in both), 3),
        "first_grid_ratio": rounded(median(ours["cpu_s"] / stock["cpu_s"] for stock, ours in both), 3),
    }
    goals = {
        "bot_cpu_s": "<= 1.0",
        "bot_rss_mb": "<= 80",
        "worker_rss_ratio": "<= 0.85",
        "first_grid_ratio": "<= 0.6",
    }
    report("P10, P11 starting", figures, options.json, goals=goals)


if __name__ == "__main__":
    main()
