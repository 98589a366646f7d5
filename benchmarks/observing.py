"""What it costs to be watched: time of the observers and of a job's trail, against the time of a job.

python -m benchmarks.observing [--steps 8] [--json]

A job is told as a worker and a bot tell it: accepted, started, every step, drawn, each stage, delivered. Log lines go
where nobody reads them. The trail is what the queue's scripts write beside their work (`exchange.keys.trail`).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from pathlib import Path

from contract.codec import decode_job, encode_job
from contract.events import Accepted, Delivered, Drawn, Event, Observer, Stage, Started, Step, Took
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.prompt import parse
from exchange import keys
from exchange.connection import connect
from exchange.embedded import embedded
from exchange.logs import configure_logs
from exchange.metrics import Metrics
from exchange.observing import all_of, log_event

JOBS = 400
TRAIL_LINES = 8
JOB_S = 0.48
"""A grid of four of the model that ships, start to file: P1 of benchmarks/README.md."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    job = Job(job_id(1, 1, 1), Imagine(), parse("a fox").prompts[0], "easel-small", User(1, "x"), DiscordChannel(1), 0)
    job = decode_job(encode_job(job))
    with contextlib.redirect_stdout(io.StringIO()):
        configure_logs("json", "info")
        logged_s = _per_job(log_event, job, options.steps)
        measured_s = _per_job(Metrics(), job, options.steps)
        both_s = _per_job(all_of(log_event, Metrics()), job, options.steps)
    trail_s = _trail()
    figures = {
        "log_us": round(logged_s * 1e6, 1),
        "metrics_us": round(measured_s * 1e6, 1),
        "both_us": round(both_s * 1e6, 1),
        "trail_us": round(trail_s * 1e6, 1),
        "percent_of_a_job": round(100 * (both_s + trail_s) / JOB_S, 3),
    }
    print(json.dumps(figures) if options.json else "\n".join(f"{name:20}{value}" for name, value in figures.items()))


def _per_job(observe: Observer, job: Job, steps: int) -> float:
    """Seconds for all that is told of one job."""
    events: list[Event] = [Accepted(job, 0, False), Took(Stage.ACKNOWLEDGE, 0.01), Started(job)]
    events += [Step(job, step + 1, steps) for step in range(steps)]
    events += [Drawn(job, 0.3), Took(Stage.ENCODE, 0.01, job), Took(Stage.DELIVER, 0.1, job), Delivered(job)]
    for event in events:  # first times
        observe(event)
    begun = time.perf_counter()
    for _ in range(JOBS):
        for event in events:
            observe(event)
    return (time.perf_counter() - begun) / JOBS


def _trail() -> float:
    """Seconds of Redis for the lines of one job's trail, written as the scripts write them."""
    script = """
    for i = 1, tonumber(ARGV[2]) do
      for line = 1, tonumber(ARGV[3]) do
        redis.call('RPUSH', ARGV[1], cjson.encode({at = 1790000000.123, did = 'started', queue = 'render',
          by = 'h-1-ab-1'}))
        redis.call('LTRIM', ARGV[1], -100, -1)
        redis.call('EXPIRE', ARGV[1], 86400)
      end
    end
    """
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        client = connect(url)
        times = []
        for repeats in (1, JOBS + 1):
            begun = time.perf_counter()
            client.eval(script, 0, keys.trail(job_id(1, 1, 1)), str(repeats), str(TRAIL_LINES))
            times.append(time.perf_counter() - begun)
        client.close()
    return (times[1] - times[0]) / JOBS


if __name__ == "__main__":
    main()
