"""One demo for all end-to-end tests, and the two people who live in it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.demo import Demo
from tests.sandbox_user import SandboxUser


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Redis, sandbox, bot and worker as real processes."""
    with _folder() as data:
        running = Demo(data)
        running.start()
        yield running
        running.stop()


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty folder for a test's own demo."""
    with _folder() as folder:
        yield folder


@contextmanager
def _folder() -> Iterator[Path]:
    """Not pytest's: its paths are too long for a unix socket, and processes are found by the path they were given."""
    folder = Path(tempfile.mkdtemp(prefix="easel-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def ada(demo: Demo) -> AsyncIterator[SandboxUser]:
    """The first person, in #newcomers."""
    facts = demo.facts
    async with SandboxUser(facts["base_url"], facts["user_token"], facts["guild_id"], facts["channel_id"]) as user:
        yield user


@pytest.fixture
async def ben(demo: Demo) -> AsyncIterator[SandboxUser]:
    """The second person, in #newcomers too."""
    facts = demo.facts
    async with SandboxUser(
        facts["base_url"], facts["second_user_token"], facts["guild_id"], facts["channel_id"]
    ) as user:
        yield user
