"""One real server for all tests of this package, emptied between tests."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
import redis.asyncio

from exchange.connection import connect, connect_async
from exchange.embedded import embedded
from exchange.queue import JobQueue


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        yield url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
async def async_client(redis_url: str, client: redis.Redis) -> AsyncIterator[redis.asyncio.Redis]:
    async_client = connect_async(redis_url)
    yield async_client
    await async_client.aclose()


@pytest.fixture
def queue(async_client: redis.asyncio.Redis) -> JobQueue:
    """The bot's side of an empty queue."""
    return JobQueue(async_client)
