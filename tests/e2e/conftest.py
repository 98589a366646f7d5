"""One demo for all end-to-end tests, and the two people who live in it."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.demo import Demo
from tests.sandbox_user import SandboxUser


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Redis, sandbox, bot and worker as real processes. The path is short: a unix socket has to fit in it."""
    data = Path(tempfile.mkdtemp(prefix="easel-"))
    running = Demo(data)
    try:
        running.start()
        yield running
        running.stop()
    finally:
        shutil.rmtree(data, ignore_errors=True)


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
