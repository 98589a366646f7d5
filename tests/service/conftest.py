"""A service on an embedded Redis that writes nothing to disk, without any door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from exchange.accounts import Accounts
from exchange.batches import Batches
from exchange.cases import Cases
from exchange.connection import connect_async
from exchange.embedded import embedded
from exchange.images import FolderStore
from exchange.meanings import Meanings
from exchange.policies import Policies
from exchange.preferences import Preferences
from exchange.queue import JobQueue, Limits
from exchange.quotas import Quotas
from service.services import Services


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests of the service."""
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
async def services(store: redis.asyncio.Redis, tmp_path: Path) -> AsyncIterator[Services]:
    """What a door works with, all of it real."""
    services = Services(
        queue=JobQueue(store, Limits()),
        images=FolderStore(tmp_path / "images"),
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
