"""Cases: one person decides each, and what was not done stays open."""

from __future__ import annotations

import redis.asyncio

from exchange import keys
from exchange.cases import CASE_S, DECIDING_S, Cases


async def test_a_case_is_decided_by_one(redis_url: str) -> None:
    """While it is decided, and afterwards; a case that was left is open again, and so is one whose decider is gone."""
    async with redis.asyncio.Redis.from_url(redis_url) as store:
        cases = Cases(store)
        assert not await cases.take("t")
        assert await cases.open({"prompt": "a fox"}, "t", user_id=1)
        assert not await cases.open({"prompt": "another"}, "t", user_id=1)
        assert await cases.take("t")
        assert not await cases.take("t")
        assert 0 < await store.ttl(keys.deciding("t")) <= DECIDING_S
        await cases.leave("t")
        assert await cases.take("t")
        await cases.close("t")
        assert not await cases.take("t")
        assert await cases.open({"prompt": "once more"}, "t", user_id=1)
        assert await cases.take("t")


async def test_cases_are_found_by_their_person_and_changed_while_they_are_open(redis_url: str) -> None:
    """A change gives a case no more time, and brings none back."""
    async with redis.asyncio.Redis.from_url(redis_url) as store:
        cases = Cases(store)
        await cases.open({"prompt": "a fox"}, "t", user_id=1)
        await cases.open({"prompt": "a hen"}, "u", user_id=2)
        assert await cases.about(1) == ["t"]
        await store.expire(keys.case("t"), 100)
        await cases.change({"prompt": ""}, "t")
        assert await cases.get("t") == {"prompt": ""}
        assert await store.ttl(keys.case("t")) <= 100
        await cases.close("t")
        await cases.change({"prompt": "a fox"}, "t")
        assert await cases.get("t") is None
        assert 0 < await store.ttl(keys.cases_of(1)) <= CASE_S
