"""What was accepted is safe, whatever becomes of the answer; what could not be accepted never runs."""

from __future__ import annotations

import asyncio

import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot import calls
from contract.messages import REFUSAL_COLOUR
from exchange import keys, scripts
from service.accepting import accept
from service.asker import Asker
from service.services import Services
from tests.bot.delivered import accepted_job


async def recover(store: redis.asyncio.Redis, held_s: float = 0.0) -> None:
    """What a worker's recovery does with jobs held too long."""
    await scripts.run_async(
        store,
        scripts.RECOVER,
        scripts.arguments({"queues": keys.QUEUES, "held_s": held_s, "look_s": 10, "stems": keys.STEMS}),
    )


async def test_an_answer_that_came_too_late_does_not_lose_the_job(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Discord says the interaction is unknown, and there is no message: the job runs without a waiting message."""
    simcord_env.inject_error("POST", "/interactions/*/callback", status=404, code=10062, message="Unknown interaction")
    await alice.slash(channel, "imagine", prompt="a fox")
    job = await accepted_job(services, alice.id)
    assert await services.queue.state(job.id) == "queued"
    assert await services.queue.waiting_message(job.id) is None


@pytest.mark.parametrize("code", [50083, 160005, 200000, 50013])
async def test_a_refused_answer_discards_the_job(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, code: int
) -> None:
    """A locked thread, AutoMod: nothing is drawn or posted behind the person's back, and they learn why if they can."""
    simcord_env.inject_error("POST", "/interactions/*/callback", status=403, code=code, message="no")
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert await services.queue.of_user(alice.id) == []
    assert result.ephemeral
    assert result.response is not None
    [embed] = result.response.embeds
    assert embed.title == "I cannot answer here"
    assert "fox" not in str(embed.to_dict())  # the words may be what AutoMod did not like


async def test_an_answer_of_unknown_fate_is_left_to_recovery(
    simcord_env: Env,
    services: Services,
    store: redis.asyncio.Redis,
    channel: ChannelHandle,
    alice: MemberActor,
) -> None:
    """Neither the answer nor the question after it came through: the job stays held, then recovery releases it."""
    simcord_env.inject_error("POST", "/interactions/*/callback", status=500, times=None)
    simcord_env.inject_error("GET", "/webhooks/*", status=500, times=None)
    await alice.slash(channel, "imagine", prompt="a fox")
    job = await accepted_job(services, alice.id)
    assert await services.queue.state(job.id) == "held"
    await recover(store)
    assert await services.queue.state(job.id) == "queued"


async def test_a_job_that_ended_before_its_answer_leaves_no_waiting_message(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else would delete that message, so the bot does."""
    release = services.queue.release

    async def too_late(job_id: str, message: object) -> bool:
        await services.queue.discard(job_id)  # type: ignore[arg-type]
        return await release(job_id, message)  # type: ignore[arg-type]

    monkeypatch.setattr(services.queue, "release", too_late)
    await alice.slash(channel, "imagine", prompt="a fox")
    assert channel.history() == []


async def test_a_queue_out_of_reach_is_said_in_time(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis does not answer: the refusal does, for the caller only, and what may have arrived is taken back."""
    discarded: list[str] = []
    monkeypatch.setattr(calls, "BUDGET_S", 0.3)
    submit, discard = services.queue.submit, services.queue.discard

    async def hang(job: object, **numbers: object) -> None:
        await submit(job, **numbers)  # type: ignore[arg-type]
        await asyncio.sleep(60)

    async def take_back(job_id: str) -> None:
        discarded.append(job_id)
        await discard(job_id)  # type: ignore[arg-type]

    monkeypatch.setattr(services.queue, "submit", hang)
    monkeypatch.setattr(services.queue, "discard", take_back)
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.ephemeral
    assert result.response is not None
    [embed] = result.response.embeds
    assert (embed.title, embed.colour and embed.colour.value) == ("Please try again", REFUSAL_COLOUR)
    assert len(discarded) == 1
    assert await services.queue.of_user(alice.id) == []


async def test_settings_out_of_reach_are_said_in_time(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lost connection is the same to the person as a slow one."""

    async def lost(scopes: object) -> None:
        raise redis.asyncio.ConnectionError("lost")

    monkeypatch.setattr(services.preferences, "layers", lost)
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.response is not None
    assert result.response.embeds[0].title == "Please try again"


async def test_our_own_mistakes_are_logged_and_apologised_for(
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The person gets a number, the log the traceback; no detail of ours is shown."""

    async def broken(scopes: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(services.preferences, "layers", broken)
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.ephemeral
    assert result.response is not None
    [embed] = result.response.embeds
    assert (embed.footer.text or "").startswith("Interaction ")
    assert "secret" not in str(embed.to_dict())
    assert "ZeroDivisionError" in capsys.readouterr().out


async def test_the_same_interaction_twice_is_one_job(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """A gateway that delivers an interaction again after a resume changes nothing: same id, same job, same message."""
    result = await alice.slash(channel, "imagine", prompt="a fox")
    job = await accepted_job(services, alice.id)
    asker = Asker(user=job.user, destination=job.destination, asked_ms=job.created_ms, key=1)
    await accept(services, asker, job)
    assert result.response is not None
    assert (await accepted_job(services, alice.id)).id == job.id
    message = await services.queue.waiting_message(job.id)
    assert message is not None
    assert message.message_id == result.response.id
