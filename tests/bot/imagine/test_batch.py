"""Permutations and --repeat: asked first, then one waiting message a job as there is room, and one for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import discord
import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from bot.features import FEATURES
from bot.waiting.batches import BatchMessages
from contract.catalogue import EASEL_SMALL
from contract.codec import job_from_document
from contract.jobs import DiscordChannel, Job, User
from contract.planning import plan
from exchange import keys
from exchange.batches import RUNNER_S
from exchange.queue import MessageRef, Submitted
from service.asker import Asker
from service.batches import open_batch
from service.cancelling import cancel_all
from service.profiles import Profile
from service.services import Services
from service.wishes import wish
from tests.bot.edits import HeldEdits


@pytest.fixture
def new_bot(services: Services) -> Callable[[], EaselClient]:
    """Bots whose edits wait for the test."""
    return lambda: EaselClient(services, FEATURES, shard_count=1, edits=HeldEdits())


async def test_many_jobs_are_asked_about_first(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Number and pictures are shown; nothing is enqueued before the yes."""
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


async def test_a_yes_that_failed_for_now_can_be_said_again(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis went away between the press and what it starts: the question waits on, under the same button."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    message = asked.response.message

    async def away(*arguments: object, **more: object) -> None:
        raise redis.exceptions.ConnectionError("away")

    with monkeypatch.context() as bad:
        bad.setattr(services.batches, "open", away)
        await alice.click(message, label="Yes, run 2 jobs")
    await services.background.finish()
    assert await services.queue.of_user(alice.id) == []
    await alice.click(message, label="Yes, run 2 jobs")
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


async def test_the_question_says_how_long_it_takes_and_how_many_fit(
    services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Minutes, by the speed that workers have shown and as many slots as one person may use; never a unit of ours."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    description = asked.response.embeds[0].description or ""
    assert description.startswith("This makes **12 jobs**, 48 pictures.\n10 jobs of yours may wait at a time")
    [pending] = await store.keys("easel:pending:*")
    document = json.loads(await store.get(pending) or b"")["value"]["request"]["jobs"][0]
    cost = plan(job_from_document(document), EASEL_SMALL).cost
    await store.hset(keys.speed(), EASEL_SMALL.name, str(cost / 60))  # a job a minute
    for slot in range(4):
        await store.sadd(keys.rq_workers_of(keys.RENDER), f"rq:worker:{slot}")
        await store.set(f"rq:worker:{slot}", "")
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    assert "Drawing them takes about 4 min." in (asked.response.embeds[0].description or "")


async def visit(env: Env) -> None:
    """What the bot does every few seconds: look at its batches, and send the edits that are due."""
    bot = env.bot
    assert isinstance(bot, EaselClient)
    await bot.batches.visit_all()
    await bot.edits.send_due()


async def test_what_was_promised_starts_as_there_is_room(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Ten may wait: of twelve ten start at once, the others when two of them have ended; one message says so."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    first = await services.queue.of_user(alice.id)
    assert len(first) == services.queue.limits.max_queued_per_user == 10
    await visit(simcord_env)
    assert asked.response.embeds[0].description == (
        "10 of 12 jobs started, 0 finished\n2 jobs will start as soon as there is room."
    )
    for id in first[:2]:
        await services.queue.discard(id)
    await visit(simcord_env)
    assert len(await services.queue.of_user(alice.id)) == 10
    assert asked.response.embeds[0].description == "12 of 12 jobs started, 0 finished\n2 cancelled"


@pytest.mark.usefixtures("paced")
async def test_the_waiting_messages_of_a_batch_are_paced(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """They leave room in the channel for what others post: four at once, the next ones as time passes."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 6")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 6 jobs")
    await visit(simcord_env)
    assert len(await services.queue.of_user(alice.id)) == 4
    assert "2 jobs will start" in (asked.response.embeds[0].description or "")
    [place] = await store.keys(keys.posts("*"))
    assert await store.zcard(place) == 4
    await store.delete(place)  # five seconds later
    await visit(simcord_env)
    assert len(await services.queue.of_user(alice.id)) == 6


async def test_another_process_goes_on_with_a_batch(
    simcord_env: Env,
    services: Services,
    store: redis.asyncio.Redis,
    channel: ChannelHandle,
    alice: MemberActor,
    new_bot: Callable[[], EaselClient],
) -> None:
    """The bot dies with two jobs to come: the next one starts them, and no job twice."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    first = await services.queue.of_user(alice.id)
    await simcord_env.restart_bot(new_bot())
    for id in first:
        await services.queue.discard(id)
    await visit(simcord_env)
    assert await services.queue.of_user(alice.id) == []  # the old process may still be alive: it has claimed the batch
    [key] = await store.keys("easel:batch:*:runner")
    assert 0 < await store.pttl(key) <= RUNNER_S * 1000
    await store.delete(key)
    await visit(simcord_env)
    second = await services.queue.of_user(alice.id)
    assert len(second) == 2
    assert not set(second) & set(first)


async def test_a_process_leaves_the_batches_of_other_guilds_alone(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """It does not claim them either, so that the process that serves the guild can go on at once."""
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    assert channel.guild is not None
    serving, other = (
        BatchMessages(services, bot, bot.edits, bot.waiting, is_ours=lambda guild_id, ours=ours: ours)  # type: ignore[misc]
        for ours in (True, False)
    )
    asker = Asker(
        user=User(alice.id, "alice"),
        destination=DiscordChannel(channel.id, channel.guild.id),
        asked_ms=0,
        key=1,
        guild_id=channel.guild.id,
        channel_id=channel.id,
    )
    wanted = wish("a fox --repeat 2", asker, Profile(), services.catalogue)
    await open_batch(services, asker, "a" * 16, wanted.jobs, None)
    await other.visit_all()
    assert await services.queue.of_user(alice.id) == []
    assert await services.batches.claim("a" * 16, "anybody")
    await services.batches.close("a" * 16, alice.id)
    await open_batch(services, asker, "b" * 16, wanted.jobs, None)
    await other.visit_all()
    await serving.visit_all()
    assert len(await services.queue.of_user(alice.id)) == 2


async def test_a_batch_ends_when_its_last_job_has(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Its message loses the button, and nothing is kept of it."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 2 jobs")
    for id in await services.queue.of_user(alice.id):
        await store.hset(keys.state(id), "state", "delivered")
    await visit(simcord_env)
    [embed] = asked.response.embeds
    assert (embed.title, embed.description) == ("All done", "2 of 2 jobs started, 2 finished")
    assert asked.response.components == []
    assert await store.keys("easel:batch*") == []


async def test_cancel_all_ends_what_runs_and_what_was_to_come(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The answer counts both, and it is so: nothing starts afterwards."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    result = await alice.slash(channel, "cancel", job="all")
    assert result.response is not None
    assert result.response.content == "Cancelled 10 of your jobs. 2 jobs that had not started will not start."
    await visit(simcord_env)
    assert await services.queue.of_user(alice.id) == []
    [embed] = asked.response.embeds
    assert (embed.title, embed.description) == ("Stopped", "10 of 12 jobs started, 0 finished\n10 cancelled")


async def test_a_job_that_is_being_accepted_while_all_are_cancelled_never_runs(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command comes between the acceptance of a job and its release: it was ended, the others do not start."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue, green} fox")
    submit = services.queue.submit
    said: list[tuple[int, int]] = []

    async def interrupted(job: Job, **numbers: Any) -> Submitted:
        submitted = await submit(job, **numbers)
        if len(await services.queue.of_user(alice.id)) == 2:
            asker = Asker(user=job.user, destination=job.destination, asked_ms=0, key=1)
            ended = await cancel_all(services, asker)
            said.append((len(ended.jobs), ended.never_started))
        return submitted

    monkeypatch.setattr(services.queue, "submit", interrupted)
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 3 jobs")
    assert said == [(2, 1)]
    assert await services.queue.of_user(alice.id) == []


@pytest.mark.parametrize("person", ["owner", "stranger", "moderator"])
async def test_cancel_all_under_a_batch_is_for_those_who_may(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor, person: str
) -> None:
    """Its owner, and people who may delete messages in its channel."""
    role = simcord_env.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    moderator = simcord_env.guild.add_member(simcord_env.create_user("mod"), roles=[role])
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    await visit(simcord_env)
    who = {"owner": alice, "stranger": bob, "moderator": moderator}[person]
    result = await who.click(asked.response.message, label="Cancel all")
    await visit(simcord_env)
    if person == "stranger":
        assert result.ephemeral
        assert len(await services.queue.of_user(alice.id)) == 10
    else:
        assert await services.queue.of_user(alice.id) == []
        assert asked.response.embeds[0].title == "Stopped"


@pytest.mark.parametrize(("status", "code", "started"), [(403, 50083, 0), (400, 200000, 0), (403, 0, 2), (500, 0, 2)])
async def test_a_batch_ends_where_discord_takes_no_message(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    status: int,
    code: int,
    started: int,
) -> None:
    """A locked thread would not take the results either; a block page says nothing of that, and the jobs go on."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    simcord_env.inject_error("POST", "/channels/*/messages", status=status, code=code, times=None)
    await alice.click(asked.response.message, label="Yes, run 2 jobs")
    await visit(simcord_env)
    assert len(await services.queue.of_user(alice.id)) == started
    expected = "Running" if started else "I cannot answer here"
    assert asked.response.embeds[0].title == expected


async def test_one_batch_that_cannot_be_read_stops_no_other(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Whatever somebody wrote there: it is left alone, and said once."""
    nonsense: dict[str, dict[str, str]] = {
        "a" * 16: {"owner": "x", "document": "{"},
        "b" * 16: {"owner": "1", "document": '{"jobs": [], "channel": 1}'},
        "c" * 16: {"owner": "1", "document": "[7]"},
        "d" * 16: {"nothing": "1"},
    }
    for token, fields in nonsense.items():
        for name, value in fields.items():
            await store.hset(keys.batch(token), name, value)
        await store.sadd(keys.batches(), token)
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 11")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 11 jobs")
    await services.queue.discard((await services.queue.of_user(alice.id))[0])
    await visit(simcord_env)
    assert len(await services.queue.of_user(alice.id)) == 10
    assert len(await services.batches.tokens()) == 1
