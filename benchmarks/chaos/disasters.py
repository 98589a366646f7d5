"""What goes wrong around the house beside deaths: Redis refuses, the store takes nothing, strangers write to Redis."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

import redis

from benchmarks.chaos.house import House
from exchange import keys
from exchange.connection import connect

SHORTEST_S, LONGEST_S = 0.5, 3.0


class Disasters:
    """One after another until cancelled; each is over when its method returns. Counts by kind are public."""

    def __init__(self, house: House, seed: int) -> None:
        self.house = house
        self.random = random.Random(seed)
        self.count: Counter[str] = Counter()

    async def rage(self) -> None:
        """Pick one at random, ever again."""
        every: list[Callable[[], Awaitable[None]]] = [
            self.full,
            self.read_only,
            self.no_rights,
            self.no_store,
            self.poison,
        ]
        while True:
            await asyncio.sleep(self.random.uniform(2.0, 8.0))
            disaster = self.random.choice(every)
            self.count[disaster.__name__] += 1
            await asyncio.shield(asyncio.ensure_future(disaster()))

    async def full(self) -> None:
        """OOM at every write."""
        await self._refusing(["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"])

    async def read_only(self) -> None:
        """A fail-over that takes a while: READONLY."""
        await self._refusing(["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"])

    async def no_rights(self) -> None:
        """Somebody edits the ACL: NOPERM."""
        taken = ["ACL", "SETUSER", "default", "-@write", "-subscribe", "-evalsha"]
        await self._refusing(taken, ["ACL", "SETUSER", "default", "+@all"])

    async def no_store(self) -> None:
        """The image store is not there; what was drawn has to be posted from memory."""
        place = self.house.data / "images"
        away: list[Path] = []
        while not place.is_file():
            away.append(place.with_name(f"images.{len(away)}"))
            os.rename(place, away[-1])
            with suppress(IsADirectoryError):  # a worker has made the folder anew in between: that one goes too
                place.write_bytes(b"")
        await self._a_while()
        place.unlink()
        os.rename(away[0], place)
        for later in away[1:]:
            shutil.copytree(later, place, dirs_exist_ok=True)

    async def poison(self) -> None:
        """Foreign and damaged entries, in keys and over channels."""
        rubbish = self.random.choice([b"\xff\xfe", b"nan", b"{", b"a:b:c", b"x" * 500, b""])
        queue = self.random.choice(keys.QUEUES)

        def write(client: redis.Redis) -> None:
            client.hset(keys.rq_job("foo"), mapping={"status": "started", "origin": queue, "data": rubbish})
            client.zadd(keys.leases(queue), {b"foo:x": 0, rubbish: 0})
            client.zadd(keys.held(), {rubbish: 0})
            client.zadd(keys.open_jobs(), {rubbish: 0})
            client.rpush(keys.rq_list(queue), rubbish)
            client.sadd(keys.rq_workers(), rubbish)
            client.sadd(keys.nodes(), rubbish)
            client.set(self.random.choice([keys.speed(), keys.recovered(), keys.arrivals(queue)]), rubbish)
            for channel in (keys.cancel_channel(), keys.progress_channel()):
                client.publish(channel, rubbish)

        await self._told(write)

    async def _refusing(self, begin: list[str], end: list[str]) -> None:
        if not await self._told(lambda client: client.execute_command(*begin)):
            return
        await self._a_while()
        # Redis may be killed meanwhile; it then comes back well.
        while not await self._told(lambda client: client.execute_command(*end)):  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.2)

    async def _told(self, write: Callable[[redis.Redis], object]) -> bool:
        """Whether Redis was there to be told."""

        def tell() -> bool:
            client = redis.Redis.from_url(self.house.redis_url, retry=None, socket_timeout=5)
            with closing(client), suppress(redis.exceptions.RedisError):
                write(client)
                return True
            return False

        return await asyncio.to_thread(tell)

    async def _a_while(self) -> None:
        await asyncio.sleep(self.random.uniform(SHORTEST_S, LONGEST_S))


async def emptied(house: House, imagine: Callable[[int, int], Awaitable[None]], jobs: int = 12) -> dict[str, int]:
    """Redis comes back empty while jobs wait and run, and the bot that posted their messages dies with it: how many of
    them have one end a minute and a half later."""
    before = await asyncio.to_thread(_known, house)
    await asyncio.to_thread(house.client.set, keys.suspended(), 1)
    for number in range(jobs):
        await imagine(number % len(house.users), number)
    accepted: set[str] = set()
    while len(accepted) < jobs:
        await asyncio.sleep(0.1)
        accepted = await asyncio.to_thread(_known, house) - before
    await asyncio.sleep(2)  # released, and known to the bot by their messages
    await asyncio.to_thread(house.client.delete, keys.suspended())
    await asyncio.sleep(0.3)
    for member in house.members:
        if member.role == "bot" and member.ready:
            os.kill(member.pid, signal.SIGKILL)
            member.ready = False
    await asyncio.to_thread(house.client.flushall)
    fresh = connect(house.redis_url)
    with closing(fresh):
        for _ in range(900):
            states = [await asyncio.to_thread(fresh.hget, keys.state(job), "state") for job in accepted]
            if all(state in (b"delivered", b"failed") for state in states):
                break
            await asyncio.sleep(0.1)
    return {"emptied": jobs, "emptied_without_end": sum(state not in (b"delivered", b"failed") for state in states)}


def _known(house: House) -> set[str]:
    prefix = keys.state("")
    return {key.decode().removeprefix(prefix) for key in house.client.scan_iter(keys.state("*"), count=2000)}
