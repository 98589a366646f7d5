"""Somebody who presses buttons."""

from __future__ import annotations

import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from exchange import preferences
from service.services import Services
from tests.bot.results.presses import World


@pytest.fixture
async def world(
    simcord_env: Env,
    services: Services,
    store: redis.asyncio.Redis,
    channel: ChannelHandle,
    alice: MemberActor,
    bob: MemberActor,
) -> World:
    """Alice with Remix on."""
    await services.preferences.set(preferences.user(alice.id), "remix", True)
    return World(simcord_env, services, store, channel, alice, bob)
