"""An API with a queue and a worker behind it, asked over a real socket."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
import uvicorn
from openai import AsyncOpenAI

from api.app import create_app
from api.door import Door
from api.waiting import Waiting
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from exchange import api_keys, keys, progress
from exchange.accounts import Accounts
from exchange.api_keys import ApiKey
from exchange.batches import Batches
from exchange.cases import Cases
from exchange.connection import connect, connect_async
from exchange.embedded import embedded
from exchange.images import FolderStore
from exchange.meanings import Meanings
from exchange.policies import Policies
from exchange.preferences import Preferences
from exchange.queue import JobQueue, Limits
from exchange.quotas import Quotas
from service.background import end
from service.services import Services
from tests.worker.fakes import FakeWeb
from tests.worker.test_worker import SteeredEngine
from worker import tasks
from worker.delivery.ending import Delivery
from worker.delivery.program import ProgramDoor
from worker.engines import Engines, Warm
from worker.intake import Intake
from worker.pictures import Studio
from worker.screening import Screen
from worker.slots import SlotPool

SECRET = "a secret of the tests"


@dataclass
class House:
    """What a test holds in its hands. `openai` is their own client, with the key `key`."""

    openai: AsyncOpenAI
    url: str
    secret: str
    key: ApiKey
    client: redis.Redis
    services: Services
    engine: SteeredEngine
    webhooks: list[tuple[str, bytes, dict[str, str]]]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        yield url


@pytest.fixture
async def house(redis_url: str, tmp_path: Path) -> AsyncIterator[House]:
    client, async_client = connect(redis_url), connect_async(redis_url)
    client.flushall()
    store = FolderStore(tmp_path)
    engine = SteeredEngine()
    engines = Engines([EASEL_SMALL.name], lambda name: Warm(name, engine))
    engines.open()
    webhooks: list[tuple[str, bytes, dict[str, str]]] = []

    def send(url: str, *, data: bytes, headers: dict[str, str], timeout: float) -> object:
        webhooks.append((url, data, headers))
        return type("Answer", (), {"status_code": 204})

    door = ProgramDoor(client, SECRET, send=send)
    screen = Screen(lambda picture: 0.5, client)
    delivery = Delivery({"program": door}, store, client, DEFAULT_CATALOGUE, screen=screen)
    intake = Intake(store, FakeWeb(), screen)
    studio = Studio(engines, store, client, DEFAULT_CATALOGUE, intake, screen=screen)
    tasks.equip(tasks.Tools(client, studio, delivery, intake))
    pool = SlotPool(client, {keys.INTAKE: 2, keys.RENDER: 2, keys.DELIVER: 2})
    pool.start()
    services = Services(
        queue=JobQueue(async_client, Limits(max_queued_per_user=3)),
        images=store,
        preferences=Preferences(async_client),
        accounts=Accounts(async_client),
        batches=Batches(async_client),
        policies=Policies(async_client),
        quotas=Quotas(async_client),
        cases=Cases(async_client),
        meanings=Meanings(async_client),
        blocked_words=("nude",),
    )
    waiting = Waiting(services.queue, services.images)
    following = asyncio.create_task(waiting.follow(progress.listen(async_client)))
    server = uvicorn.Server(uvicorn.Config("", host="127.0.0.1", port=0, log_config=None))
    key, secret = api_keys.create(client, "shop", webhook="https://shop.example/hook")
    server.config.app = create_app(
        Door(services, waiting, lambda text: api_keys.find(async_client, text), SECRET, "http://api.test", 30)
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event that says so
        await asyncio.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    openai = AsyncOpenAI(api_key=secret, base_url=f"{url}/v1", max_retries=0, timeout=30)
    yield House(openai, url, secret, key, client, services, engine, webhooks)
    await openai.close()
    server.should_exit = True
    await serving
    await end({following})
    await services.background.close()
    await asyncio.to_thread(pool.stop)
    tasks.equip(None)
    await async_client.aclose()
    client.close()
