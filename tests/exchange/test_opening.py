"""A process that begins: what passes by itself is waited for, what an operator has to mend is told at once."""

from __future__ import annotations

import asyncio
import socketserver
import threading
from collections.abc import Callable, Iterator

import pytest
import redis
from pydantic import SecretStr
from structlog.testing import capture_logs

from exchange.connection import NotServing, RedisUnavailable
from exchange.opening import await_redis, open_redis
from exchange.rights import RightsMissing
from exchange.settings import CommonSettings
from tests.exchange.troubles import full, read_only, stale


def settings(url: str) -> CommonSettings:
    """Settings that read neither environment nor files."""
    return CommonSettings(_env_file=None, redis_url=SecretStr(url))


@pytest.fixture(params=[full, read_only, stale], ids=lambda trouble: str(trouble.__name__))
def healed(request: pytest.FixtureRequest, client: redis.Redis) -> Iterator[Callable[[], object]]:
    """Puts the server right that is in trouble when the test begins."""
    heal = request.param(client)
    yield heal
    heal()


def test_a_command_that_ends_at_once_says_what_is_wrong(redis_url: str, healed: Callable[[], object]) -> None:
    """In one sentence: nobody waits for it."""
    with pytest.raises(NotServing, match="Redis cannot be used for now"):
        open_redis(settings(redis_url))
    healed()
    open_redis(settings(redis_url)).close()


def test_a_process_waits_for_better_weather(
    redis_url: str, healed: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says once what it waits for, and begins as soon as it can."""
    pauses: list[float] = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            healed()

    monkeypatch.setattr("exchange.opening.time.sleep", sleep)
    with capture_logs() as lines:
        open_redis(settings(redis_url), patient=True).close()
    assert len(pauses) == 3
    assert [line["event"] for line in lines] == ["bad weather", "the weather is good again"]


async def test_a_door_waits_without_standing_still(redis_url: str, healed: Callable[[], object]) -> None:
    """Its loop runs meanwhile, so that it can be told to end."""
    waiting = asyncio.create_task(await_redis(settings(redis_url)))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    healed()
    await asyncio.wait_for(waiting, 10)


@pytest.fixture
def loading() -> Iterator[str]:
    """A server that still reads its file, as every Redis does for a while after a crash."""

    class Loading(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline():
                self.wfile.write(b"-LOADING Redis is loading the dataset in memory\r\n")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Loading) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"redis://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_server_that_still_reads_its_file_is_waited_for(loading: str) -> None:
    """LOADING is no refusal."""
    with pytest.raises(NotServing, match="still reading its file"):
        open_redis(settings(loading))


def test_what_an_operator_has_to_mend_is_told_at_once(redis_url: str, client: redis.Redis) -> None:
    """However patient a process is: nothing that answers, a wrong password, a missing right."""
    with pytest.raises(RedisUnavailable, match="does not answer"):
        open_redis(settings("redis://127.0.0.1:1"), patient=True)
    path = redis_url.removeprefix("unix://")
    client.execute_command("ACL", "SETUSER", "easel", "reset", "on", ">secret", "~*", "&*", "+@all", "-zadd")
    try:
        with pytest.raises(RightsMissing, match="zadd"):
            open_redis(settings(f"unix://easel:secret@{path}"), patient=True)
        with pytest.raises(RedisUnavailable, match="does not let us in") as caught:
            open_redis(settings(f"unix://easel:wrong@{path}"), patient=True)
        assert not isinstance(caught.value, NotServing)
    finally:
        client.acl_deluser("easel")
