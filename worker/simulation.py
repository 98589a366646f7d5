"""A trace replayed through the real queue in virtual time: what people would wait, and what one more GPU is worth.

Claims, fair order, caps and ageing are the scripts that production runs, on an embedded server that writes nothing;
only the clock is the simulation's. GPUs serve one job at a time for as long as the trace says.
"""

from __future__ import annotations

import heapq
import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import redis

from contract.codec import JOB_VERSION
from contract.jobs import Speed
from exchange import keys, scripts
from exchange.connection import connect
from exchange.embedded import embedded
from exchange.queue import Limits
from exchange.tasks import HEAD_START, RETURNS
from worker.slots import PATIENCE_S, SCAN, SKIP_LIMIT
from worker.traces import Arrival

Policy = Literal["fair", "fifo"]
HASH: list[str | int] = ["origin", keys.RENDER, "retries_left", 0]
NO_LIMITS = Limits(0, 0, 0, 0)
BARS = 40


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from arrival to start, by percentile."""

    p50: float
    p90: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a trace would have been like. `light` are the nine tenths of users with the fewest jobs, `heavy` the rest.

    `pressed` are jobs that answer a press, None when there is none.

    `fairness` is the heavy users' mean wait over the light users': 1 when all wait alike whatever they ask for, more
    when those who ask for much are the ones who wait.
    `utilisation` is the GPUs' busy share until the last job ended.
    """

    policy: str
    gpus: int
    jobs: int
    users: int
    waits: Waits
    light: Waits
    heavy: Waits
    pressed: Waits | None
    fairness: float
    utilisation: float
    hours: float

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def compare(trace: Sequence[Arrival], gpus: int, policy: Policy, limits: Limits | None = None) -> tuple[Report, Report]:
    """The trace with `gpus`, and with one more, side by side."""
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(_run_alone, trace, count, policy, limits) for count in (gpus, gpus + 1)]
        return runs[0].result(), runs[1].result()


def _run_alone(trace: Sequence[Arrival], gpus: int, policy: Policy, limits: Limits | None) -> Report:
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        client = connect(url)
        try:
            return simulate(client, trace, gpus, policy, limits)
        finally:
            client.close()


def simulate(
    client: redis.Redis, trace: Sequence[Arrival], gpus: int, policy: Policy, limits: Limits | None = None
) -> Report:
    """Replay `trace` on an empty server. `fifo` serves by arrival, without fair order and caps."""
    client.flushall()
    caps = limits if limits is not None and policy == "fair" else NO_LIMITS
    client.hset(keys.limits(), mapping=caps.kept())
    client.sadd(keys.rq_workers_of(keys.RENDER), *(keys.rq_worker(f"gpu-{gpu}") for gpu in range(gpus)))
    scripts.load(client, scripts.ENQUEUE, scripts.CLAIM, scripts.FINISH)
    replay = _Replay(client, trace, gpus, policy, capped=bool(caps.max_running_per_user))
    replay.run()
    return _report(trace, replay, gpus, policy)


class _Replay:
    """The events of one run, in the order of virtual time.

    Without caps a GPU that claims gets a job whenever one waits, and no job can end before the shortest one has been
    drawn; so the events of that much time are known beforehand and go to the server together. With caps they go one by
    one.
    """

    def __init__(
        self, client: redis.Redis, trace: Sequence[Arrival], gpus: int, policy: Policy, *, capped: bool
    ) -> None:
        self._pipe = client.pipeline(transaction=False)
        self._trace = trace
        self._fair = policy == "fair"
        self._capped = capped
        self._certain_s = 0.0 if capped else min(arrival.seconds for arrival in trace)
        self._idle = list(range(gpus))
        self._ends: list[tuple[float, int, int]] = []  # when, which GPU, which job
        self._coming = 0
        self._waiting = 0
        self._claims: list[tuple[float, int, str] | None] = []  # one entry for each call in the pipeline
        self._claimed = 0
        self._executions: dict[int, str] = {}
        self.starts: dict[int, float] = {}
        self.busy_s = 0.0
        self.end_s = trace[-1].arrival_s

    def run(self) -> None:
        """Arrivals and ends, whichever comes first; after each, idle GPUs claim what waits."""
        while (now := self._next_s()) < math.inf:
            horizon_s = now + self._certain_s
            self._step(now)
            while (following := self._next_s()) < horizon_s:
                self._step(following)
            served = self._exchange()
            while self._capped and served and self._idle and self._waiting:
                self._claim(now, self._idle.pop())
                served = self._exchange()

    def _next_s(self) -> float:
        arrival_s = self._trace[self._coming].arrival_s if self._coming < len(self._trace) else math.inf
        return min(arrival_s, self._ends[0][0]) if self._ends else arrival_s

    def _step(self, now: float) -> None:
        """The next event, which is at `now`; an end goes before an arrival of the same moment."""
        if self._ends and self._ends[0][0] == now:
            _, gpu, number = heapq.heappop(self._ends)
            self._finish(now, gpu, number)
        else:
            self._submit(now, self._coming)
            self._coming += 1
            if self._idle:
                self._claim(now, self._idle.pop())

    def _submit(self, now: float, number: int) -> None:
        arrival = self._trace[number]
        pressed = arrival.pressed and arrival.speed != Speed.RELAX
        traits = {
            "user": arrival.user if self._fair else "",
            "guild": "",
            "capped": True,
            "model": "",
            "name": "",
            "pixels": arrival.pixels,
            "cost": max(arrival.cost, 0.001),
            "speed": Speed(arrival.speed).value,
            "ahead": HEAD_START if pressed and self._fair else 0,
            "returns": RETURNS,
            "version": JOB_VERSION,
        }
        parameters = {"now": now, "id": str(number), "job": str(number), "queue": keys.RENDER, "traits": traits}
        self._call(scripts.ENQUEUE, parameters, HASH)
        self._waiting += 1

    def _claim(self, now: float, gpu: int) -> None:
        self._call(scripts.CLAIM, self._wanted(now, gpu), claim=(now, gpu))

    def _finish(self, now: float, gpu: int, number: int) -> None:
        """A GPU's job ends; if any waits, the same call brings its next one."""
        parameters = {
            "now": now,
            "queue": keys.RENDER,
            "id": str(number),
            "execution": self._executions.pop(number),
            "worker": f"gpu-{gpu}",
            "how": "finished",
            "delay_s": 0,
            "ttl": 0,
            "ended": "",
        }
        if self._waiting:
            self._call(scripts.FINISH, parameters | {"claim": self._wanted(now, gpu)}, claim=(now, gpu))
        else:
            self._call(scripts.FINISH, parameters)
            self._idle.append(gpu)

    def _wanted(self, now: float, gpu: int) -> dict[str, Any]:
        self._claimed += 1
        return {
            "now": now,
            "queue": keys.RENDER,
            "worker": f"gpu-{gpu}",
            "execution": str(self._claimed),
            "lease_s": 1e9,
            "started": "",
            "must": "",
            "prefer": "",
            "models": "",
            "max_pixels": 0,
            "version": JOB_VERSION,
            "patience_s": PATIENCE_S if self._fair else 1e12,
            "skip_limit": SKIP_LIMIT,
            "scan": SCAN,
        }

    def _call(
        self,
        script: scripts.Script,
        parameters: dict[str, Any],
        fields: Sequence[str | int] = (),
        claim: tuple[float, int] | None = None,
    ) -> None:
        scripts.queue(self._pipe, script, scripts.arguments(parameters, fields))
        if claim is None:
            self._claims.append(None)
        else:
            self._claims.append((*claim, str(self._claimed)))
            self._waiting -= 1

    def _exchange(self) -> bool:
        """Send what was gathered and note what it brought; True unless a claim came back empty-handed."""
        claims, self._claims = self._claims, []
        served = True
        for claim, answer in zip(claims, self._pipe.execute(), strict=True):
            if claim is None:
                continue
            now, gpu, execution = claim
            brought = answer[1] if answer[0] == 1 else answer
            if brought[0] != b"job":
                self._waiting += 1
                self._idle.append(gpu)
                served = False
                continue
            number = int(brought[1])
            service_s = self._trace[number].seconds
            self._executions[number] = execution
            self.starts[number] = now
            self.busy_s += service_s
            self.end_s = max(self.end_s, now + service_s)
            heapq.heappush(self._ends, (now + service_s, gpu, number))
        return served


def _report(trace: Sequence[Arrival], replay: _Replay, gpus: int, policy: Policy) -> Report:
    waits_of: dict[str, list[float]] = defaultdict(list)
    pressed: list[float] = []
    for number, start in replay.starts.items():
        arrival = trace[number]
        waits_of[arrival.user].append(start - arrival.arrival_s)
        if arrival.pressed:
            pressed.append(start - arrival.arrival_s)
    by_jobs = sorted(waits_of.values(), key=len)
    border = len(by_jobs) * 9 // 10
    light, heavy = by_jobs[:border], by_jobs[border:]
    return Report(
        policy=policy,
        gpus=gpus,
        jobs=len(replay.starts),
        users=len(waits_of),
        waits=_waits(by_jobs),
        light=_waits(light),
        heavy=_waits(heavy),
        pressed=_waits([pressed]) if pressed else None,
        fairness=round(_mean(heavy) / max(_mean(light), 0.001), 3),
        utilisation=round(replay.busy_s / (gpus * replay.end_s), 4) if replay.end_s else 0.0,
        hours=round(replay.end_s / 3600, 3),
    )


def _mean(groups: Sequence[Sequence[float]]) -> float:
    waits = [wait for group in groups for wait in group]
    return sum(waits) / len(waits) if waits else 0.0


def _waits(groups: Sequence[Sequence[float]]) -> Waits:
    waits = sorted(wait for group in groups for wait in group) or [0.0]

    def at(share: float) -> float:
        return round(waits[min(len(waits) - 1, int(len(waits) * share))], 2)

    return Waits(at(0.5), at(0.9), at(0.99), round(waits[-1], 2))


def describe(now: Report, more: Report) -> str:
    """A report for people, with bars."""
    if now.waits.p99 < 1:
        shares = "nobody waits to speak of"
    elif now.users == 1:
        shares = "one user alone, who waits for nobody else"
    elif now.light.p99 < 1:
        shares = "heavy users wait, light ones hardly"
    else:
        shares = f"heavy users wait {now.fairness:.1f} times as long as light ones"
    lines = [
        f"{now.jobs} jobs of {now.users} users on {now.gpus} GPUs, {now.policy}: {now.utilisation:.0%} busy over "
        f"{now.hours:.1f} h; {shares}",
        "",
        "waited              p50        p90        p99    longest",
    ]
    groups = [("everybody", now.waits), ("light users", now.light), ("heavy users", now.heavy)]
    if now.pressed is not None:
        groups.append(("presses", now.pressed))
    for name, waits in groups:
        columns = (waits.p50, waits.p90, waits.p99, waits.longest)
        lines.append(f"{name:<12}" + "".join(f"{_span(value):>11}" for value in columns))
    lines += ["", f"with one more GPU ({more.gpus}), {more.utilisation:.0%} busy:"]
    widest = max(now.waits.p99, more.waits.p99, 1e-9)
    for name in ("p50", "p90", "p99"):
        for report in (now, more):
            value = getattr(report.waits, name)
            bar = "█" * round(BARS * value / widest) or ("▏" if value else "")
            lines.append(f"{name} {report.gpus:>5} GPUs {_span(value):>9} {bar}".rstrip())
    return "\n".join(lines)


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
