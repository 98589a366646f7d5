"""`python -m benchmarks.intake --json`: what pictures that never come cost everybody else.

A worker with the default model draws a neighbour's grids one after another, first alone, then while jobs of eight other
people hang on the links of a host that accepts every connection and says nothing. The neighbour's latency, from
`release` to the finished pictures, should not tell the difference. Rounds are interleaved, the ratio is of medians.
"""

import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.measure import arguments, report, rounded
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.planning import plan
from contract.prompt import parse
from exchange import keys
from exchange.connection import connect, connect_async
from exchange.delivery import MessageRef
from exchange.embedded import embedded
from exchange.images import FolderStore
from exchange.queue import JobQueue
from worker import tasks
from worker.engines import Engines
from worker.intake import Intake
from worker.loading import Loader
from worker.pictures import Studio
from worker.reading import DEADLINE_S, Reading
from worker.slots import SlotPool

HANGING = 8
SLOTS = {keys.INTAKE: 4, keys.RENDER: 4}


def job(number: int, prompt: str) -> Job:
    """A job of somebody who has no other."""
    made = Job(
        id=job_id(number, EASEL_SMALL.fingerprint, number),
        request=Imagine(),
        prompt=parse(prompt).prompts[0],
        model=EASEL_SMALL.name,
        user=User(number, "someone"),
        destination=DiscordChannel(1),
        created_ms=0,
    )
    return replace(made, plan=plan(made, EASEL_SMALL))


@contextlib.asynccontextmanager
async def silent_host() -> AsyncIterator[str]:
    """The origin of a host that takes every connection and answers nothing."""
    closing = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await closing.wait()
        writer.close()

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    closing.set()
    server.close()


async def submit(queue: JobQueue, each: Job) -> None:
    """Accepted and acknowledged."""
    assert each.plan is not None
    await queue.submit(each)
    await queue.release(each.id, MessageRef(1, each.user.id))


async def latency_s(queue: JobQueue, store: FolderStore, number: int) -> float:
    """From the release of a neighbour's job to its last picture."""
    each = job(number, "a red fox in the snow")
    await submit(queue, each)
    begun = time.monotonic()
    while store.get_image(each.id, 3) is None:  # noqa: ASYNC110 - the store has no event that says so
        await asyncio.sleep(0.005)
    return time.monotonic() - begun


async def measure(rounds: int, url: str, folder: Path) -> tuple[list[float], list[float]]:
    """Latencies alone, and beside jobs that hang."""
    client, queue, store = connect(url), JobQueue(connect_async(url)), FolderStore(folder)
    engines = Engines([EASEL_SMALL.name], Loader(DEFAULT_CATALOGUE, "cpu").load)
    engines.open()
    alone: list[float] = []
    beside: list[float] = []
    async with silent_host() as host:
        intake = Intake(store, partial(Reading, trusted={host}))
        studio = Studio(engines, store, client, DEFAULT_CATALOGUE, intake)
        tasks.equip(tasks.Tools(client, studio, intake=intake))
        pool = SlotPool(client, SLOTS)
        pool.start()
        await latency_s(queue, store, 1)
        for turn in range(rounds):
            alone.append(await latency_s(queue, store, 100 * turn + 2))
            hanging = [job(100 * turn + 10 + n, f"{host}/{n}.png a fox") for n in range(HANGING)]
            for each in hanging:
                await submit(queue, each)
            await asyncio.sleep(1)  # all slots of the intake are taken by now
            beside.append(await latency_s(queue, store, 100 * turn + 3))
            for each in hanging:
                await queue.cancel(each.id, by=each.user.id)
            await asyncio.sleep(1)
        await asyncio.to_thread(pool.stop)
        tasks.equip(None)
    engines.close()
    return alone, beside


def main() -> None:
    options = arguments(__doc__ or "", rounds=9).parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        alone, beside = asyncio.run(measure(options.rounds, url, Path(folder) / "images"))
    figures = {
        "alone_s": rounded(statistics.median(alone), 2),
        "beside_hanging_links_s": rounded(statistics.median(beside), 2),
        "ratio": rounded(statistics.median(beside) / statistics.median(alone), 2),
    }
    print(f"{HANGING} links hang for up to {DEADLINE_S:.0f} s; {options.rounds} rounds")
    report("Intake", figures, options.json, goals={"ratio": "<= 1.2"})


if __name__ == "__main__":
    main()
