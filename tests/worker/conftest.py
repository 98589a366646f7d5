"""What the worker's tests share: one real server for Redis, an image store in a folder, and jobs in every state."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import redis
from numpy.typing import NDArray

from contract.jobs import Job
from exchange.connection import connect
from exchange.embedded import embedded
from exchange.images import FolderStore
from worker.encoding import encode_lossless


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server without persistence, for the whole run."""
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        yield url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of an empty Redis."""
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty image store."""
    return FolderStore(tmp_path / "images")


def picture(shade: int, side: int = 32) -> NDArray[np.uint8]:
    """A plain grey picture, known by its shade."""
    return np.full((side, side, 3), shade, np.uint8)


def keep_pictures(store: FolderStore, job: Job, shades: tuple[int, ...] = (10, 60, 110, 160)) -> None:
    """Put a picture of each shade into the store, as a worker does after drawing."""
    for index, shade in enumerate(shades):
        file = encode_lossless(picture(shade), parameters="a test")
        store.put_image(job.id, index, file.data, file.extension)
