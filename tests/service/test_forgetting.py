"""Forgetting a person: nothing of theirs is left, and nothing of anybody else's is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import redis.asyncio

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Job
from exchange import accounts, keys, preferences
from exchange.connection import connect
from exchange.images import StoreUnavailable
from exchange.policy import HOUR_MS
from exchange.queue import MessageRef
from exchange.quotas import Pace
from service.forgetting import forget_person
from service.policy import OPERATOR, set_policy
from service.services import Services
from tests.contract.factories import imagine, priced
from tests.service.askers import asker


@pytest.fixture
async def lives(services: Services, redis_url: str) -> dict[int, list[Job]]:
    """Two people with settings, a delivered job, one that was never delivered, and one that waits."""
    await set_policy(services, OPERATOR, jobs_per_hour=9)
    jobs: dict[int, list[Job]] = {}
    for user_id in (1, 2):
        who = asker(user_id)
        jobs[user_id] = [
            replace(imagine(interaction=10 * user_id + number, user=who.user), destination=who.destination)
            for number in range(3)
        ]
        await services.preferences.set(preferences.user(user_id), "suffix", "--ar 3:2")
        for job in jobs[user_id][:2]:
            services.images.put_record(job_document(job))
            services.images.put_image(job.id, 0, b"\x89PNG\r\n\x1a\n")
        with connect(redis_url) as client:
            accounts.record(client, jobs[user_id][0], "a fox", MessageRef(1, 2), images=4, gpu_s=1.0)
        await services.queue.submit(priced(jobs[user_id][2], 1.0), pace=Pace(9, 0))
    return jobs


async def test_all_of_a_person_goes_and_nothing_of_others(
    services: Services, store: redis.asyncio.Redis, lives: dict[int, list[Job]]
) -> None:
    """Settings, history, usage, pictures and records, delivered or not, and what waits."""
    forgotten = await forget_person(services, OPERATOR, asker(1))
    assert forgotten.jobs == 2
    assert await services.preferences.all(preferences.user(1)) == {}
    assert await services.accounts.history(1) == []
    assert await services.queue.of_user(1) == []
    assert [services.images.get_document(job.id) for job in lives[1]] == [None] * 3
    assert await store.keys("easel:history:1*") == []
    assert await services.preferences.all(preferences.user(2)) == {"suffix": "--ar 3:2"}
    assert [entry.job_id for entry in await services.accounts.history(2)] == [lives[2][0].id]
    assert services.images.get_record(lives[2][1].id) == lives[2][1]
    assert await services.queue.of_user(2) == [lives[2][2].id]


async def test_what_limits_a_person_lapses_by_itself(
    services: Services, store: redis.asyncio.Redis, lives: dict[int, list[Job]]
) -> None:
    """The hour's count and the month's minutes: being forgotten is no way around a quota."""
    today = datetime.now(UTC)
    before = today.replace(day=1) - timedelta(days=1)
    old, now = keys.usage(1, f"{before:%Y-%m}"), keys.usage(1, f"{today:%Y-%m}")
    for month in (old, now):
        await store.hset(month, "fast:gpu_s", "9")
    await forget_person(services, OPERATOR, asker(1))
    assert (await store.exists(old), await store.exists(now)) == (0, 1)
    assert 0 < await store.pttl(keys.spent(1)) <= HOUR_MS
    assert 0 < await store.ttl(now) <= 31 * 86_400


async def test_it_is_on_record_that_somebody_was_forgotten(services: Services, lives: dict[int, list[Job]]) -> None:
    """By whom, and how much there was; repeating it is harmless."""
    await forget_person(services, OPERATOR, asker(1))
    await forget_person(services, OPERATOR, asker(1))
    deeds = [(deed.did, deed.about, deed.detail) for deed in await services.policies.deeds(2)]
    assert deeds == [("forget", "user 1", "0 jobs"), ("forget", "user 1", "2 jobs")]


async def test_a_store_that_is_away_is_said(
    services: Services, lives: dict[int, list[Job]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that all is gone while pictures are left; later it can be done to its end."""

    def away(moment_s: float) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as broken:
        broken.setattr(services.images, "untouched_since", away)
        with pytest.raises(UserError) as refused:
            await forget_person(services, OPERATOR, asker(1))
        assert refused.value.kind == "store_unreachable"
    assert (await forget_person(services, OPERATOR, asker(1))).jobs == 2


async def test_a_ban_outlives_its_person(services: Services, store: redis.asyncio.Redis) -> None:
    """Being forgotten is no way around it."""
    await store.hset(keys.bans("user"), "1", "{}")
    await forget_person(services, OPERATOR, asker(1))
    assert await store.hexists(keys.bans("user"), "1")
