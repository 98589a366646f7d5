"""Permutations and --repeat: asked first, then one waiting message a job, until a limit says no."""

from __future__ import annotations

import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from contract.catalogue import EASEL_SMALL
from contract.planning import plan
from exchange.queue import MessageRef
from service.services import Services


async def test_many_jobs_are_asked_about_first(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Number, pictures and cost are shown; nothing is enqueued before the yes."""
    result = await alice.slash(channel, "imagine", prompt="a {red, blue} {fox, cat} --repeat 2")
    assert result.response is not None
    [embed] = result.response.embeds
    assert "**8 jobs**, 32 pictures" in (embed.description or "")
    assert "- a red fox" in (embed.description or "")
    assert await services.queue.of_user(alice.id) == []


async def test_yes_starts_each_with_a_message_of_its_own(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Four jobs, four waiting messages that the queue knows, four seeds."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox --repeat 2")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 4 jobs")
    jobs = [await services.queue.accepted(id) for id in await services.queue.of_user(alice.id)]
    assert sorted(job.prompt.text for job in jobs if job) == ["a blue fox"] * 2 + ["a red fox"] * 2
    assert len({job.seed for job in jobs if job}) == 4
    assert {job.plan for job in jobs if job} == {plan(job, EASEL_SMALL) for job in jobs if job}
    waiting = {message.id for message in channel.history() if message.content.endswith("(Waiting to start)")}
    known = {await services.queue.waiting_message(job.id) for job in jobs if job}
    assert known == {MessageRef(channel.id, id) for id in waiting}
    assert asked.response.components == []


async def test_yes_twice_starts_once(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The request is a record that is taken once; a stranger cannot take it."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    message = asked.response.message
    await alice.click(message, label="Yes, run 2 jobs")
    [yes] = [button for row in message.components for button in row.children if button.label != "No"]  # type: ignore[union-attr]
    assert yes.custom_id is not None  # type: ignore[union-attr]
    token = yes.custom_id.rpartition("::")[2]  # type: ignore[union-attr]
    assert await services.preferences.take_pending(token, owner=alice.id) is None
    assert len(await services.queue.of_user(alice.id)) == 2


async def test_no_starts_nothing(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The question is answered and its buttons are gone."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    await alice.click(asked.response.message, label="No")
    assert asked.response.components == []
    assert await services.queue.of_user(alice.id) == []


async def test_a_strangers_yes_is_refused(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Only the one who asked can confirm, and still can afterwards."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    refused = await bob.click(asked.response.message, label="Yes, run 2 jobs")
    assert refused.ephemeral
    assert await services.queue.of_user(bob.id) == []
    await alice.click(asked.response.message, label="Yes, run 2 jobs")
    assert len(await services.queue.of_user(alice.id)) == 2


async def test_a_request_has_a_lifetime(
    services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Once its record has run out, the yes is answered with a sentence."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    [key] = await store.keys("easel:pending:*")
    assert 0 < await store.ttl(key) <= 900
    await store.delete(key)
    assert asked.response is not None
    result = await alice.click(asked.response.message, label="Yes, run 2 jobs")
    assert result.ephemeral
    assert result.response is not None
    assert result.response.embeds[0].title == "Request expired"


async def test_a_limit_in_the_middle_is_said(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Ten may wait: of twelve the first ten start, and the question's message says how many."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    assert len(await services.queue.of_user(alice.id)) == services.queue.limits.max_queued_per_user
    [embed] = asked.response.embeds
    assert embed.title == "Queue full"
    assert "10 of 12 jobs were started" in (embed.description or "")
