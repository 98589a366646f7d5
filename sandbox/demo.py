"""The whole of Easel on this machine, in one command: Redis, the sandbox, the bot and a worker as real processes.

``python -m sandbox demo [--json] [--port 8911] [--data DIR]`` prints one address (with ``--json`` one JSON line) when
everything is ready and runs until Ctrl-C or SIGTERM. All state is in the data folder, so the next start goes on from
there. What runs here is started by its command line and never imported: it is the same code that runs in production.
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sandbox.processes import ChildFailed, Fact, Program, Run

START_WITHIN_S = 300.0
GRACE_S = 15.0
BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
STEADY_S = 60.0
"""A process that lived this long starts again with the shortest back-off."""
WORKER_DRAIN_S = 5
"""Jobs that are being drawn get this long to finish at the end; the rest go on at the next start."""


class Demo:
    """Starts the processes, keeps them running, ends them."""

    def __init__(self, port: int, data: Path, say: Callable[[str], None]) -> None:
        self._port = port
        self._data = data
        self._say = say
        self._runs: dict[str, Run] = {}
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> Fact:
        """Start everything and wait until all are ready; what ``--json`` prints. ChildFailed if one does not start."""
        await self._launch(self._sandbox(self._port))
        redis_url = os.environ.get("REDIS_URL")
        if not redis_url:
            folder = str(self._data / "redis")
            program = self._program("redis", ["exchange.embedded", "--data", folder], lambda line: "redis_url" in line)
            redis = await (await self._launch(program)).ready(START_WITHIN_S)
            redis_url = str(redis["redis_url"])
            if not redis["already_running"]:
                self._keep(program)
        served = await self._runs["sandbox"].ready(START_WITHIN_S)
        # Should it have to be started again, then on the port that the others know by now.
        self._keep(self._sandbox(int(served["base_url"].rpartition(":")[2])))
        environment = {
            "REDIS_URL": redis_url,
            "DISCORD_TOKEN": served["bot_token"],
            "DISCORD_API_BASE": served["base_url"],
            "DISCORD_GATEWAY_URL": served["gateway_url"],
            "IMAGE_STORE": str(self._data / "images"),
            "STATE_FOLDER": str(self._data / "worker"),
            "LOG_FORMAT": "json",
            "OMP_NUM_THREADS": "1",
            "DRAIN_S": str(WORKER_DRAIN_S),
        }
        bot = self._program("bot", ["bot"], _says_ready, environment)
        worker = self._program("worker", ["worker", "start", "--gpus", "cpu"], _says_ready, environment)
        for program in (bot, worker):
            await self._launch(program)
        await asyncio.gather(*(self._runs[program.name].ready(START_WITHIN_S) for program in (bot, worker)))
        for program in (bot, worker):
            self._keep(program)
        return served | {"redis_url": redis_url, "pids": {name: run.pid for name, run in self._runs.items()}}

    async def stop(self) -> None:
        """End everything: first those that use the others, then the others."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for names in (("worker", "bot"), ("redis",), ("sandbox",)):
            await asyncio.gather(*(self._runs[name].stop(GRACE_S) for name in names if name in self._runs))

    def _sandbox(self, port: int) -> Program:
        arguments = ["sandbox", "serve", "--json", "--port", str(port), "--data", str(self._data / "sandbox")]
        return self._program("sandbox", arguments, lambda line: "page_url" in line)

    def _program(
        self, name: str, module: list[str], is_ready: Callable[[Fact], bool], environment: dict[str, str] | None = None
    ) -> Program:
        inherited = os.environ | {"PYTHONUNBUFFERED": "1"} | (environment or {})
        log = self._data / "logs" / f"{name}.log"
        return Program(name, [sys.executable, "-m", *module], inherited, log, is_ready)

    async def _launch(self, program: Program) -> Run:
        program.log.unlink(missing_ok=True)
        run = self._runs[program.name] = await program.start()
        return run

    def _keep(self, program: Program) -> None:
        self._keepers.append(asyncio.create_task(self._keep_running(program)))

    async def _keep_running(self, program: Program) -> None:
        """Start a program again whenever it ends, ever more slowly while it keeps failing."""
        clock = asyncio.get_running_loop()
        failures = 0
        while True:
            since = clock.time()
            status = await self._runs[program.name].ended()
            failures = 0 if clock.time() - since > STEADY_S else failures
            delay_s = BACKOFF_S[min(failures, len(BACKOFF_S) - 1)]
            failures += 1
            self._say(f"the {program.name} ended with status {status}; starting it again in {delay_s:g} s")
            await asyncio.sleep(delay_s)
            run = self._runs[program.name] = await program.start()
            try:
                await run.ready(START_WITHIN_S)
                self._say(f"the {program.name} is ready again (process {run.pid})")
            except ChildFailed as error:
                self._say(str(error).splitlines()[0])


def _says_ready(line: Fact) -> bool:
    return line.get("event") == "ready"


@contextlib.contextmanager
def _own(data: Path) -> Iterator[None]:
    """Make the data folder and hold it: two demos in one folder would overwrite each other. BlockingIOError if held.

    It holds tokens and what people typed: from here on this process and its children write for their user alone.
    """
    os.umask(0o077)
    (data / "logs").mkdir(parents=True, exist_ok=True)
    for folder in (data, data / "logs"):  # they may be older than this rule
        folder.chmod(0o700)
    with (data / "demo.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


async def _run(port: int, data: Path, as_json: bool) -> int:
    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, ending.set)
    demo = Demo(port, data, say)
    starting = asyncio.create_task(demo.start())
    asked = asyncio.create_task(ending.wait())
    try:
        if not as_json:
            say("Starting Redis, the sandbox, the bot and a worker …")
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            facts = starting.result()
            if as_json:
                print(json.dumps(facts), flush=True)
            else:
                print(f"\n  Easel is ready: {facts['page_url']}\n\n  Logs: {data / 'logs'}   End: Ctrl-C\n", flush=True)
            await asked
    except ChildFailed as error:
        say(str(error))
        return 1
    finally:
        starting.cancel()
        asked.cancel()
        await asyncio.gather(starting, asked, return_exceptions=True)
        await demo.stop()
    return 0


def main(argv: list[str]) -> int:
    """Run the demo. 0 after Ctrl-C or SIGTERM, 1 when something did not start."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox demo",
        description="Easel on this machine: Redis, a stand-in for Discord with a page, the bot and one worker.",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line with addresses, tokens and ids")
    parser.add_argument("--port", type=int, default=8911, help="port of the page on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of all state (default: ./data)")
    options = parser.parse_args(argv)
    data = options.data.resolve()
    try:
        with _own(data):
            return asyncio.run(_run(options.port, data, options.json))
    except BlockingIOError:
        print(
            f"Another demo runs with the data in {data}. End it, or choose another folder by --data.", file=sys.stderr
        )
        return 1
