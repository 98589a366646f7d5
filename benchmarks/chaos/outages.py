"""`python -m benchmarks.chaos.outages --seconds 15 60 180 --json`: Redis is in trouble for a while, in every way.

Jobs run and wait when it begins, and people go on typing. Afterwards no process has ended, the next grid comes within
15 seconds, and every accepted job has been delivered, once. Exit status 1 when any of this is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import redis

from benchmarks.chaos.command import conclude, parse
from benchmarks.chaos.house import House
from benchmarks.chaos.nursery import Nursery
from benchmarks.chaos.oracle import judge
from benchmarks.chaos.storm import ENDED, Storm
from benchmarks.chaos.tiny_model import write_tiny_model
from exchange import keys
from exchange.connection import connect
from exchange.reading import text

NEXT_GRID_WITHIN_S = 15.0
BEFORE, MEANWHILE_S = 6, 3.0
"""Jobs that are asked for just before, and how often somebody types meanwhile."""

CONFIGURED: dict[str, tuple[list[str], list[str]]] = {
    "full": (["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]),
    "read_only": (["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]),
    "no_rights": (
        ["ACL", "SETUSER", "default", "-@write", "-subscribe", "-evalsha"],
        ["ACL", "SETUSER", "default", "+@all"],
    ),
    "no_connections": (["CONFIG", "SET", "maxclients", "1"], ["CONFIG", "SET", "maxclients", "10000"]),
}
KINDS = (*CONFIGURED, "masterless", "down", "frozen")


class Trouble:
    """What goes wrong with the server of a house; each method begins one kind and returns what ends it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._admin = redis.Redis.from_url(house.redis_url)  # it was there before, and is spared
        self._admin.ping()

    async def begin(self, kind: str) -> Callable[[], Awaitable[None]]:
        """Begin it; call what is returned to end it."""
        if kind == "masterless":
            return await self._masterless()
        if kind in ("down", "frozen"):
            return await self._gone(kind)
        first, last = CONFIGURED[kind]
        await asyncio.to_thread(self._admin.execute_command, *first)
        if kind == "no_connections":
            others = [client for client in self._admin.client_list() if int(client["id"]) != self._admin.client_id()]
            for client in others:
                with suppress(redis.exceptions.ResponseError):  # it went by itself
                    self._admin.client_kill_filter(_id=client["id"])

        async def end() -> None:
            await asyncio.to_thread(self._admin.execute_command, *last)

        return end

    async def _masterless(self) -> Callable[[], Awaitable[None]]:
        await asyncio.to_thread(self._admin.config_set, "replica-serve-stale-data", "no")
        await asyncio.to_thread(self._admin.execute_command, "REPLICAOF", "127.0.0.1", "1")

        async def end() -> None:
            await asyncio.to_thread(self._admin.execute_command, "REPLICAOF", "NO", "ONE")
            await asyncio.to_thread(self._admin.config_set, "replica-serve-stale-data", "yes")

        return end

    async def _gone(self, kind: str) -> Callable[[], Awaitable[None]]:
        server = await self._house.redis_pid()
        assert server is not None
        keeper = self._house.redis_keeper_pid
        if kind == "down":
            os.kill(keeper, signal.SIGSTOP)  # or it would start another one at once
            os.kill(server, signal.SIGKILL)
        else:
            os.kill(server, signal.SIGSTOP)

        async def end() -> None:
            os.kill(keeper if kind == "down" else server, signal.SIGCONT)

        return end


async def outage(house: House, storm: Storm, kind: str, seconds: float) -> dict[str, Any]:
    """One outage: how soon the next grid came, and what became of the jobs that were there."""
    for number in range(BEFORE):
        await storm.imagine_as(number, number)
    await asyncio.sleep(0.5)
    exits = house.exits
    heal = await Trouble(house).begin(kind)
    until = time.monotonic() + seconds
    try:
        while (left_s := until - time.monotonic()) > 0:
            await asyncio.sleep(min(MEANWHILE_S, left_s))
            if left_s > MEANWHILE_S:
                await storm.imagine_as(7, 7)
    finally:
        await heal()
    healed = time.monotonic()
    with closing(connect(house.redis_url)) as client:
        delivered = await asyncio.to_thread(_states, client)
        before = sum(state == "delivered" for state in delivered.values())
        next_s = None
        while time.monotonic() - healed < 120:
            if next_s is None:
                await storm.imagine_as(8, 8)
            await asyncio.sleep(0.5)
            states = await asyncio.to_thread(_states, client)
            if next_s is None and sum(state == "delivered" for state in states.values()) > before:
                next_s = round(time.monotonic() - healed, 1)
            if next_s is not None and all(state in ENDED for state in states.values()):
                break
    return {"kind": kind, "seconds": seconds, "next_grid_s": next_s, "exits": house.exits - exits}


def _states(client: redis.Redis) -> dict[str, str]:
    found = list(client.scan_iter(keys.state("*"), count=2000))
    with client.pipeline(transaction=False) as pipe:
        for key in found:
            pipe.hget(key, "state")
        return {text(key): text(state or b"") for key, state in zip(found, pipe.execute(), strict=True)}


async def run(kinds: list[str], durations: list[float], data: Path, nursery: Nursery) -> dict[str, Any]:
    """All of them, one after another, in one house."""
    write_tiny_model(data / "model")
    async with House(data, nursery) as house:
        storm = Storm(house, 1)
        outages = []
        for seconds in durations:
            for kind in kinds:
                outages.append(await outage(house, storm, kind, seconds))
                print(json.dumps(outages[-1]), flush=True)
        await storm.settle()
        verdict = await judge(house, storm.programs)
    return {"outages": outages, **asdict(verdict)}


def broken(report: dict[str, Any]) -> list[str]:
    """The promises that a report shows broken."""
    late = [one for one in report["outages"] if (one["next_grid_s"] or 1e9) > NEXT_GRID_WITHIN_S]
    promises = {
        f"the next grid was late: {late}": not late,
        "a process ended": not any(one["exits"] for one in report["outages"]),
        "a job was lost": report["lost"] == 0,
        "a job ended twice": report["doubled"] == 0,
        "a job was not delivered": report["accepted"] == report["delivered"],
        "a picture is wrong": report["wrong_picture"] == 0,
        "something was left behind in the queue": report["left_behind"] == 0,
    }
    return [words for words, kept in promises.items() if not kept]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos.outages", description=__doc__)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--seconds", nargs="+", type=float, default=[15.0], help="how long each lasts (default: 15)")
    options = parse(parser)
    return conclude(options, lambda data, nursery: run(options.kinds, options.seconds, data, nursery), broken)


if __name__ == "__main__":
    sys.exit(main())
