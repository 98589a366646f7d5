"""How much a person may make: by month, hour and pause, for all, for roles and for one; and which speeds there are."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
import redis.asyncio

from contract.errors import UserError
from contract.jobs import Speed
from exchange import keys
from exchange.accounts import month_of
from exchange.quotas import ANY_AMOUNT, FIELDS, Quota, Whose, effective
from service.accepting import accept, permit
from service.asker import Asker
from service.policy import OPERATOR, set_policy, set_quota
from service.profiles import set_preferences
from service.quotas import allowance_of
from service.services import Services
from tests.contract.factories import imagine
from tests.service.askers import asker
from tests.service.test_policy import job_of, verdict

ROLE = 7


async def test_two_moderators_at_once_lose_nothing(services: Services) -> None:
    """Each says another thing of everybody; all of it is said afterwards."""
    said = dict.fromkeys(FIELDS, 5.0)
    await asyncio.gather(*(services.quotas.set(Whose.EVERYONE, 0, {name: limit}) for name, limit in said.items()))
    assert await services.quotas.get(Whose.EVERYONE) == said


async def used(store: redis.asyncio.Redis, speed: Speed, minutes: float, user_id: int = 1) -> None:
    """The person has used so much in this month."""
    month = month_of(int(time.time() * 1000))
    await store.hset(keys.usage(user_id, month), f"{speed}:gpu_s", str(minutes * 60))


async def verdict_at(services: Services, who: Asker, speed: Speed) -> str | None:
    """The kind of the refusal of a job at a speed."""
    try:
        await accept(services, who, replace(job_of(who), speed=speed))
    except UserError as error:
        return error.kind
    return None


def test_a_persons_own_limit_counts_before_their_roles_and_those_before_everyones() -> None:
    """Of roles the most generous one, and none at all is the most generous."""
    everyone = {"fast_minutes": 10.0, "cooldown_s": 60.0, "relax_minutes": 5.0}
    assert effective(everyone, [], {}) == Quota(10, 5, None, 60)
    assert effective(everyone, [{"fast_minutes": 20}, {"fast_minutes": 30}], {}).fast_minutes == 30
    assert effective(everyone, [{"fast_minutes": 20}, {"fast_minutes": None}], {}).fast_minutes is None
    assert effective(everyone, [{"cooldown_s": 20}, {"cooldown_s": 30}], {}).cooldown_s == 20
    assert effective(everyone, [{"fast_minutes": None}], {"fast_minutes": 1}).fast_minutes == 1
    assert effective(everyone, [], {"fast_minutes": None}).fast_minutes is None


def test_two_quotas_together_allow_what_both_do() -> None:
    """Such as a person's and that of the key that asks for them."""
    assert Quota(10, None, 5, 1).within(Quota(None, 3, 9, 2)) == Quota(10, 3, 5, 2)
    assert ANY_AMOUNT.within(ANY_AMOUNT) == ANY_AMOUNT


@pytest.mark.parametrize(
    ("speed", "minutes", "wanted", "kind"),
    [
        (Speed.FAST, 9.9, Speed.FAST, None),
        (Speed.FAST, 10, Speed.FAST, "used_up"),
        (Speed.FAST, 10, Speed.RELAX, None),
        (Speed.TURBO, 4.9, Speed.FAST, None),
        (Speed.TURBO, 5, Speed.FAST, "used_up"),
        (Speed.TURBO, 5, Speed.TURBO, "used_up"),
        (Speed.RELAX, 20, Speed.RELAX, "used_up"),
        (Speed.RELAX, 20, Speed.FAST, None),
    ],
)
async def test_minutes_of_a_month_are_used_up(
    services: Services, store: redis.asyncio.Redis, speed: Speed, minutes: float, wanted: Speed, kind: str | None
) -> None:
    """Fast and relaxed ones have limits of their own; a minute in turbo counts for two fast ones."""
    await set_quota(services, OPERATOR, Whose.EVERYONE, 0, {"fast_minutes": 10, "relax_minutes": 20})
    await used(store, speed, minutes)
    assert await verdict_at(services, asker(1), wanted) == kind
    assert await verdict_at(services, asker(2), wanted) is None


async def test_a_role_lifts_a_limit(services: Services, store: redis.asyncio.Redis) -> None:
    """For those who have it."""
    await set_quota(services, OPERATOR, Whose.EVERYONE, 0, {"fast_minutes": 1})
    await set_quota(services, OPERATOR, Whose.ROLE, ROLE, {"fast_minutes": None})
    await used(store, Speed.FAST, 1)
    assert await verdict(services, asker(1)) == "used_up"
    assert await verdict(services, replace(asker(1), roles=frozenset({ROLE}))) is None


async def test_an_upscale_and_a_second_look_cost_nothing(services: Services, store: redis.asyncio.Redis) -> None:
    """What is there already may be shown when the minutes are used up."""
    await set_quota(services, OPERATOR, Whose.EVERYONE, 0, {"fast_minutes": 1})
    await used(store, Speed.FAST, 1)
    await permit(services, asker(1), imagine())


async def test_a_cooldown_is_waited_out(services: Services, store: redis.asyncio.Redis) -> None:
    """Between two jobs of one person, whenever they were asked for: those of a batch were at one moment, long ago.
    Another person need not wait."""
    await set_policy(services, OPERATOR, cooldown_s=300)
    assert await verdict(services, asker(1), 1) is None
    assert await verdict(services, asker(1), 2) == "cooldown"
    assert await verdict(services, asker(2), 3) is None
    for job_id in await store.zrange(keys.spent(1), 0, -1):
        await store.zincrby(keys.spent(1), -301_000, job_id)  # type: ignore[arg-type]
    assert await verdict(services, asker(1), 2) is None


async def test_jobs_that_come_together_are_counted_one_after_another(services: Services) -> None:
    """Twenty presses in one moment all find the hour empty; still no more than its limit are accepted."""
    await set_policy(services, OPERATOR, jobs_per_hour=3)
    kinds = await asyncio.gather(*(verdict(services, asker(1), number) for number in range(1, 21)))
    assert (kinds.count(None), kinds.count("rate_limited")) == (3, 17)
    await set_policy(services, OPERATOR, jobs_per_hour=0, cooldown_s=300)
    kinds = await asyncio.gather(*(verdict(services, asker(2), number) for number in range(21, 41)))
    assert (kinds.count(None), kinds.count("cooldown")) == (1, 19)


async def test_what_is_refused_is_not_counted(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue costs nothing of the hour."""
    await set_policy(services, OPERATOR, jobs_per_hour=2)
    monkeypatch.setattr(services.queue, "limits", replace(services.queue.limits, max_queued_per_user=1))
    assert [await verdict(services, asker(1), number) for number in (1, 2, 3)] == [None, "queue_full", "queue_full"]
    monkeypatch.setattr(services.queue, "limits", replace(services.queue.limits, max_queued_per_user=9))
    assert [await verdict(services, asker(1), number) for number in (2, 3)] == [None, "rate_limited"]


async def test_a_speed_that_is_switched_off(services: Services) -> None:
    """It is refused in prompts, and cannot be chosen as one's own."""
    await set_policy(services, OPERATOR, turbo=False)
    assert await verdict_at(services, asker(1), Speed.TURBO) == "speed_off"
    assert await verdict_at(services, asker(1), Speed.FAST) is None
    with pytest.raises(UserError, match="speed_off"):
        await set_preferences(services, asker(1), {"speed": Speed.TURBO})
    await set_preferences(services, asker(1), {"speed": Speed.RELAX})


async def test_what_is_left_is_told(services: Services, store: redis.asyncio.Redis) -> None:
    """For /info: used and allowed minutes, the other limits, and the speeds on offer."""
    await set_quota(services, OPERATOR, Whose.USER, 1, {"fast_minutes": 10, "jobs_per_hour": 4, "cooldown_s": 3})
    await set_policy(services, OPERATOR, relax=False)
    await used(store, Speed.FAST, 2)
    await used(store, Speed.TURBO, 1)
    allowance = await allowance_of(services, asker(1))
    assert (allowance.fast.used_min, allowance.fast.limit_min, allowance.fast.left_min) == (4, 10, 6)
    assert allowance.relax.left_min is None
    assert (allowance.jobs_per_hour, allowance.cooldown_s) == (4, 3)
    assert allowance.speeds == (Speed.FAST, Speed.TURBO)


async def test_what_is_no_quota_is_none(services: Services, store: redis.asyncio.Redis) -> None:
    """Whatever somebody wrote there, jobs go on."""
    for value in ("{", "[1]", '{"fast_minutes": "many"}', '{"fast_minutes": -1}'):
        await store.hset(keys.quotas(), "everyone", value)
        assert (await allowance_of(services, asker(1))).fast.limit_min is None
