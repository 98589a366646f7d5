"""`python -m benchmarks.cancel_all --json`: `/cancel all` of one person with two hundred jobs, as Discord sees it.

The bot (on unmodified discord.py), the worker that draws meanwhile, Redis with its file and the sandbox are those of
`benchmarks.acknowledge`; Discord's usual limits hold while the command is typed. Taken: when the answer stands, what it
says, how many jobs still waited or ran then, and when the last waiting message said `(Stopped)`.
"""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.acknowledge import Crowd, programs
from benchmarks.chaos.house import found_world
from benchmarks.measure import arguments, report, rounded
from exchange.connection import connect_async
from exchange.embedded import embedded
from exchange.queue import JobQueue
from sandbox.core import Sandbox
from sandbox.server import running

LONGEST_S = 300.0
SETTLES_S = 5.0


class Answer:
    """The first answer to a command that is typed after `attach`: when it stood, and its words."""

    def __init__(self) -> None:
        self.at_s: float | None = None
        self.said = ""

    def attach(self, sandbox: Sandbox) -> None:
        """Listen to what the bot answers; that it needs more time is no answer."""
        exchange = sandbox.record.exchange

        def noted(entry: dict[str, Any]) -> None:
            body = entry["json"] if isinstance(entry["json"], dict) else {}
            told = body.get("data") if entry["path"].split("?")[0].endswith("/callback") else None
            if isinstance(told, dict) and told.get("content", "").startswith("Cancelled") and self.at_s is None:
                self.at_s, self.said = time.perf_counter(), told["content"]
            exchange(entry)

        sandbox.record.exchange = noted  # type: ignore[method-assign]


async def measure(jobs: int, data: Path) -> dict[str, Any]:
    """All of it, as the JSON line has it."""
    person, *_ = found_world(data / "sandbox")
    with embedded(data / "redis") as redis_url:
        async with running(0, data / "sandbox") as sandbox, programs(sandbox, redis_url, data, yielding=False):
            queue, answer = JobQueue(connect_async(redis_url)), Answer()
            async with aiohttp.ClientSession() as http:
                crowd = Crowd(sandbox, [person], http)
                sandbox.limits.change({"enabled": False})
                while len(await queue.of_user(int(person[0]))) < jobs:
                    for _ in range(20):
                        await crowd.slash("imagine", prompt="a red fox in the snow")
                    await asyncio.sleep(1)
                await asyncio.sleep(SETTLES_S)
                sandbox.limits.change({"enabled": True})
                known = await queue.of_user(int(person[0]))
                answer.attach(sandbox)
                typed_s = time.perf_counter()
                await crowd.slash("cancel", job="all")
                while answer.at_s is None:
                    assert time.perf_counter() - typed_s < LONGEST_S, "nobody answered"
                    await asyncio.sleep(0.002)
                left = len(await queue.of_user(int(person[0])))
                while _waiting(sandbox) and time.perf_counter() - typed_s < LONGEST_S:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.2)
                told_s = time.perf_counter() - typed_s
    return {
        "jobs": len(known),
        "answered_s": rounded(answer.at_s - typed_s, 3),
        "said": answer.said,
        "left_at_the_answer": left,
        "last_message_s": rounded(told_s, 1),
        "messages_without_an_end": _waiting(sandbox),
    }


def _waiting(sandbox: Sandbox) -> int:
    """Messages that look as if their job went on: with a Cancel button under them."""
    return sum("MJ::CancelJob" in json.dumps(message.components) for message in sandbox.world.messages.values())


def main() -> None:
    options = arguments(__doc__ or "", jobs=200).parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-") as folder:
        figures = asyncio.run(measure(options.jobs, Path(folder)))
    goals = {"answered_s": "<= 1", "left_at_the_answer": "0, or what is being stopped"}
    report("Cancel all", figures, options.json, goals=goals)


if __name__ == "__main__":
    main()
