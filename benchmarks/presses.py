"""`python -m benchmarks.presses --json`: what one person's presses in a channel cost another person there.

Both have their pictures in the store, so a U button needs nothing but a post. The neighbour presses one every few
seconds, first alone, then while somebody else has pressed forty. Discord is the sandbox, with the commonly reported
limit of five messages in five seconds a channel; the deliverer is the real one, with its four slots. At the end two
hundred jobs of one person are cancelled at once.
"""

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from benchmarks.chaos.house import found_world
from benchmarks.measure import arguments, report, rounded
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.endpoints import discord_endpoints
from contract.ids import job_id
from contract.jobs import DiscordChannel, Generation, Job, User
from contract.kinds.upscale import Upscale
from contract.outcomes import JobState
from contract.planning import plan
from contract.prompt import parse
from exchange import keys
from exchange.connection import connect, connect_async
from exchange.embedded import embedded
from exchange.images import FolderStore
from exchange.queue import JobQueue, Limits
from sandbox.core import Sandbox
from sandbox.server import running
from worker import tasks
from worker.delivery.discord import DiscordDoor
from worker.delivery.ending import Delivery
from worker.delivery.poster import Poster
from worker.encoding import encode_lossless
from worker.slots import SlotPool

PRESSES, CANCELLED = 40, 200
EVERY_S = 4.0
"""Between two presses of the neighbour."""


def press(number: int, user: str, channel_id: int) -> Job:
    """A press on a U button."""
    made = Job(
        id=job_id(number, EASEL_SMALL.fingerprint, number),
        request=Upscale(0, (Generation(number, 0),)),
        prompt=parse("a red fox in the snow").prompts[0],
        model=EASEL_SMALL.name,
        user=User(int(user), "someone"),
        destination=DiscordChannel(channel_id),
        created_ms=int(time.time() * 1000),
    )
    return replace(made, plan=plan(made, EASEL_SMALL))


class Channel:
    """One channel of the sandbox, and the way into it."""

    def __init__(self, queue: JobQueue, store: FolderStore, sandbox: Sandbox) -> None:
        self._queue = queue
        self._store = store
        self._id = next(iter(sandbox.world.channels))
        self._number = 0
        self._file = encode_lossless(np.zeros((256, 256, 3), np.uint8), parameters="").data

    async def press(self, user: str) -> Job:
        """Accepted and acknowledged."""
        self._number += 1
        job = press(self._number, user, int(self._id))
        self._store.put_image(job.id, 0, self._file)
        await self._queue.submit(job)
        await self._queue.release(job.id, None)
        return job

    async def latency_s(self, user: str) -> float:
        """From a press to its message."""
        begun = time.monotonic()
        job = await self.press(user)
        while await self._queue.state(job.id) is not JobState.DELIVERED:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)
        return time.monotonic() - begun


async def measure(rounds: int, folder: Path) -> tuple[list[float], list[float], float, float]:
    """The neighbour's latencies alone and beside the presses, how long all of those took, and how long `cancel all`."""
    (neighbour, _), (presser, _), *_ = found_world(folder / "sandbox")
    with embedded(folder / "redis", durable=False) as url:
        client, queue = connect(url), JobQueue(connect_async(url), Limits(0, 0, 0, 0))
        store = FolderStore(folder / "images")
        async with running(0, folder / "sandbox") as sandbox:
            token = next(user.token for user in sandbox.world.users.values() if user.bot)
            poster = Poster(SecretStr(token), discord_endpoints(sandbox.wire.base_url))
            door = DiscordDoor(poster, upload_limit_bytes=10 << 20)
            tasks.equip(tasks.Tools(client, delivery=Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE)))
            pool = SlotPool(client, {keys.DELIVER: 4})
            pool.start()
            channel = Channel(queue, store, sandbox)

            async def latencies() -> list[float]:
                taken = []
                for _ in range(rounds):
                    taken.append(await channel.latency_s(neighbour))
                    await asyncio.sleep(max(0.0, EVERY_S - taken[-1]))
                return taken

            alone = await latencies()
            begun = time.monotonic()
            pressed = [await channel.press(presser) for _ in range(PRESSES)]
            beside = await latencies()
            while any([await queue.state(job.id) is not JobState.DELIVERED for job in pressed]):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            took_s = time.monotonic() - begun
            await asyncio.to_thread(pool.stop)
            await asyncio.to_thread(poster.close)
            tasks.equip(None)
            for _ in range(CANCELLED):
                await channel.press(presser)
            begun = time.monotonic()
            assert len(await queue.cancel_all(int(presser))) == CANCELLED
            cancel_s = time.monotonic() - begun
    return alone, beside, took_s, cancel_s


def main() -> None:
    options = arguments(__doc__ or "", rounds=8).parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-") as folder:
        alone, beside, took_s, cancel_s = asyncio.run(measure(options.rounds, Path(folder)))
    figures = {
        "alone_s": rounded(statistics.median(alone), 2),
        "beside_presses_s": rounded(statistics.median(beside), 2),
        "longest_beside_s": rounded(max(beside), 2),
        "all_presses_s": rounded(took_s, 1),
        "cancel_all_s": rounded(cancel_s, 2),
    }
    goals = {"longest_beside_s": "<= alone + 1", "cancel_all_s": "<= 1"}
    report("Presses of one person", figures, options.json, goals=goals)


if __name__ == "__main__":
    main()
