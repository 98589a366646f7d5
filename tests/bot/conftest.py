"""A bot in a simulated Discord, with the real queue on an embedded Redis that writes nothing to disk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio
from pydantic import SecretStr
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from bot.features import FEATURES
from bot.settings import BotSettings
from contract.jobs import Job
from exchange.accounts import Accounts
from exchange.batches import Batches
from exchange.cases import Cases
from exchange.connection import connect_async
from exchange.embedded import embedded
from exchange.images import FolderStore
from exchange.meanings import Meanings
from exchange.policies import Policies
from exchange.preferences import Preferences
from exchange.queue import JobQueue
from exchange.quotas import Quotas
from service.services import Services
from tests.bot.delivered import accepted_job, store_record


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests of the bot."""
    with embedded(tmp_path_factory.mktemp("redis"), durable=False) as url:
        yield url


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    """An empty Redis."""
    client = connect_async(redis_url)
    await client.flushall()
    yield client
    await client.aclose()


@pytest.fixture
def images(tmp_path: Path) -> FolderStore:
    """An empty image store."""
    return FolderStore(tmp_path / "images")


@pytest.fixture
def settings(tmp_path: Path) -> BotSettings:
    """Settings that read neither environment nor files."""
    return BotSettings(_env_file=None, discord_token=SecretStr("x"), image_store=str(tmp_path / "images"))


@pytest.fixture
async def services(store: redis.asyncio.Redis, images: FolderStore, settings: BotSettings) -> AsyncIterator[Services]:
    """What the bot works with, all of it real."""
    services = Services(
        queue=JobQueue(store, settings.limits),
        images=images,
        preferences=Preferences(store),
        accounts=Accounts(store),
        batches=Batches(store),
        policies=Policies(store),
        quotas=Quotas(store),
        cases=Cases(store),
        meanings=Meanings(store),
    )
    yield services
    await services.background.close()


@pytest.fixture
def paced() -> None:
    """For tests that are about how many messages a channel takes."""


@pytest.fixture(autouse=True)
def roomy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Channels take any number of messages at once."""
    if "paced" not in request.fixturenames:

        async def yes(*_: object, **__: object) -> bool:
            return True

        monkeypatch.setattr(JobQueue, "may_post", yes)


@pytest.fixture
def new_bot(services: Services) -> Callable[[], EaselClient]:
    """Makes further processes of the same bot, for restarts."""
    return lambda: EaselClient(services, FEATURES, shard_count=1)


@pytest.fixture
async def simcord_bot(new_bot: Callable[[], EaselClient]) -> EaselClient:
    """The bot under test; simcord's `simcord_env` runs it."""
    return new_bot()


@pytest.fixture
async def simcord_env(simcord_env: Env) -> Env:
    """simcord's environment, patient: on a busy machine its five seconds for what the bot does are nothing."""
    simcord_env.settle_timeout = 60.0
    return simcord_env


@pytest.fixture
def channel(simcord_env: Env) -> ChannelHandle:
    """A channel where the bot may do all it needs."""
    return simcord_env.create_guild().create_text_channel("pictures")


@pytest.fixture
def alice(simcord_env: Env, channel: ChannelHandle) -> MemberActor:
    """Somebody in that channel's guild."""
    return simcord_env.guild.add_member(simcord_env.create_user("alice"))


@pytest.fixture
def bob(simcord_env: Env, channel: ChannelHandle) -> MemberActor:
    """Somebody else there."""
    return simcord_env.guild.add_member(simcord_env.create_user("bob"))


@pytest.fixture
async def grid(services: Services, channel: ChannelHandle, alice: MemberActor) -> Job:
    """A job of alice's that is done and on record."""
    await alice.slash(channel, "imagine", prompt="a red fox --seed 7 --ar 3:2")
    job = await accepted_job(services, alice.id)
    await services.queue.discard(job.id)
    store_record(services, job)
    return job
