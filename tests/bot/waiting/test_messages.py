"""Waiting messages: percent and previews arrive in place, for jobs of an earlier process too; no worker is said so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import discord
import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from bot.edits import ChannelEdits
from bot.features import FEATURES
from bot.waiting.messages import FIRST_POSITION_S, JOBS_PER_LOOK, SILENCE_S, WaitingMessages
from contract import messages
from contract.ids import job_id
from contract.jobs import Job
from contract.outcomes import JobState
from exchange import keys
from exchange.progress import Progress
from exchange.queue import MessageRef, Position
from service.services import Services
from tests.bot.delivered import accepted_job

WEBP = b"RIFF\x04\x00\x00\x00WEBP"


class Clock:
    """A steady clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """The clock of the waiting messages under test."""
    return Clock()


@pytest.fixture
def edits(clock: Clock) -> ChannelEdits:
    """The edits that are sent on that clock."""
    return ChannelEdits(clock)


@pytest.fixture
async def waiting(services: Services, simcord_env: Env, edits: ChannelEdits, clock: Clock) -> WaitingMessages:
    """Waiting messages on that clock, in a bot that has just started: it knows nothing yet."""
    return WaitingMessages(services.queue, simcord_env.bot, edits, clock=clock)


@pytest.fixture
async def job(services: Services, channel: ChannelHandle, alice: MemberActor, waiting: WaitingMessages) -> Job:
    """A job of alice's that waits."""
    await alice.slash(channel, "imagine", prompt="a red fox")
    return await accepted_job(services, alice.id)


async def shown(edits: ChannelEdits, channel: ChannelHandle) -> discord.Message:
    """The channel's message once the edits that may go have gone."""
    await edits.send_due()
    message = channel.last_message
    assert message is not None
    return message


async def test_progress_edits_the_waiting_message(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, channel: ChannelHandle
) -> None:
    """A job that this process did not submit is found in the queue, and its message shows the percentage."""
    await waiting.hear(Progress(job.id, 31))
    assert (await shown(edits, channel)).content == messages.progress(job, 31)


async def test_the_first_preview_goes_at_once_and_is_replaced_in_place(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, channel: ChannelHandle, clock: Clock
) -> None:
    """Right after an edit without picture the first preview is shown; the next waits its turn and takes its place."""
    await waiting.hear(Progress(job.id, 0, state=JobState.RUNNING))
    await shown(edits, channel)
    await waiting.hear(Progress(job.id, 15, WEBP))
    first = await shown(edits, channel)
    assert [file.filename for file in first.attachments] == [f"{job.id}_grid_0.webp"]
    await waiting.hear(Progress(job.id, 31, WEBP))
    await waiting.hear(Progress(job.id, 46))
    assert (await shown(edits, channel)).content == messages.progress(job, 15)
    clock.now_s += 1.5
    second = await shown(edits, channel)
    assert second.content == messages.progress(job, 46)
    assert len(second.attachments) == 1
    assert second.attachments[0].id != first.attachments[0].id


async def test_a_deleted_waiting_message_is_silent(
    waiting: WaitingMessages,
    edits: ChannelEdits,
    job: Job,
    channel: ChannelHandle,
    simcord_env: Env,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The worker has posted the result and deleted the message: the late edit says nothing and is the last."""
    [message] = channel.history()
    await simcord_env.bot.get_partial_messageable(channel.id).get_partial_message(message.id).delete()
    before = len(simcord_env.http_requests)
    capsys.readouterr()
    await waiting.hear(Progress(job.id, 93, WEBP))
    await edits.send_due()
    await waiting.hear(Progress(job.id, 99, WEBP))
    await edits.send_due()
    assert [entry.method for entry in simcord_env.http_requests[before:]] == ["PATCH"]
    assert "could not be edited" not in capsys.readouterr().out


@pytest.mark.parametrize("state", [JobState.RENDERED, JobState.FAILED, JobState.CANCELLED])
async def test_an_ended_job_is_edited_no_more(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, channel: ChannelHandle, clock: Clock, state: JobState
) -> None:
    """Progress that was pending or comes late is dropped."""
    await waiting.hear(Progress(job.id, 10))
    await shown(edits, channel)
    await waiting.hear(Progress(job.id, 20))
    await waiting.hear(Progress(job.id, 100, state=state))
    await waiting.hear(Progress(job.id, 30))
    clock.now_s += 10
    assert (await shown(edits, channel)).content == messages.progress(job, 10)


async def test_an_absent_worker_is_named(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, services: Services, channel: ChannelHandle, clock: Clock
) -> None:
    """A few seconds without a start: the first line stays, a small second one says why nothing happens."""
    message = await services.queue.waiting_message(job.id)
    assert message is not None
    waiting.track(job, message)
    await waiting.show_positions()
    assert (await shown(edits, channel)).content == messages.waiting(job)
    clock.now_s += FIRST_POSITION_S
    await waiting.show_positions()
    first, second = (await shown(edits, channel)).content.split("\n")
    assert first == messages.waiting(job)
    assert second.startswith("-# next in line")
    assert "no worker is running" in second


@pytest.mark.parametrize(
    ("position", "said"),
    [
        (Position(ahead=3, eta_s=42.0, running=False, slots=4), "3 jobs ahead of yours · about 40 s"),
        (Position(ahead=0, eta_s=42.0, running=False, slots=4, served=False), "choose another version"),
    ],
    ids=["served", "by none that has its model"],
)
async def test_the_place_and_the_estimate_are_said(
    waiting: WaitingMessages,
    edits: ChannelEdits,
    job: Job,
    services: Services,
    channel: ChannelHandle,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    position: Position,
    said: str,
) -> None:
    """With workers and a known speed the line gives the place and about how long; where none of them has the job's
    model, that, and what to do."""

    async def found(job_id: str) -> Position:
        return position

    monkeypatch.setattr(services.queue, "position", found)
    message = await services.queue.waiting_message(job.id)
    assert message is not None
    waiting.track(job, message)
    clock.now_s += FIRST_POSITION_S
    await waiting.show_positions()
    first, second = (await shown(edits, channel)).content.split("\n")
    assert first == messages.waiting(job)
    assert second.startswith("-# ")
    assert said in second


async def test_a_job_that_fell_silent_is_looked_at(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, services: Services, channel: ChannelHandle, clock: Clock
) -> None:
    """Its worker died and it waits again: the message says so, although it had begun."""
    await waiting.hear(Progress(job.id, 40))
    await shown(edits, channel)
    clock.now_s += SILENCE_S - 1
    await waiting.show_positions()
    assert (await shown(edits, channel)).content == messages.progress(job, 40)
    clock.now_s += 1
    await waiting.show_positions()
    assert (await shown(edits, channel)).content.startswith(messages.waiting(job))


async def test_an_end_nobody_heard_of_is_found(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, services: Services, channel: ChannelHandle, clock: Clock
) -> None:
    """Events may be lost: the silent job is no longer in the queue, so its message is left alone."""
    await waiting.hear(Progress(job.id, 40))
    await services.queue.discard(job.id)
    clock.now_s += SILENCE_S
    await waiting.show_positions()
    await waiting.hear(Progress(job.id, 50))
    assert (await shown(edits, channel)).content != messages.progress(job, 50)


async def test_thousands_of_waiting_jobs_are_asked_about_in_turn(
    waiting: WaitingMessages, job: Job, services: Services, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look asks about a bounded number; the next look goes on with those that waited longer."""
    asked: list[str] = []

    async def position(id: str) -> Position:
        asked.append(id)
        return Position(ahead=0, eta_s=None, running=True, slots=1)

    monkeypatch.setattr(services.queue, "position", position)
    for number in range(3 * JOBS_PER_LOOK):
        other = replace(job, id=job_id(number, 0, number))
        waiting.track(other, MessageRef(1, number))
    clock.now_s += FIRST_POSITION_S
    for look in range(1, 4):
        await waiting.show_positions()
        assert len(set(asked)) == look * JOBS_PER_LOOK


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), OSError("away"), discord.RateLimited(60.0)])
async def test_a_network_that_fails_costs_one_edit(
    waiting: WaitingMessages,
    edits: ChannelEdits,
    job: Job,
    channel: ChannelHandle,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """The edit is lost, as the next one says more anyway; that one goes through."""

    async def fail(message: discord.PartialMessage, **changes: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(discord.PartialMessage, "edit", fail)
        await waiting.hear(Progress(job.id, 10))
        assert (await shown(edits, channel)).content == messages.waiting(job)
    await waiting.hear(Progress(job.id, 20))
    clock.now_s += 1.5
    assert (await shown(edits, channel)).content == messages.progress(job, 20)


async def test_a_newer_processes_job_is_left_to_it(
    waiting: WaitingMessages, job: Job, services: Services, simcord_env: Env, store: redis.asyncio.Redis
) -> None:
    """A document of a newer Easel does not stop the listener of an older one."""

    async def events() -> AsyncIterator[Progress]:
        yield Progress(job.id, 10)

    await store.hset(keys.state(job.id), "job", '{"version": 99, "job": {}}')
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    bot.waiting = waiting
    await bot.follow(events())


async def test_other_processes_jobs_are_left_to_them(
    edits: ChannelEdits, services: Services, simcord_env: Env, job: Job, channel: ChannelHandle
) -> None:
    """A process that serves other guilds edits nothing here."""
    elsewhere = WaitingMessages(services.queue, simcord_env.bot, edits, is_ours=lambda guild_id: False)
    await elsewhere.hear(Progress(job.id, 50))
    assert (await shown(edits, channel)).content == messages.waiting(job)


async def test_no_edit_follows_finish(
    waiting: WaitingMessages, edits: ChannelEdits, job: Job, channel: ChannelHandle
) -> None:
    """After `finish` the message belongs to its caller."""
    await waiting.hear(Progress(job.id, 10))
    await waiting.finish(job.id)
    await waiting.hear(Progress(job.id, 20))
    assert (await shown(edits, channel)).content == messages.waiting(job)


async def test_shards_tell_whose_guild_it_is(services: Services) -> None:
    """Of two processes with a shard each, exactly one serves a guild; direct messages belong to shard 0."""
    first = EaselClient(services, FEATURES, shard_ids=[0], shard_count=2)
    second = EaselClient(services, FEATURES, shard_ids=[1], shard_count=2)
    guild_id = 1 << 22
    assert (first.serves(guild_id), second.serves(guild_id)) == (False, True)
    assert (first.serves(None), second.serves(None)) == (True, False)
