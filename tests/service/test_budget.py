"""The time a request may take: one budget, which what is inside cannot lengthen and what is outside does not have."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
import redis.exceptions

from contract.errors import UserError
from service.background import Background
from service.budget import DEFAULT_S, budget, left_s, promptly

HOUR_S = 3600.0


async def test_an_inner_budget_cannot_lengthen_the_outer_one() -> None:
    """A helper that gives itself time does not get more than its caller has."""
    with budget(60.0), budget(HOUR_S):
        assert left_s() <= 60.0


async def test_after_a_budget_there_is_none() -> None:
    """Where nobody waits for an answer the default holds."""
    with budget(HOUR_S):
        assert left_s() > DEFAULT_S
    assert left_s() == DEFAULT_S


async def test_a_spent_budget_refuses_at_once() -> None:
    """Nothing is asked any more: the answer has to leave."""
    with budget(0.0), pytest.raises(UserError) as refused:
        async with promptly():
            await asyncio.sleep(HOUR_S)
    assert refused.value.kind == "queue_unreachable"


@pytest.mark.parametrize("error", [redis.exceptions.ConnectionError, redis.exceptions.ReadOnlyError])
async def test_any_error_of_redis_is_a_queue_out_of_reach(error: type[Exception]) -> None:
    """Whatever it answers, the person can only try again."""
    with pytest.raises(UserError) as refused:
        async with promptly():
            raise error("no")
    assert refused.value.kind == "queue_unreachable"


async def test_work_in_the_background_has_its_own_time() -> None:
    """It was started by a request whose time is over."""
    seen: list[float] = []

    async def work() -> None:
        seen.append(left_s())

    background = Background()
    with budget(0.0):
        background.start(work())
    await background.finish()
    assert seen == [DEFAULT_S]


async def test_what_work_in_the_background_raises_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody waits for it, so nobody else would learn of it."""

    async def work() -> None:
        raise ZeroDivisionError

    background = Background()
    background.start(work())
    await background.finish()
    await asyncio.sleep(0)
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_a_process_leaves_no_work_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is nearly done finishes, what takes longer is cancelled; afterwards nothing runs, also if it is stubborn."""
    monkeypatch.setattr("service.background.FINISH_S", 0.1)
    monkeypatch.setattr("service.background.AGAIN_S", 0.01)
    ended: list[str] = []

    async def short() -> None:
        await asyncio.sleep(0)
        ended.append("finished")

    async def long() -> None:
        with suppress(asyncio.CancelledError):  # as `wait_for` of Python 3.11 does in a rare moment
            await asyncio.sleep(3600)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("cancelled")

    background = Background()
    background.start(short())
    background.start(long())
    await background.close()
    assert ended == ["finished", "cancelled"]
