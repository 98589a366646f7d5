"""Redis comes back empty, and the bot is started again too: what people were given a message for still goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from bot.edits import ChannelEdits
from bot.features import FEATURES
from bot.journal import Journal
from bot.waiting.messages import FIRST_POSITION_S, WaitingMessages
from contract.jobs import Job
from contract.outcomes import JobState
from exchange import keys
from exchange.delivery import KEPT_S
from service.services import Services
from tests.bot.delivered import accepted_job
from tests.bot.edits import HeldEdits


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """What both processes keep."""
    return Journal(tmp_path / "waiting.sqlite3")


@pytest.fixture
def new_bot(services: Services, journal: Journal) -> Callable[[], EaselClient]:
    """Bots with that journal, whose edits wait for the test."""
    return lambda: EaselClient(services, FEATURES, shard_count=1, edits=HeldEdits(), journal=journal)


class Later:
    """Another process of the bot, some time later."""

    def __init__(self, services: Services, env: Env, journal: Journal, now_ms: float = 0.0) -> None:
        self._now_s = 0.0
        clock = lambda: self._now_s  # noqa: E731
        self.waiting = WaitingMessages(
            services.queue, env.bot, ChannelEdits(clock), journal=journal, clock=clock, now_ms=lambda: now_ms
        )

    @classmethod
    async def begun(cls, services: Services, env: Env, journal: Journal, now_ms: float = 0.0) -> Self:
        """It knows what the one before has left behind."""
        later = cls(services, env, journal, now_ms)
        await later.waiting.recall()
        return later

    async def look(self) -> None:
        """When it first says where jobs stand."""
        self._now_s += FIRST_POSITION_S
        await self.waiting.show_positions()


async def test_a_waiting_job_is_put_back_by_the_next_process(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    journal: Journal,
) -> None:  # fmt: skip
    """With its message, so that its end finds it; once it has ended the journal knows it no more."""
    await alice.slash(channel, "imagine", prompt="a red fox")
    job = await accepted_job(services, alice.id)
    message = await services.queue.waiting_message(job.id)
    await store.flushall()
    later = await Later.begun(services, simcord_env, journal)
    await later.look()
    assert await services.queue.state(job.id) is JobState.QUEUED
    assert await services.queue.accepted(job.id) == job
    assert await services.queue.waiting_message(job.id) == message
    await store.hset(keys.state(job.id), "state", "delivered")
    await store.delete(keys.rq_job(job.id))
    for _ in range(8):
        await later.look()
    assert journal.read("waiting") == {}


@pytest.mark.parametrize(("age_s", "state"), [(60, JobState.QUEUED), (KEPT_S + 1, None)])
async def test_what_ended_long_ago_is_not_drawn_again(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    journal: Journal, age_s: float, state: JobState | None,
) -> None:  # fmt: skip
    """Redis forgets an end after a day: a bot that was away for longer takes what it does not know for ended."""
    await alice.slash(channel, "imagine", prompt="a red fox")
    job = await accepted_job(services, alice.id)
    await store.flushall()
    later = await Later.begun(services, simcord_env, journal, job.created_ms + age_s * 1000)
    await later.look()
    assert await services.queue.state(job.id) is state
    assert len(journal.read("waiting")) == (state is not None)


async def test_what_ended_unheard_is_dropped_at_the_start(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    journal: Journal,
) -> None:  # fmt: skip
    """Also by a bot that dies before its first look: nothing of it is put back when Redis comes back empty later, and
    it does not stand before what waits."""
    for prompt in ("a red fox", "a cat"):
        await alice.slash(channel, "imagine", prompt=prompt)
    ended, waits = await services.queue.of_user(alice.id)
    await store.hset(keys.state(ended), "state", "delivered")
    await Later.begun(services, simcord_env, journal)
    assert list(journal.read("waiting")) == [waits]
    await store.flushall()
    await (await Later.begun(services, simcord_env, journal)).look()
    assert [await services.queue.state(id) for id in (ended, waits)] == [None, JobState.QUEUED]


async def test_a_damaged_entry_stops_no_other(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    journal: Journal,
) -> None:  # fmt: skip
    """It is struck, the others are put back."""
    for key, document in {"a": {}, "b": {"job": {}, "channel": 1, "message": 1}, "c": [7], "d": None}.items():
        journal.write("waiting", key, document)  # type: ignore[arg-type]
    await alice.slash(channel, "imagine", prompt="a red fox")
    job = await accepted_job(services, alice.id)
    await store.flushall()
    await (await Later.begun(services, simcord_env, journal)).look()
    assert await services.queue.state(job.id) is JobState.QUEUED
    assert list(journal.read("waiting")) == [job.id]


async def test_a_job_lost_while_it_was_answered_is_put_back(
    services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Redis is emptied between the acceptance and the release: the message that the person sees is kept."""
    release = services.queue.release

    async def emptied(*arguments: object) -> bool:
        if await store.dbsize():
            await store.flushall()
        return await release(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(services.queue, "release", emptied)
    await alice.slash(channel, "imagine", prompt="a red fox")
    monkeypatch.setattr(services.queue, "release", release)
    message = channel.last_message
    assert message is not None
    assert "(Waiting to start)" in message.content


async def jobs_of(services: Services, alice: MemberActor) -> set[Job]:
    """What of alice's waits."""
    found = [await services.queue.accepted(id) for id in await services.queue.of_user(alice.id)]
    return {job for job in found if job is not None}


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_batch_goes_on(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    new_bot: Callable[[], EaselClient], monkeypatch: pytest.MonkeyPatch, restarted: bool,
) -> None:  # fmt: skip
    """Those that waited wait again, those to come start as there is room, and its message says so."""
    monkeypatch.setattr("bot.waiting.messages.KEPT_S", 1e12)  # the simulated Discord lives at another time
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 12")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 12 jobs")
    before = await jobs_of(services, alice)
    assert len(before) == 10
    await store.flushall()
    if restarted:
        await simcord_env.restart_bot(new_bot())
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    await bot.batches.visit_all()
    await bot.edits.send_due()
    assert await jobs_of(services, alice) == before
    assert (asked.response.embeds[0].description or "").startswith("10 of 12 jobs started, 0 finished")
    for job in list(before)[:2]:
        await services.queue.discard(job.id)
    await bot.batches.visit_all()
    assert len(await jobs_of(services, alice) - before) == 2


async def test_a_batch_that_has_ended_does_not_come_back(
    simcord_env: Env, services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor,
    journal: Journal,
) -> None:  # fmt: skip
    """Nothing is kept of it."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 2 jobs")
    assert json.dumps(journal.read("batch"))
    for id in await services.queue.of_user(alice.id):
        await store.hset(keys.state(id), "state", "delivered")
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    await bot.batches.visit_all()
    assert journal.read("batch") == {}
    await store.flushall()
    await bot.batches.visit_all()
    assert await store.dbsize() == 0
