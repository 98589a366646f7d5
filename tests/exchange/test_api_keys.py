"""Keys of programs."""

import pytest
import redis

from exchange import api_keys
from exchange.api_keys import ApiKey
from exchange.quotas import Quota


def test_a_key_that_is_revoked_while_its_quota_changes_stays_revoked(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two operators at one moment: both are right."""
    key, _ = api_keys.create(client, "shop")
    read = api_keys._read
    others = [lambda: api_keys.revoke(client, key.id)]

    def read_and_then_the_other_comes(value: bytes | str) -> ApiKey | None:
        found = read(value)
        if others:
            others.pop()()
        return found

    monkeypatch.setattr(api_keys, "_read", read_and_then_the_other_comes)
    assert api_keys.limit(client, key.id, Quota(jobs_per_hour=5))
    [kept] = api_keys.listed(client)
    assert kept.revoked_ms is not None
    assert kept.quota.jobs_per_hour == 5
