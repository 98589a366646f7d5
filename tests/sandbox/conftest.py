"""A sandbox in this process, two people, and a plain REST client with the bot's token."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import pytest

from sandbox.core import Sandbox
from sandbox.server import running
from tests.sandbox.rest import Rest
from tests.sandbox_user import SandboxUser


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A fresh world on a free port."""
    async with running() as server:
        yield server


@pytest.fixture
async def rest(sandbox: Sandbox) -> AsyncIterator[Rest]:
    """Calls with the bot's token."""
    async with aiohttp.ClientSession() as session:
        yield Rest(session, sandbox.base_url, f"Bot {sandbox.bot_token}")


@pytest.fixture
async def ada(sandbox: Sandbox) -> AsyncIterator[SandboxUser]:
    """The first person, who owns the guild, in #newcomers."""
    async with SandboxUser(sandbox.base_url, sandbox.user_token, sandbox.guild_id, sandbox.channel_id) as user:
        yield user


@pytest.fixture
async def ben(sandbox: Sandbox) -> AsyncIterator[SandboxUser]:
    """The second person, in #newcomers."""
    async with AsyncExitStack() as stack:
        user = SandboxUser(sandbox.base_url, sandbox.second_user_token, sandbox.guild_id, sandbox.channel_id)
        yield await stack.enter_async_context(user)
