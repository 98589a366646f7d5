"""A worker whole, apart from its model: from the queue over slots, store and poster to the messages in the sandbox."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import discord
import numpy as np
import pytest
import redis
import redis.asyncio
from numpy.typing import NDArray
from pydantic import SecretStr

from contract import messages
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.endpoints import Endpoints
from contract.jobs import DiscordChannel, Job, channel_of
from exchange import keys
from exchange.connection import connect_async
from exchange.images import FolderStore
from exchange.queue import JobQueue, MessageRef
from model import Cancelled, ModelError, Request, Step
from model.ways import Ways
from sandbox.core import Sandbox
from sandbox.permissions import MEMBER, Permission
from sandbox.server import running
from sandbox.world import Message
from tests.contract.factories import imagine, press, priced, upscale
from tests.worker.conftest import picture
from tests.worker.fakes import FakeWeb
from worker import tasks
from worker.delivery.discord import DiscordDoor
from worker.delivery.ending import Delivery
from worker.delivery.poster import Post, Poster
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.pictures import Studio
from worker.slots import SlotPool


class SteeredEngine:
    """Draws grey pictures; a prompt may ask it to fail or to take for ever."""

    def __init__(self) -> None:
        self.drawn = 0

    def submit(self, request: Request, *, urgency: float = 0.0, preview_every: int = 0) -> SteeredTicket:
        self.drawn += 1
        return SteeredTicket(request)

    def close(self) -> None:
        raise AssertionError("the only model is never let go of")


class SteeredTicket:
    """One request of it."""

    ways = Ways()

    def __init__(self, request: Request) -> None:
        self._request = request
        self._words = request.prompt.parts[0][0] if request.prompt.parts else ""
        self._cancelled = threading.Event()

    def events(self) -> Iterator[Step]:
        yield Step(1, 2, picture(7, 16))
        if self._words == "for ever":
            self._cancelled.wait(30)

    def result(self) -> list[NDArray[np.uint8]]:
        if self._cancelled.is_set():
            raise Cancelled("cancelled")
        if self._words == "broken":
            raise ModelError("It broke.")
        return [picture(60 * noise.index) for noise in self._request.noises]

    def pause(self) -> None:
        """Nothing runs here that could."""

    resume = pause

    def cancel(self) -> None:
        self._cancelled.set()


class House:
    """What a test holds in its hands."""

    def __init__(
        self, sandbox: Sandbox, client: redis.Redis, queue: JobQueue, poster: Poster, engine: SteeredEngine
    ) -> None:
        self.sandbox = sandbox
        self.client = client
        self.queue = queue
        self.poster = poster
        self.engine = engine

    def job(self, prompt: str, interaction: int = 7) -> Job:
        """A job of the sandbox's first person in its first channel."""
        place = DiscordChannel(int(self.sandbox.channel_id), int(self.sandbox.guild_id))
        asked = imagine(prompt, interaction=interaction)
        return replace(asked, destination=place, user=replace(asked.user, id=int(self.sandbox.world.people[0].id)))

    async def accept(self, job: Job, *, then: Callable[[], None] = lambda: None) -> int:
        """Submit, acknowledge with a waiting message, do `then`, release; the waiting message's id."""
        await self.queue.submit(priced(job, 1))
        waiting = Post(messages.waiting(job), buttons=((messages.cancel_button(job.id),),))
        message_id = await asyncio.to_thread(
            self.poster.post, channel_of(job.destination).channel_id, waiting, f"waiting {job.id[-12:]}"
        )
        assert message_id is not None
        then()
        await self.queue.release(job.id, MessageRef(channel_of(job.destination).channel_id, message_id))
        return message_id

    def messages(self) -> list[Message]:
        """What stands in the channel, oldest first."""
        return self.sandbox.world.history(self.sandbox.channel_id)

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait for something that must come true; Redis and the sandbox have no event that says so."""
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def ended(self, job: Job, state: str) -> None:
        """Wait until a job has ended so."""
        await self.until(lambda: self.client.hget(keys.state(job.id), "state") == state.encode())


@pytest.fixture
async def house(
    redis_url: str, client: redis.Redis, store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """A sandbox, a queue, and a worker with two slots of each kind."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    async_client = connect_async(redis_url)
    engine = SteeredEngine()
    async with running() as sandbox:
        sandbox.limits.change({"enabled": False})
        poster = Poster(SecretStr(sandbox.bot_token), Endpoints(sandbox.base_url, None), patience_s=5, pause_s=0.01)
        engines = Engines([EASEL_SMALL.name], lambda name: Warm(name, engine))
        engines.open()
        studio = Studio(engines, store, client, DEFAULT_CATALOGUE, Intake(store, FakeWeb()))
        door = DiscordDoor(poster, upload_limit_bytes=2**20)
        delivery = Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE)
        tasks.equip(tasks.Tools(client, studio, delivery))
        pool = SlotPool(client, {keys.RENDER: 2, keys.DELIVER: 2})
        pool.start()
        yield House(sandbox, client, JobQueue(async_client), poster, engine)
        await asyncio.to_thread(pool.stop)
        await asyncio.to_thread(poster.close)
        tasks.equip(None)
    await async_client.aclose()


async def test_a_grid_and_one_of_its_pictures(house: House) -> None:
    """Drawn, posted, the waiting message gone; U3 answers the grid without the engine."""
    grid = house.job("a fox")
    waiting = await house.accept(grid)
    await house.ended(grid, "delivered")
    await house.until(lambda: str(waiting) not in house.sandbox.world.messages)
    [result] = house.messages()
    assert result.content == messages.result(grid)
    place = grid.destination.answering(int(result.id))
    single = upscale(grid, 2, replace(press(interaction=8), destination=place, user=grid.user))
    await house.accept(single)
    await house.ended(single, "delivered")
    await house.until(lambda: len(house.messages()) == 2)
    assert house.messages()[1].content == messages.result(single)
    assert house.messages()[1].reference == result.id
    assert house.engine.drawn == 1


async def test_a_lost_picture_comes_back_through_the_render_queue(house: House, store: FolderStore) -> None:
    """The store was wiped between the grid and the press."""
    grid = house.job("a fox")
    await house.accept(grid)
    await house.ended(grid, "delivered")
    store.delete(grid.id)
    single = upscale(grid, 2, replace(press(interaction=8), destination=grid.destination, user=grid.user))
    await house.accept(single)
    await house.ended(single, "delivered")
    assert house.engine.drawn == 2
    assert store.get_image(single.id, 0) is not None


async def test_a_job_that_keeps_failing_ends_in_a_red_reply(house: House) -> None:
    """Tried as often as a job may be, then told."""
    job = house.job("broken")
    waiting = await house.accept(job)
    await house.ended(job, "failed")
    kept, told = house.messages()
    assert kept.id == str(waiting)
    assert told.reference == str(waiting)
    assert told.embeds[0]["color"] == messages.FAILURE_COLOUR
    assert told.embeds[0]["footer"]["text"] == f"Job {job.id}"
    assert house.engine.drawn == 4


async def test_a_cancelled_job_stops_and_says_so(house: House) -> None:
    """The engine is told at once, and the waiting message ends as `(Stopped)`."""
    job = house.job("for ever")
    await house.accept(job)
    await house.until(lambda: house.engine.drawn)
    await house.queue.cancel(job.id, by=job.user.id)
    await house.ended(job, "cancelled")
    [message] = house.messages()
    assert message.content == messages.stopped(job)
    assert message.components == []


async def test_a_permission_that_went_while_drawing_does_not_cost_the_picture(house: House) -> None:
    """The channel does not take it, so its user gets it as a direct message, which says why."""
    job = house.job("a fox")
    channel = house.sandbox.world.channels[house.sandbox.channel_id]

    def forbid() -> None:
        channel.bot_permissions = int(MEMBER & ~Permission.SEND_MESSAGES)

    await house.accept(job, then=forbid)
    await house.ended(job, "delivered")
    direct = [
        message
        for channel_id in house.sandbox.world.channels
        if channel_id != house.sandbox.channel_id
        for message in house.sandbox.world.history(channel_id)
    ]
    [message] = direct
    assert message.attachments
    assert "may not post" in str(message.content) + str(message.embeds)


async def test_many_jobs_at_once_all_arrive_once(house: House) -> None:
    """Twenty jobs over two slots: twenty results, no waiting message left."""
    jobs = [house.job("a fox", interaction=100 + number) for number in range(20)]
    house.queue.limits = replace(house.queue.limits, max_queued_per_user=0, max_running_per_user=0)
    for job in jobs:
        await house.accept(job)
    for job in jobs:
        await house.ended(job, "delivered")
    await house.until(lambda: len(house.messages()) == len(jobs))
    posted = [row["components"][0]["custom_id"] for m in house.messages() for row in m.components[:1]]
    assert sorted(posted) == sorted(messages.result_buttons(job)[0][0].custom_id for job in jobs)
