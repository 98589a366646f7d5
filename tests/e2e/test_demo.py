"""The launcher itself: it ends what it started, goes on from its data, and says clearly why it cannot start."""

import asyncio
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.demo import STOP_WITHIN_S, Demo, launch, wait_until
from tests.e2e.test_road import imagine, press
from tests.sandbox_user import SandboxUser

EXPECTED = {
    *("page_url", "base_url", "gateway_url", "bot_token", "user_token", "second_user_token"),
    *("application_id", "guild_id", "channel_id", "redis_url", "pids"),
}


def person(demo: Demo) -> SandboxUser:
    """The first person, wherever the demo runs now."""
    facts = demo.facts
    return SandboxUser(facts["base_url"], facts["user_token"], facts["guild_id"], facts["channel_id"])


async def test_the_demo_ends_without_a_trace_and_goes_on_from_its_data(demo: Demo) -> None:
    """SIGTERM: exit status 0, nothing left running. Started again, a button of before works, and a job whose worker was
    killed under it is finished, once."""
    assert set(demo.facts) >= EXPECTED
    assert set(demo.pids) == {"redis", "sandbox", "bot", "worker"}
    async with person(demo) as ada:
        grid = await imagine(ada, "a smiling face with sunglasses")
        waiting = await ada.wait_answer(await ada.slash("imagine", prompt="a house on a hill"))
        begun = [asyncio.ensure_future(ada.wait_update(waiting)), asyncio.ensure_future(ada.wait_delete(waiting))]
        await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)  # a fast worker may be through already
        for wait in begun:
            wait.cancel()
        os.kill(demo.pids["worker"], signal.SIGKILL)
    assert demo.stop() == 0
    assert demo.survivors() == []
    demo.start()
    async with person(demo) as ada:
        history = await ada.history()
        assert grid["id"] in [message["id"] for message in history]
        if not any(map(is_finished_house, history)):
            await ada.wait_message(is_finished_house, STOP_WITHIN_S)
        await press(ada, grid, "U1", r" - Image #1 <@\d+>$")
        for _ in range(int(STOP_WITHIN_S * 10)):  # the waiting message may go after another's result has come
            if all(map(is_finished_house, houses := await messages_of_a_house(ada))):
                break
            await asyncio.sleep(0.1)
        assert list(map(is_finished_house, houses)) == [True], "one result, and the waiting message is gone"


async def messages_of_a_house(ada: SandboxUser) -> list[dict[str, Any]]:
    """What stands in the channel of the job that was interrupted."""
    return [message for message in await ada.history() if "**a house on a hill" in message["content"]]


def is_finished_house(message: dict[str, Any]) -> bool:
    """The result of the job that was interrupted."""
    return "**a house on a hill" in message["content"] and message["content"].endswith("> (fast)")


def test_a_part_that_does_not_start_ends_the_demo_with_its_own_words(data: Path) -> None:
    """Exit status 1, one sentence, the end of the log, and nothing left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = launch(data, "--port", str(taken.getsockname()[1]))
        out, words = process.communicate(timeout=STOP_WITHIN_S)
    assert process.returncode == 1
    assert out == ""
    assert "The sandbox ended with status 2 instead of starting." in words
    assert "in use" in words
    assert Demo(data).survivors() == []


def test_nobody_else_may_read_what_the_demo_keeps(demo: Demo) -> None:
    """Logs, tokens, pictures, Redis's files and socket: all for the user who started it."""
    kept = [demo.data, *demo.data.rglob("*")]
    assert {path.relative_to(demo.data).parts[0] for path in kept[1:]} >= {"logs", "redis", "sandbox"}
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


def test_two_demos_do_not_share_a_data_folder(demo: Demo) -> None:
    """The second one leaves the first alone and says which folder is taken."""
    process = launch(demo.data)
    _, words = process.communicate(timeout=STOP_WITHIN_S)
    assert process.returncode == 1
    assert str(demo.data) in words


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_a_demo_that_is_still_starting_leaves_nothing_behind(data: Path, ending: signal.Signals) -> None:
    """Whether it is asked to end or killed outright while its parts are coming up."""
    process = launch(data)
    worker_log = data / "logs" / "worker.log"
    wait_until(lambda: worker_log.exists() and worker_log.stat().st_size, "the worker has begun", STOP_WITHIN_S)
    process.send_signal(ending)
    process.communicate(timeout=STOP_WITHIN_S)
    wait_until(lambda: Demo(data).survivors() == [], "all processes are gone", STOP_WITHIN_S)
