"""Traces of traffic: who asked for what, when, and how long a GPU took. Numbers only, so that they can be shared.

A CSV file with the columns `arrival_s,user,images,pixels,steps,seconds,speed,pressed`; `user` is any hash, `pressed` is
1 for a job that answers a press on a button, and the last two columns may be left out. `generate` makes traces with the
measured shape of public traffic: a tenth of the users ask for 65 % of the jobs, service takes 9 s at the median, 42 s
at the 90th percentile and 120 s at the 99th.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from itertools import accumulate, pairwise
from pathlib import Path
from statistics import NormalDist

import structlog

from contract.codec import job_from_document
from contract.errors import EaselError
from contract.jobs import Job, Speed
from contract.plan import Plan
from exchange.images import ImageStore

log = structlog.get_logger(__name__)

ACTIVITY_SIGMA = 1.667
"""Spread of the users' activity (log-normal) at which the busiest tenth asks for 65 % of the jobs."""

SERVICE_S = ((-2.33, 2.0), (0.0, 9.0), (1.2816, 42.0), (2.3263, 120.0), (3.5, 300.0))
"""Seconds of service by standard score: the measured percentiles, joined by straight lines in the logarithm."""

STEPS_PER_S = 8.0
"""Steps of one megapixel a second: ties a job's seconds to the sizes and steps that the fair order is told of."""

PRESSED = 0.3
"""Share of the jobs that answer a press. An assumption: no public figure was found."""


class BadTrace(EaselError):
    """A trace cannot be read; the text names the line."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One job of a trace. Times are seconds from its beginning, `seconds` those of one GPU."""

    arrival_s: float
    user: str
    images: int
    pixels: int
    steps: int
    seconds: float
    speed: str = "fast"
    pressed: int = 0

    @property
    def cost(self) -> float:
        """Megapixel-steps, as the bot prices a job."""
        return self.images * self.pixels / 1e6 * self.steps


def read_trace(path: Path) -> list[Arrival]:
    """A trace in the order of arrival. BadTrace for a file that is none."""
    arrivals = []
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        try:
            for row in rows:
                arrivals.append(
                    Arrival(
                        float(row["arrival_s"]),
                        row["user"],
                        int(row["images"]),
                        int(row["pixels"]),
                        int(row["steps"]),
                        float(row["seconds"]),
                        Speed(row.get("speed") or "fast").value,
                        int(row.get("pressed") or 0),
                    )
                )
        except (KeyError, TypeError, ValueError, csv.Error) as error:  # also bytes that are no text
            raise BadTrace(f"{path}, line {rows.line_num or 1}: {error}") from error
    if not arrivals:
        raise BadTrace(f"{path} holds no job")
    return sorted(arrivals, key=lambda arrival: arrival.arrival_s)


def write_trace(path: Path, arrivals: Iterable[Arrival]) -> None:
    """Write a trace."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([field.name for field in fields(Arrival)])
        writer.writerows(astuple(arrival) for arrival in arrivals)


def exported(store: ImageStore, *, since_ms: int) -> list[Arrival]:
    """The traffic behind the records of a store, from a Unix time in milliseconds on, in the order of arrival.

    What was cancelled, refused or failed left no record. People are numbered in the order in which they came.
    """
    found: list[tuple[Job, Plan, float]] = []
    for job_id in store.untouched_since(math.inf):
        try:
            document = store.get_document(job_id)
            job = None if document is None else job_from_document(document)
        except EaselError as error:
            log.warning("a record cannot be read and is left out", job_id=job_id, error=str(error))
            continue
        if document is None or job is None or job.plan is None or job.created_ms < since_ms:
            continue
        found.append((job, job.plan, float(document.get("drawn", {}).get("gpu_s", 0.0))))
    found.sort(key=lambda one: one[0].created_ms)
    numbers: dict[int, str] = {}
    return [
        Arrival(
            (job.created_ms - found[0][0].created_ms) / 1000,
            numbers.setdefault(job.user.id, str(len(numbers) + 1)),
            max(1, job.image_count),
            plan.width * plan.height,
            plan.num_inference_steps,
            seconds,
            str(job.speed),
            int(job.parent is not None),
        )
        for job, plan, seconds in found
    ]


def generate(
    *, users: int, gpus: int, hours: float, load: float, seed: int, pressed: float = PRESSED
) -> Iterator[Arrival]:
    """Traffic that keeps `gpus` busy for the share `load` of `hours`, on average; above 1 the queue only grows.

    Jobs come at random moments from `users` people of very different activity; one in ten is relaxed, and the share
    `pressed` answers a press.
    """
    chance = random.Random(seed)
    weights = list(accumulate(chance.lognormvariate(0, ACTIVITY_SIGMA) for _ in range(users)))
    rate = gpus * load / mean_service_s()
    moment, end = 0.0, hours * 3600
    people = range(users)
    while (moment := moment + chance.expovariate(rate)) < end:
        seconds = service_s(chance.gauss(0, 1))
        images, pixels = chance.choice((1, 4, 4, 4)), chance.choice((512 * 512, 1024 * 1024, 1024 * 1024))
        steps = max(1, round(seconds * STEPS_PER_S / (images * pixels / 1e6)))
        (user,) = chance.choices(people, cum_weights=weights)
        speed = Speed.RELAX if chance.random() < 0.1 else Speed.FAST
        press = int(chance.random() < pressed)
        yield Arrival(round(moment, 3), f"{user:x}", images, pixels, steps, round(seconds, 3), speed.value, press)


def service_s(score: float) -> float:
    """Seconds of service at a standard score: 0 is the median, 1.28 the 90th percentile."""
    score = min(max(score, SERVICE_S[0][0]), SERVICE_S[-1][0])
    for (low, low_s), (high, high_s) in pairwise(SERVICE_S):
        if score <= high:
            share = (score - low) / (high - low)
            return math.exp(math.log(low_s) * (1 - share) + math.log(high_s) * share)
    return SERVICE_S[-1][1]


def mean_service_s() -> float:
    """The mean of `service_s`, by a thousand equal shares of the normal distribution."""
    normal = NormalDist()
    return sum(service_s(normal.inv_cdf((part + 0.5) / 1000)) for part in range(1000)) / 1000
