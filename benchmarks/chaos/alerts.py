"""`python -m benchmarks.chaos.alerts [--only WORDS] --json`: how soon an operator is told of what really goes wrong.

A house with its metrics open, and a Prometheus (the program has to be installed) that reads them with the rules and
the intervals that ship in `monitoring/`. Each fault is held until its alert fires; the figure is the seconds from its
beginning, `null` when it did not fire in time. Exit status 1 then. Nothing may fire before the first fault.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from benchmarks.chaos.command import conclude, parse
from benchmarks.chaos.disasters import Disasters
from benchmarks.chaos.house import ROOT, House
from benchmarks.chaos.nursery import Nursery
from benchmarks.chaos.outages import Trouble
from benchmarks.chaos.storm import Storm
from benchmarks.chaos.tiny_model import write_tiny_model
from exchange import keys
from exchange.status import read_status

WITHIN_S = 60.0
PATIENCE_S = 120.0
"""How long a fault is held at most, to say how late a late alert is."""
SCRAPED_S = 40.0
"""Until every process has been read a few times."""
AT_WORK = 12
SETTLED_S = 3.0

Heal = Callable[[], Awaitable[None]]


class Faults:
    """What goes wrong; each method begins one fault and returns what ends it."""

    def __init__(self, house: House, storm: Storm) -> None:
        self._house = house
        self._storm = storm
        self._prompts = 0

    async def redis(self, kind: str) -> Heal:
        """As in the outages: it refuses, hangs, or is not there."""
        return await Trouble(self._house).begin(kind)

    async def no_store(self, _: str) -> Heal:
        """A file stands where the folder of pictures was, and pictures are asked for."""
        place = self._house.data / "images"
        away = place.with_name("images.away")
        os.rename(place, away)
        place.write_bytes(b"")
        await self._ask(2)

        async def end() -> None:
            place.unlink()
            os.rename(away, place)

        return end

    async def poison(self, _: str) -> Heal:
        """Strangers write to our keys."""
        await Disasters(self._house, 1).poison()
        return _nothing

    async def frozen(self, role: str) -> Heal:
        """A process that is there and does nothing."""
        pid = next(member.pid for member in self._house.members if member.role == role)
        os.kill(pid, signal.SIGSTOP)

        async def end() -> None:
            os.kill(pid, signal.SIGCONT)

        return end

    async def all_frozen(self, role: str) -> Heal:
        """Every process of a role is there and does nothing."""
        pids = [member.pid for member in self._house.members if member.role == role]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

        async def end() -> None:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

        return end

    async def emptied(self, _: str) -> Heal:
        """Somebody empties Redis while jobs wait."""
        client = self._house.client
        await asyncio.to_thread(client.set, keys.suspended(), 1)
        await self._ask(AT_WORK)
        while await asyncio.to_thread(client.zcard, keys.open_jobs()) < AT_WORK:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.1)
        await asyncio.sleep(SETTLED_S)  # the bot knows their messages
        await asyncio.to_thread(client.flushall)
        return _nothing

    async def no_discord(self, _: str) -> Heal:
        """Discord takes what is sent and never answers, when pictures are being drawn."""
        await self._ask(3 * AT_WORK)
        self._house.freeze_discord(signal.SIGSTOP)

        async def end() -> None:
            self._house.freeze_discord(signal.SIGCONT)

        return end

    async def killed(self, _: str) -> Heal:
        """kill -9 of a worker that has a job."""
        await self._ask(AT_WORK)
        while True:
            for member in self._house.members:
                if member.role == "worker" and member.ready:
                    os.kill(member.pid, signal.SIGSTOP)  # or its job may end between the look and the blow
                    if self._house.leases_of(member.pid):
                        os.kill(member.pid, signal.SIGKILL)
                        member.ready = False
                        return _nothing
                    os.kill(member.pid, signal.SIGCONT)
            await asyncio.sleep(0.02)

    async def unanswered(self, role: str) -> Heal:
        """kill -9 of the bot after it has taken a job and before it says so."""
        client = self._house.client
        while True:
            asking = asyncio.create_task(self._ask(AT_WORK))
            while not client.zcard(keys.held()) and not asking.done():  # noqa: ASYNC110 - Redis tells nobody
                await asyncio.sleep(0)
            self._house.freeze_discord(signal.SIGSTOP)  # or it says so between the look and the blow
            taken = client.zcard(keys.held())
            if taken:
                os.kill(next(member.pid for member in self._house.members if member.role == role), signal.SIGKILL)
            self._house.freeze_discord(signal.SIGCONT)
            await asking
            if taken:
                return _nothing

    async def dying(self, _: str) -> Heal:
        """A supervisor whose device kills each process that is started for it."""
        supervisor = await asyncio.to_thread(_left_alone, self._house)

        async def end() -> None:
            supervisor.terminate()
            await asyncio.to_thread(supervisor.wait)

        return end

    async def _ask(self, jobs: int) -> None:
        for _ in range(jobs):
            self._prompts += 1
            await self._storm.imagine_as(self._prompts % len(self._house.users), self._prompts)


def _left_alone(house: House) -> subprocess.Popen[bytes]:
    """A supervisor that has given its device up for a while."""
    command = [sys.executable, "-m", "worker", "start", "--gpus", "cpu"]
    quiet = subprocess.DEVNULL
    supervisor = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **house.environment()}, stdin=quiet, stdout=quiet, stderr=quiet
    )
    children = Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children")
    while not any(worker.get("state") for worker in read_status(house.client).workers):
        if supervisor.poll() is not None:
            raise RuntimeError("the supervisor has ended by itself")
        for pid in children.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.2)
    return supervisor


async def _nothing() -> None:
    """What has happened is over."""


async def run(data: Path, nursery: Nursery, only: str) -> dict[str, Any]:
    """Every fault in turn that has these words in its name, as the JSON line has it."""
    write_tiny_model(data / "model")
    ports = free_ports_in_a_row(8)
    async with House(data, nursery, metrics_port=ports) as house, prometheus(data, house) as base:
        faults = Faults(house, Storm(house, 1))
        every: list[tuple[str, str, Callable[[str], Awaitable[Heal]], str]] = [
            ("a worker killed at work", "EaselWorkersDie of lapsed", faults.killed, ""),
            ("a bot killed before it answers", "EaselBotDied of unanswered", faults.unanswered, "bot"),
            ("a device that keeps dying", "EaselDeviceLeftAlone", faults.dying, ""),
            ("poison", "EaselEntriesPutAside of put_aside", faults.poison, ""),
            ("a frozen bot", "EaselProcessDown", faults.frozen, "bot"),
            ("a frozen worker", "EaselProcessDown", faults.frozen, "worker"),
            ("every worker frozen", "EaselNoWorker", faults.all_frozen, "worker"),
            ("no store", "EaselBadWeather of the image store", faults.no_store, ""),
            ("Redis is read-only", "EaselBadWeather of Redis", faults.redis, "read_only"),
            ("Redis is full", "EaselBadWeather of Redis", faults.redis, "full"),
            ("Redis gives no rights", "EaselBadWeather of Redis", faults.redis, "no_rights"),
            ("Redis hangs", "EaselRedisAway", faults.redis, "frozen"),
            ("Redis is down", "EaselRedisAway", faults.redis, "down"),
            ("Discord hangs", "EaselNothingDelivered", faults.no_discord, ""),
            ("Redis comes back empty", "EaselJobsVanish of vanished", faults.emptied, ""),
        ]
        await asyncio.sleep(SCRAPED_S)
        fired: dict[str, float | None] = {}
        quiet = sorted(await _firing(base))
        for name, alert, begin, which in (one for one in every if only in one[0]):
            await _until(base, alert, firing=False)
            began = time.monotonic()
            heal = await begin(which)
            rang = await _until(base, alert, firing=True)
            fired[name] = round(time.monotonic() - began, 1) if rang else None
            print(f"{name}: {alert} after {fired[name]} s", flush=True)
            await heal()
            await house.all_ready()
    return {"fired_before": quiet, "seconds": fired}


def broken(report: dict[str, Any]) -> list[str]:
    """The promises that a report shows broken."""
    late = [name for name, seconds in report["seconds"].items() if seconds is None or seconds > WITHIN_S]
    early = [f"{alert} fired before anything was wrong" for alert in report["fired_before"]]
    return [f"{name}: its alert did not fire within {WITHIN_S:.0f} s" for name in late] + early


@asynccontextmanager
async def prometheus(data: Path, house: House) -> AsyncIterator[str]:
    """The address of one that reads the house by the rules and intervals that ship."""
    folder = data / "prometheus"
    folder.mkdir()
    config = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    targets = [f"127.0.0.1:{house.metrics_port + number}" for number in range(len(house.members))]
    config["scrape_configs"][0]["static_configs"] = [{"targets": targets}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    shutil.copy(ROOT / "monitoring" / "alerts.yml", folder)
    port = free_ports_in_a_row(1)
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        await process.wait()


async def _firing(base: str) -> set[str]:
    async with aiohttp.ClientSession() as http, http.get(f"{base}/alerts") as answer:
        alerts = (await answer.json())["data"]["alerts"]
    firing = [alert["labels"] for alert in alerts if alert["state"] == "firing"]
    return {" of ".join([one["alertname"], *([one["what"]] if "what" in one else [])]) for one in firing}


async def _until(base: str, alert: str, *, firing: bool) -> bool:
    """Whether the alert fires (or not) before the patience is at its end."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if (alert in await _firing(base)) is firing:
            return True
        await asyncio.sleep(0.5)
    return False


def free_ports_in_a_row(count: int) -> int:
    """The first of so many ports of this host that nobody listens on at this moment."""
    for first in range(20_000, 30_000, count):
        taken = []
        try:
            for port in range(first, first + count):
                taken.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        else:
            return first
        finally:
            for server in taken:
                server.close()
    raise OSError("no ports are free")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos.alerts", description=__doc__)
    parser.add_argument("--only", default="", help="the faults that have these words in their name")
    options = parse(parser)
    return conclude(options, lambda data, nursery: run(data, nursery, options.only), broken)


if __name__ == "__main__":
    sys.exit(main())
