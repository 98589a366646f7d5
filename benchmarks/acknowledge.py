"""`python -m benchmarks.acknowledge --json`: how fast the bot acknowledges, steady and in a burst, while workers draw.

The sandbox runs in this process, so that both times are read from one clock: when an interaction's event has been
handed to the bot's connection, and when the request with its callback arrives. What this process needs to take the
request off the network counts as the bot's. Redis (append-only file on), the real bot and a real worker are processes
of their own, the worker at low priority and always busy with the very jobs that are being accepted. Limits on users
are off. Missed is what Discord would call "The application did not respond": no answer within three seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import random
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.chaos.house import ROOT, found_world
from exchange.embedded import embedded
from sandbox.core import Sandbox
from sandbox.server import running

DEADLINE_S = 3.0
READY_WITHIN_S = 120.0
STEP_S = 5.0
"""How long each rate is held while the highest one is looked for."""
RATES = (45, 60, 80, 100, 125, 150, 200, 250, 300, 400)


@dataclass
class Clockwork:
    """When each interaction left for the bot and when its callback came, by interaction id, in seconds."""

    sent: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)

    def attach(self, sandbox: Sandbox) -> None:
        """Take the times where events leave and requests arrive; an answer counts when the sandbox has accepted it."""
        exchange = sandbox.record.exchange
        arrivals: dict[str, float] = {}

        def left(name: str, payload: dict[str, Any]) -> None:
            if name == "INTERACTION_CREATE":
                self.sent[payload["id"]] = time.perf_counter()

        def arrived(path: str) -> None:
            if path.endswith("/callback"):
                arrivals[path] = time.perf_counter()

        def noted_exchange(entry: dict[str, Any]) -> None:
            path = entry["path"].split("?")[0]
            if path in arrivals:
                at = arrivals.pop(path)
                if entry["status"] < 300:
                    self.answered[path.split("/")[-3]] = at
            exchange(entry)

        sandbox.record.left = left  # type: ignore[method-assign]
        sandbox.record.arrived = arrived  # type: ignore[method-assign]
        sandbox.record.exchange = noted_exchange  # type: ignore[method-assign]

    def take(self) -> tuple[list[float], int]:
        """Milliseconds of all that were answered, sorted, and how many were missed; starts over."""
        times = sorted((self.answered[id] - at) * 1e3 for id, at in self.sent.items() if id in self.answered)
        missed = sum(id not in self.answered or self.answered[id] - at > DEADLINE_S for id, at in self.sent.items())
        self.sent, self.answered = {}, {}
        return times, missed


class Crowd:
    """Many people who type /imagine at a given pace."""

    def __init__(self, sandbox: Sandbox, users: list[tuple[str, str]], http: aiohttp.ClientSession) -> None:
        self._sandbox = sandbox
        self._users = users
        self._http = http
        self._random = random.Random(1)
        self._count = 0

    async def steady(self, rate: float, seconds: float) -> int:
        """`rate` interactions a second, evenly; returns how many were typed, once all had their time to be answered."""
        total, began = round(rate * seconds), time.perf_counter()
        typed = []
        for number in range(total):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            typed.append(asyncio.create_task(self._type()))
        await self._settle(typed)
        return total

    async def burst(self, count: int) -> int:
        """All at the same moment."""
        await self._settle([asyncio.create_task(self._type()) for _ in range(count)])
        return count

    async def _settle(self, typed: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*typed)
        await asyncio.sleep(DEADLINE_S + 0.5)

    async def _type(self) -> None:
        self._count += 1
        await self.slash("imagine", prompt=f"picture number {self._count}, morning light")

    async def slash(self, name: str, **options: str) -> None:
        """Somebody types a command somewhere."""
        world = self._sandbox.world
        command = next(each for each in world.commands.values() if each["name"] == name)
        _, token = self._random.choice(self._users)
        given = [{"type": 3, "name": name, "value": value} for name, value in options.items()]
        data = {name: command[name] for name in ("id", "name", "version", "type")}
        body = {
            "type": 2,
            "application_id": world.bot_id,
            "guild_id": world.guild_id,
            "channel_id": self._random.choice(list(world.channels)),
            "session_id": "crowd",
            "nonce": str(secrets.randbits(62)),
            "data": {**data, "options": given, "attachments": []},
        }
        url = f"{self._sandbox.wire.base_url}/api/v9/interactions"
        async with self._http.post(url, json=body, headers={"Authorization": token}) as answer:
            answer.raise_for_status()


async def run(rate: float, seconds: float, burst: int) -> dict[str, float | int]:
    """Everything, as the JSON line has it."""
    with tempfile.TemporaryDirectory(prefix="easel-") as name:
        data = Path(name)
        users = found_world(data / "sandbox")
        with embedded(data / "redis") as redis_url:
            async with running(0, data / "sandbox") as sandbox, programs(sandbox, redis_url, data):
                # Discord's own limits on messages and edits would only slow the sandbox's neighbours down.
                sandbox.limits.change({"enabled": False})
                clockwork = Clockwork()
                clockwork.attach(sandbox)
                async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
                    crowd = Crowd(sandbox, users, http)
                    await crowd.steady(10, 3)  # first times are nobody's latency
                    gc.collect()
                    gc.disable()  # what stops this process would be counted as the bot's
                    clockwork.take()
                    sent = await crowd.steady(rate, seconds)
                    times, missed = clockwork.take()
                    burst_sent = await crowd.burst(burst)
                    burst_times, burst_missed = clockwork.take()
                    max_rate = rate if missed == 0 else 0.0
                    for step in RATES:
                        if step <= max_rate or not max_rate:
                            continue
                        await crowd.steady(step, STEP_S)
                        if clockwork.take()[1]:
                            break
                        max_rate = step
    return {
        "sent": sent,
        "p50_ms": round(_percentile(times, 50), 2),
        "p99_ms": round(_percentile(times, 99), 2),
        "missed": missed,
        "burst_sent": burst_sent,
        "burst_missed": burst_missed,
        "burst_p99_ms": round(_percentile(burst_times, 99), 2),
        "max_rate": max_rate,
    }


@asynccontextmanager
async def programs(sandbox: Sandbox, redis_url: str, data: Path, *, yielding: bool = True) -> AsyncIterator[None]:
    """The real bot, and a real worker, `yielding` to everything else."""
    token = next(user.token for user in sandbox.world.users.values() if user.bot)
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "DISCORD_TOKEN": token,
        "DISCORD_API_BASE": sandbox.wire.base_url,
        "DISCORD_GATEWAY_URL": sandbox.gateway_url,
        "IMAGE_STORE": str(data / "images"),
        "STATE_FOLDER": str(data / "state"),
        "LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "MAX_QUEUED_PER_USER": "0",
        "MAX_QUEUED_PER_GUILD": "0",
        "MAX_RUNNING_PER_USER": "0",
        "DRAIN_S": "1",
    }
    started = []
    try:
        for name, arguments, niceness in (("bot", [], 0), ("worker", ["start", "--gpus", "cpu"], 19 * yielding)):
            log = os.open(data / f"{name}.log", os.O_WRONLY | os.O_CREAT)
            command = [sys.executable, "-m", name, *arguments]
            started.append(
                await asyncio.create_subprocess_exec(
                    *(["nice", "-n", str(niceness)] if niceness else []), *command,
                    env=environment, cwd=ROOT, stdout=log, stderr=log,
                )
            )  # fmt: skip
            os.close(log)
        async with asyncio.timeout(READY_WITHIN_S):
            while not all(b'"event": "ready"' in (data / f"{name}.log").read_bytes() for name in ("bot", "worker")):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        if yielding:
            yield_to_all(started[-1].pid)
        yield
    finally:
        for program in started:
            if program.returncode is None:
                program.terminate()
        for program in started:
            await program.wait()


def yield_to_all(pid: int) -> None:
    """Make the sessions that a nice process has opened as nice as itself.

    Where Linux shares a core between sessions first (`sched_autogroup`, on by default), niceness counts only inside
    one, and a supervisor's children lead their own: without this the worker gets as much as the bot.
    """
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield_to_all(int(child))
        group = Path(f"/proc/{child}/autogroup")
        if os.getsid(int(child)) == int(child) and group.exists():
            group.write_text("19")


def _percentile(times: list[float], percent: float) -> float:
    return times[min(len(times) - 1, int(len(times) * percent / 100))] if times else float("inf")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.acknowledge", description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the JSON line")
    parser.add_argument("--rate", type=float, default=30.0, help="interactions a second (default: 30)")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--burst", type=int, default=300)
    options = parser.parse_args()
    report = asyncio.run(run(options.rate, options.seconds, options.burst))
    if not options.json:
        for name, value in report.items():
            print(f"{name:<14}{value}")
    print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()
