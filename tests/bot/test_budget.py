"""One budget for all that a command asks before its answer, however many questions that are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.results import InteractionResult

from bot import calls
from service.services import Services

BUDGET_S = 0.3
SLOW_S = 0.2
"""One such question fits into the budget, two do not."""


@pytest.fixture
def slow_store(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading takes two thirds of the budget, and so does writing."""

    def slowly(ask: Callable[..., Any]) -> Callable[..., Any]:
        async def slow(*args: object) -> object:
            await asyncio.sleep(SLOW_S)
            return await ask(*args)

        return slow

    monkeypatch.setattr(calls, "BUDGET_S", BUDGET_S)
    monkeypatch.setattr(calls, "DEFERRED_S", BUDGET_S)
    for name in ("layers", "set", "all"):
        monkeypatch.setattr(services.preferences, name, slowly(getattr(services.preferences, name)))


def title(result: InteractionResult) -> str | None:
    """The title of a refusal."""
    answer = result.response if result.response and result.response.embeds else next(iter(result.followups), None)
    return answer.embeds[0].title if answer and answer.embeds else None


COMMANDS: list[tuple[str, dict[str, str]]] = [
    ("prefer variability", {}),
    ("prefer auto_dm", {}),
    ("prefer suffix", {"new_value": "--ar 3:2"}),
    ("prefer option set", {"option": "mine", "value": "in blue"}),
    ("prefer remix", {}),
    ("imagine", {"prompt": "a {red, blue} fox"}),
    ("imagine", {"prompt": "a fox"}),
]


@pytest.mark.usefixtures("slow_store")
@pytest.mark.parametrize(("command", "options"), COMMANDS)
async def test_two_slow_questions_are_refused_within_one_budget(
    services: Services, channel: ChannelHandle, alice: MemberActor, command: str, options: dict[str, str]
) -> None:
    """Each of them alone would have been in time; the second is broken off when the time of both is over."""
    result = await alice.slash(channel, command, **options)
    assert title(result) == "Please try again"
    assert await services.queue.of_user(alice.id) == []


@pytest.mark.usefixtures("slow_store")
async def test_one_slow_question_is_waited_for(channel: ChannelHandle, alice: MemberActor) -> None:
    """The budget is for slow stores, not against them."""
    result = await alice.slash(channel, "relax")
    assert result.response is not None
    assert result.response.content.startswith("Done!")


async def test_what_goes_on_in_the_background_is_not_in_the_commands_budget(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job whose submission was not confirmed in time is taken back, after the budget is spent."""
    monkeypatch.setattr(calls, "BUDGET_S", BUDGET_S)
    submit, discard = services.queue.submit, services.queue.discard
    taken_back = []

    async def arrive_and_hang(job: Any, **numbers: Any) -> None:
        await submit(job, **numbers)
        await asyncio.sleep(60)

    async def slowly(job_id: Any) -> None:
        await asyncio.sleep(BUDGET_S)
        await discard(job_id)
        taken_back.append(job_id)

    monkeypatch.setattr(services.queue, "submit", arrive_and_hang)
    monkeypatch.setattr(services.queue, "discard", slowly)
    await alice.slash(channel, "imagine", prompt="a fox")
    await services.background.finish()
    assert len(taken_back) == 1
    assert await services.queue.of_user(alice.id) == []
