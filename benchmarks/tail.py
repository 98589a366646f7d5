"""P4: how long drafts wait while 50-step jobs run: first in, first out against the engine, which takes turns at steps.

Drafts (4 steps, no guidance) and long jobs (50 steps, guided) arrive at random, at a rate that loads the stock side to
80 per cent. Both sides get the same arrivals. The clock is CPU time of the process, and gaps in which nothing is there
to do are skipped: so the figures are those of an idle machine. A tiny random model, so that a thousand drafts
are seen. Throughput loss: CPU time for all jobs, ours over stock, minus one (negative: a gain).
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from benchmarks.measure import arguments, percentile, report, rounded, stock_call, stock_pipeline
from model.components import assemble
from model.engine import Engine
from model.families.stable_diffusion import StableDiffusion
from model.request import Request, text_to_image
from model.ticket import Ticket

DRAFT_LOAD, LONG_LOAD = 0.5, 0.3


@dataclass
class Clock:
    """Seconds of CPU time of this process, plus the idle gaps that were skipped."""

    skipped_s: float = 0.0
    started_s: float = 0.0

    def start(self) -> None:
        self.skipped_s, self.started_s = 0.0, time.process_time()

    def now(self) -> float:
        return time.process_time() - self.started_s + self.skipped_s

    def skip_to(self, moment: float) -> None:
        self.skipped_s += max(0.0, moment - self.now())


@dataclass(frozen=True)
class Arrival:
    at_s: float
    draft: bool
    request: Request


def arrivals(drafts: int, draft_s: float, long_s: float, size: tuple[int, int]) -> list[Arrival]:
    """Two Poisson streams, by the service times of the stock side."""
    chance = random.Random(1)
    found: list[Arrival] = []
    end = drafts * draft_s / DRAFT_LOAD
    for draft, service_s, load in ((True, draft_s, DRAFT_LOAD), (False, long_s, LONG_LOAD)):
        moment = 0.0
        while moment < end:
            found.append(Arrival(moment, draft, job(draft, len(found), size)))
            moment += chance.expovariate(load / service_s)
    return sorted(found, key=lambda arrival: arrival.at_s)


def job(draft: bool, seed: int, size: tuple[int, int]) -> Request:
    steps, scale = (4, 1.0) if draft else (50, 5.0)
    return text_to_image("ab", seed=seed, size=size, images=1, num_inference_steps=steps, guidance_scale=scale)


def typical_s(work: Callable[[], object], times: int) -> float:
    work()
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def main() -> None:
    parser = arguments(__doc__ or "", drafts=1050)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = assemble(StableDiffusion, StableDiffusion.tiny(side=16, channels=(16, 32)))
    size = bundle.native_size
    pipeline = stock_pipeline(bundle)
    draft_s = typical_s(lambda: stock_call(pipeline, job(True, 0, size)), 20)
    long_s = typical_s(lambda: stock_call(pipeline, job(False, 0, size)), 5)
    schedule = arrivals(options.drafts, draft_s, long_s, size)
    clock = Clock()

    # Stock: one after the other.
    fifo: list[tuple[Arrival, float]] = []
    clock.start()
    for arrival in schedule:
        clock.skip_to(arrival.at_s)
        stock_call(pipeline, arrival.request)
        fifo.append((arrival, clock.now() - arrival.at_s))
    stock_busy_s = clock.now() - clock.skipped_s

    # Ours: all that has arrived is in the engine.
    ended: dict[int, float] = {}
    finish = Ticket.finish

    def finish_and_note(ticket: Ticket, *result: object) -> None:
        finish(ticket, *result)  # type: ignore[arg-type]
        ended[id(ticket)] = clock.now()

    Ticket.finish = finish_and_note  # type: ignore[method-assign, assignment]
    engine = Engine(bundle, quicken="off")
    engine.start()
    engine.denoiser.quicken("trace")
    for draft in (True, False):
        engine.submit(job(draft, 0, size)).result()
    tickets: list[tuple[Arrival, Ticket]] = []
    running: list[Ticket] = []
    clock.start()
    for arrival in schedule:
        while clock.now() < arrival.at_s:
            running = [ticket for ticket in running if not ticket.done]
            if running:
                time.sleep(0.002)
            else:
                clock.skip_to(arrival.at_s)
        ticket = engine.submit(arrival.request, urgency=0.0 if arrival.draft else 1.0)
        tickets.append((arrival, ticket))
        running.append(ticket)
    for _, ticket in tickets:
        ticket.result()
    ours_busy_s = clock.now() - clock.skipped_s
    engine.close()
    Ticket.finish = finish  # type: ignore[method-assign]

    ours = [(arrival, ended[id(ticket)] - arrival.at_s) for arrival, ticket in tickets]
    alone_s = {True: draft_s, False: long_s}
    drafts = sum(arrival.draft for arrival in schedule)
    print(
        f"stock alone: draft {draft_s * 1000:.0f} ms, 50 steps {long_s * 1000:.0f} ms; "
        f"{drafts} drafts, {len(schedule) - drafts} long jobs"
    )
    shares: list[float] = []
    for name, waits in (("first in, first out", fifo), ("the engine", ours)):
        within = {
            kind: [wait <= 3 * alone_s[kind] for job, wait in waits if job.draft is kind] for kind in (True, False)
        }
        shares.append(sum(map(sum, within.values())) / len(waits))
        p50, p99 = (percentile([wait for job, wait in waits if job.draft], share) for share in (0.5, 0.99))
        print(
            f"{name}: drafts p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms; within three times their time alone: "
            f"{shares[-1]:.1%} of all, {sum(within[True]) / len(within[True]):.1%} of the drafts, "
            f"{sum(within[False]) / len(within[False]):.1%} of the long jobs"
        )
    waits_of_drafts = [[wait for job, wait in waits if job.draft] for waits in (fifo, ours)]
    figures = {
        "p99_ratio": rounded(percentile(waits_of_drafts[0], 0.99) / percentile(waits_of_drafts[1], 0.99), 2),
        "p50_ratio": rounded(percentile(waits_of_drafts[0], 0.5) / percentile(waits_of_drafts[1], 0.5), 2),
        "within_3x_points": rounded(100 * (shares[1] - shares[0]), 1),
        "throughput_loss": rounded(ours_busy_s / stock_busy_s - 1, 3),
        "drafts": drafts,
    }
    goals = {"p99_ratio": ">= 10", "within_3x_points": ">= 30", "throughput_loss": "<= 0.03"}
    report("P4 drafts beside 50-step jobs at 80 % load", figures, options.json, goals=goals)


if __name__ == "__main__":
    main()
