"""The house under test: sandbox, Redis with its file, bot, API, workers, deliverer, as processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import redis

from benchmarks.chaos.nursery import Nursery
from exchange import keys
from exchange.connection import connect
from exchange.reading import text
from worker.recovery import bury, unique_name
from worker.supervisor import NAME_VARIABLE

ROOT = Path(__file__).parents[2]
USERS = 12
ROLES = {"bot": 1, "api": 1, "worker": 2, "deliverer": 1}
DOORS = ("bot", "api")
"""Those of them that hold no leases."""
API_SECRET = "a secret of the storm"  # of a house on loopback, for an hour
READY_WITHIN_S = 120.0
RUNNING_CAP = 3


@dataclass
class Member:
    """One place in the house: a role, and the process that fills it now."""

    role: str
    number: int
    log: Path
    pid: int = 0
    name: str = ""
    ready: bool = False
    read_to: int = 0


@dataclass
class House:
    """Starts everything, starts again what dies, ends everything."""

    data: Path
    nursery: Nursery
    facts: dict[str, Any] = field(default_factory=dict)
    users: list[tuple[str, str]] = field(default_factory=list)
    members: list[Member] = field(default_factory=list)
    redis_url: str = ""
    exits: int = 0
    """Processes that were ready and ended although nobody killed them."""
    metrics_port: int = 0
    """Where the first place tells its metrics, the others at the ports behind it; 0: nowhere."""

    async def __aenter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self.users = found_world(self.data / "sandbox")
        self._sandbox = await self._process(
            "sandbox", "serve", "--json", "--port", "0", "--data", str(self.data / "sandbox")
        )
        self._redis = await self._process("exchange.embedded", "--data", str(self.data / "redis"))
        self.facts = await _line(self._sandbox)
        self.redis_url = (await _line(self._redis))["redis_url"]
        self.client = connect(self.redis_url)
        self._api_port, self.webhook_port = free_ports(2)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._watch())]
        for role, count in ROLES.items():
            for number in range(count):
                self.members.append(Member(role, number, self.data / f"{role}{number}.log"))
        for member in self.members:
            self._order(member)
        try:
            await self.all_ready()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        os.close(self.nursery.orders)
        await asyncio.to_thread(os.waitpid, self.nursery.pid, 0)
        for process in (self._redis, self._sandbox):
            if process.returncode is None:
                process.terminate()
            await process.wait()
        self.client.close()

    async def all_ready(self) -> None:
        """Return when every place is filled by a process that is ready. TimeoutError names those that are not."""
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not all(member.ready for member in self.members):  # noqa: ASYNC110 - logs tell no event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            missing = [f"{member.role} (see {member.log})" for member in self.members if not member.ready]
            raise TimeoutError(f"not ready in time: {', '.join(missing)}") from None

    async def redis_pid(self) -> int | None:
        """The server's process, once it is ready; None while it is away or still reads its file."""
        quick = redis.Redis.from_url(self.redis_url, retry=None, socket_timeout=0.5)
        try:
            await asyncio.to_thread(quick.ping)
            return int((await asyncio.to_thread(quick.info, "server"))["process_id"])
        except redis.exceptions.RedisError:
            return None
        finally:
            quick.close()

    @property
    def api_url(self) -> str:
        """Where the API listens, each time that it is born."""
        return f"http://127.0.0.1:{self._api_port}"

    @property
    def redis_keeper_pid(self) -> int:
        """The process that starts another server when one has died."""
        return self._redis.pid

    def freeze_discord(self, how: signal.Signals) -> None:
        """SIGSTOP: the sandbox takes connections and answers nobody; SIGCONT ends that."""
        self._sandbox.send_signal(how)

    def leases_of(self, pid: int) -> int:
        """Jobs that a worker process holds a lease on, in both queues."""
        prefix = f"{self._name_of(pid)}-"
        count = 0
        for queue in keys.QUEUES:
            for member in cast(list[bytes], self.client.zrange(keys.leases(queue), 0, -1)):
                worker = self.client.hget(keys.execution(text(member)), "worker_name")
                count += worker is not None and text(worker).startswith(prefix)
        return count

    def environment(self) -> dict[str, str]:
        """What every program of the house gets."""
        return {
            "REDIS_URL": self.redis_url,
            "DISCORD_TOKEN": self.facts["bot_token"],
            "DISCORD_API_BASE": self.facts["base_url"],
            "DISCORD_GATEWAY_URL": self.facts["gateway_url"],
            "IMAGE_STORE": str(self.data / "images"),
            "STATE_FOLDER": str(self.data / "worker"),
            "CATALOGUE": str(self.data / "model.toml"),
            "LOG_FORMAT": "json",
            "OMP_NUM_THREADS": "1",
            "MAX_QUEUED_PER_USER": "60",
            "MAX_RUNNING_PER_USER": str(RUNNING_CAP),
            "POSTS_PER_CHANNEL": "0",
            "DELIVERY_PATIENCE_S": "20",
            "API_PORT": str(self._api_port),
            "API_URL": self.api_url,
            "API_SECRET": API_SECRET,
        }

    def _order(self, member: Member) -> None:
        member.pid, member.ready = 0, False
        member.read_to = member.log.stat().st_size if member.log.exists() else 0
        member.name = unique_name()
        environment = self.environment() | {NAME_VARIABLE: member.name}
        if self.metrics_port:
            environment["METRICS_PORT"] = str(self.metrics_port + self.members.index(member))
        order = {"role": member.role, "environment": environment, "log": str(member.log)}
        self._waiting.append(member)
        os.write(self.nursery.orders, json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        """Births in the order of the requests, deaths as they come; the dead are replaced and their leases ended."""
        facts = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(facts), os.fdopen(self.nursery.facts, "rb")
        )
        while line := await facts.readline():
            fact = json.loads(line)
            if "born" in fact:
                self._waiting.pop(0).pid = fact["born"]
            for member in self.members:
                if member.pid and member.pid == fact.get("died"):
                    # the storm marks those that it kills; a refusal at the start is the program's good right
                    self.exits += member.ready and fact["status"] != -signal.SIGKILL
                    member.ready = False
                    if member.role not in DOORS:
                        asyncio.get_running_loop().run_in_executor(None, self._bury, member.name)
                    self._order(member)

    def _name_of(self, pid: int) -> str:
        return next((member.name for member in self.members if member.pid == pid), "nobody")

    def _bury(self, name: str) -> None:
        """What `worker.supervisor` does for its children."""
        try:
            bury(self.client, name)
        except redis.exceptions.RedisError as error:
            print(f"leases of {name} are left to lapse: {error}", file=sys.stderr)

    async def _watch(self) -> None:
        """A process is ready when it has said so in its log."""
        while True:
            for member in self.members:
                if member.pid and not member.ready and member.log.exists():
                    member.ready = b'"event": "ready"' in member.log.read_bytes()[member.read_to :]
            await asyncio.sleep(0.05)

    async def _process(self, *module: str) -> Process:
        log = os.open(self.data / f"{module[0]}.err", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
        for name in ("REDIS_URL", "CATALOGUE", "IMAGE_STORE"):
            environment.pop(name, None)
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *module), stdin=DEVNULL, stdout=PIPE, stderr=log, cwd=ROOT, env=environment
            )
        finally:
            os.close(log)

    def __post_init__(self) -> None:
        self._waiting: list[Member] = []
        self._api_port = self.webhook_port = 0


async def _line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the house ended by itself; its words are in the data folder")
    fact: dict[str, Any] = json.loads(line)
    return fact


def found_world(folder: Path) -> list[tuple[str, str]]:
    """A sandbox world with many people, made before it starts; their ids and tokens."""
    from sandbox.clock import Clock
    from sandbox.store import Store
    from sandbox.world import User, World

    store = Store(folder)
    world = World(Clock(), store)
    for number in range(USERS):
        user_id = world.ids.next()
        world.save_user(User(user_id, f"user{number}", f"User {number}", f"token{number}.chaos", False))
    store.close()
    return [(user.id, user.token) for user in world.users.values() if not user.bot]


def free_ports(count: int) -> list[int]:
    """Ports of this host that nobody listens on at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
