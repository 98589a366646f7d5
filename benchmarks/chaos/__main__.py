"""`python -m benchmarks.chaos --kills 1000 --seed 1 --json`: nothing is lost, nothing is posted twice.

The last line is one JSON object. Exit status 1 when any promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.chaos.command import conclude, parse
from benchmarks.chaos.disasters import emptied
from benchmarks.chaos.house import ROLES, House
from benchmarks.chaos.nursery import Nursery
from benchmarks.chaos.oracle import judge
from benchmarks.chaos.order import newcomer_waits_for
from benchmarks.chaos.storm import Storm
from benchmarks.chaos.tiny_model import write_tiny_model

RENDER_SLOTS = 4 * ROLES["worker"]
"""All of these may be filled at the moment when the newcomer's turn comes; beyond them nobody goes first."""


async def run(kills: int, seed: int, data: Path, nursery: Nursery) -> dict[str, Any]:
    """One storm and its judgement, as the JSON line has it."""
    began = time.monotonic()
    write_tiny_model(data / "model")
    async with House(data, nursery) as house:
        storm = Storm(house, seed)
        await storm.rage(kills)
        await house.all_ready()
        ahead = await newcomer_waits_for(house, storm)
        await storm.settle()
        verdict = await judge(house, storm.programs)
        emptied_house = await emptied(house, storm.imagine_as)
    return {
        "kills": storm.kills.total(),
        "kills_by_role": dict(storm.kills),
        "kills_in_flight": storm.kills_in_flight,
        **asdict(verdict),
        "caps_exceeded": storm.caps_exceeded,
        "newcomer_waited_for": ahead,
        "freezes": storm.freezes,
        "faults": storm.faults,
        "linked": storm.linked,
        "asked_again": sum(order.asked - 1 for order in storm.programs.orders),
        "forged": storm.programs.forged,
        "disasters": dict(storm.disasters.count),
        "exits": house.exits,
        **emptied_house,
        "seconds": round(time.monotonic() - began, 1),
    }


def broken(report: dict[str, Any]) -> list[str]:
    """The promises that a report shows broken."""
    promises = {
        "a job was lost": report["lost"] == 0,
        "a job ended twice": report["doubled"] == 0,
        "a picture is wrong": report["wrong_picture"] == 0,
        "something was left behind in the queue": report["left_behind"] == 0,
        "a program had no answer": report["unanswered"] == 0,
        "a webhook was not signed": report["forged"] == 0,
        "a cap was exceeded": report["caps_exceeded"] == 0,
        "a newcomer had to wait": report["newcomer_waited_for"] <= RENDER_SLOTS,
        "jobs are unaccounted for": report["accepted"] == report["delivered"] + report["failed_clearly"],
        "a process ended that was not killed": report["exits"] == 0,
        "a job of an emptied Redis has no end": report["emptied_without_end"] == 0,
        "too few jobs": report["accepted"] >= 5 * report["kills"],
        "too few kills hit a job": 4 * report["kills_in_flight"] >= report["kills"],
    }
    return [words for words, kept in promises.items() if not kept]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how many ready processes are killed (default: 50)")
    parser.add_argument("--seed", type=int, default=1, help="what is killed when, as far as chance allows")
    options = parse(parser)
    return conclude(options, lambda data, nursery: run(options.kills, options.seed, data, nursery), broken)


if __name__ == "__main__":
    sys.exit(main())
