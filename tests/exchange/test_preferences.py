"""Settings and pending requests."""

import pytest
import redis
import redis.asyncio

from contract.errors import NewerVersion
from exchange.preferences import Preferences, channel, guild, user


@pytest.fixture
def preferences(async_client: redis.asyncio.Redis) -> Preferences:
    return Preferences(async_client)


async def test_settings_are_kept_by_scope_and_name(preferences: Preferences) -> None:
    """Any JSON value; two scopes never mix."""
    await preferences.set(user(1), "options", {"mine": "--ar 3:2"})
    await preferences.set(user(1), "remix", True)
    await preferences.set(guild(1), "remix", False)
    assert await preferences.get(user(1), "options") == {"mine": "--ar 3:2"}
    assert await preferences.all(user(1)) == {"options": {"mine": "--ar 3:2"}, "remix": True}
    assert await preferences.get(guild(1), "remix") is False
    assert await preferences.get(channel(1), "remix", "unset") == "unset"


async def test_none_forgets_a_setting_and_clear_forgets_all(preferences: Preferences) -> None:
    """What is forgotten reads as never set."""
    await preferences.set(user(1), "suffix", "--v 6")
    await preferences.set(user(1), "suffix", None)
    assert await preferences.get(user(1), "suffix") is None
    await preferences.set(user(1), "speed", "relax")
    await preferences.clear(user(1))
    assert await preferences.all(user(1)) == {}


async def test_newer_and_broken_settings_are_told_apart(preferences: Preferences, client: redis.Redis) -> None:
    """A newer one is for a newer version to read; a broken one counts as not set and spoils no other."""
    client.hset("easel:preferences:user:1", mapping={"new": '{"version":2,"value":1}', "broken": "{"})
    with pytest.raises(NewerVersion):
        await preferences.get(user(1), "new")
    client.hdel("easel:preferences:user:1", "new")
    await preferences.set(user(1), "speed", "relax")
    assert await preferences.get(user(1), "broken", "fast") == "fast"
    assert await preferences.all(user(1)) == {"speed": "relax"}


async def test_a_pending_request_is_taken_once_by_its_owner(preferences: Preferences, client: redis.Redis) -> None:
    """A stranger gets nothing and spoils nothing; a second confirmation finds nothing."""
    token = await preferences.put_pending({"prompt": "a fox"}, owner=1)
    assert len(token) <= 16
    assert await preferences.take_pending(token, owner=2) is None
    assert await preferences.take_pending(token, owner=1) == {"prompt": "a fox"}
    assert await preferences.take_pending(token, owner=1) is None
    token = await preferences.put_pending(1, owner=1, lifetime_s=60)
    assert 0 < client.ttl(f"easel:pending:{token}") <= 60
