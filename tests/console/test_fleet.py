"""`status`, `top`, `drain` and `reset-breaker`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis
from textual.pilot import Pilot
from textual.widgets import DataTable, Static

from console.top import Top, notes
from exchange import keys
from exchange.status import Backlog, QueueStatus, Running, Status
from tests.console.conftest import Easel


def test_status_prints_people_and_json(easel: Easel) -> None:
    """Needs no token."""
    assert "queue" in easel("status").said
    assert [queue["name"] for queue in easel("status", "--json").document["queues"]] == ["intake", "render", "deliver"]


@pytest.mark.parametrize("url", ["", "unix:///nowhere/redis.sock", "carrier-pigeon://coop"])
def test_without_redis_the_ways_to_get_one_are_named(easel: Easel, url: str) -> None:
    """Not set, not answering, not an address."""
    answer = easel("status", REDIS_URL=url)
    assert answer.status == 2
    assert "REDIS_URL" in answer.said


def test_everything_is_tried_again(easel: Easel, client: redis.Redis) -> None:
    """Workers and supervisors look at this number."""
    assert easel("reset-breaker").status == 0
    assert client.get(keys.resumed()) == b"1"


def test_a_place_is_drained_and_filled_again(easel: Easel, client: redis.Redis) -> None:
    """Said what runs there; a second time is an error, as is a word that is no place."""
    client.hset(keys.node("north-1-ab-cd"), mapping={"name": "north-1-ab-cd", "pid": 1, "place": "north:0"})
    assert easel("drain", "north:0", "--json").document == {"place": "north:0", "drained": True, "running": 0}
    assert "north:0 begins no job" in easel("status").said
    assert easel("drain", "north:0").status == 4
    assert "No worker is there" in easel("drain", "south").said
    assert easel("undrain", "north:0").status == 0
    assert easel("undrain", "north:0").status == 4
    assert easel("drain", "north:first").status == 2
    assert list(easel("status", "--json").document["drained"]) == ["south"]


async def test_top_shows_what_status_knows() -> None:
    """Queues, what waits by model, workers with their card, jobs, and what is amiss."""
    status = Status(
        queues=(QueueStatus("render", 7, 1, 0, 2, 4, 700.0),),
        held=3,
        suspended=False,
        workers=(
            {
                "name": "north-1-ab-cd",
                "pid": "1",
                "place": "north:0",
                "slots": "4",
                "models": "sdxl",
                "loaded": "sdxl",
                "card": "NVIDIA H100",
                "card_used_bytes": str(30 * 2**30),
                "card_total_bytes": str(80 * 2**30),
                "card_busy_percent": "97",
                "memory_bytes": str(900 * 2**20),
            },
            {"name": "north-device-1", "state": "left alone after 5 deaths"},
        ),
        backlog=(Backlog("sdxl", 7, 700.0),),
        running=(Running("0192f0c1", "render", "sdxl", "north-1-ab-cd-2", 1.5),),
        drained={"north": 1.0},
    )
    app = Top(lambda: status, every_s=0.05)
    async with app.run_test(size=(160, 40)) as pilot:
        await wait_for(lambda: app.query_one("#jobs", DataTable).row_count == 1, pilot)
        tables = {
            name: [" | ".join(map(str, app.query_one(f"#{name}", DataTable).get_row_at(row))) for row in range(rows)]
            for name, rows in (("queues", 1), ("models", 1), ("workers", 2), ("jobs", 1))
        }
    assert tables == {
        "queues": ["render | 7 | 1 | 0 | 2 | 4 | 12 min"],
        "models": ["sdxl | 7 | 12 min"],
        "workers": [
            "north:0 | sdxl | 4 | 1 | 900 MiB | NVIDIA H100 | 30.0 GiB of 80.0 GiB | 97 % | drained",
            "north-device-1 |  |  | 0 |  |  |  |  | left alone after 5 deaths",
        ],
        "jobs": ["0192f0c1 | render | sdxl | 1.5 s | north-1-ab-cd-2"],
    }
    assert notes(status) == ["3 jobs wait for the bot's answer"]


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_top_lives_on_without_redis(key: str) -> None:
    """It says so, and goes on to ask until somebody ends it."""

    def fail() -> Status:
        raise redis.exceptions.ConnectionError("nobody is there")

    app = Top(fail, every_s=0.05)
    async with app.run_test() as pilot:
        await wait_for(lambda: "nobody is there" in str(app.query_one("#note", Static).content), pilot)
        assert app.return_code is None
        await pilot.press(key)
        assert app.return_code == 0


async def wait_for(said: Callable[[], bool], pilot: Pilot[None]) -> None:
    """Until the screen says it."""
    for _ in range(400):
        if said():
            return
        await pilot.pause(0.02)
    pytest.fail("the screen never said it")
