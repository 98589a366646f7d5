"""How much a person may make, what they have used of it, and what is said when it is used up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from contract.errors import UserError
from contract.jobs import Job, Speed
from exchange.policies import Verdict
from exchange.policy import Policy
from exchange.quotas import Pace, Quota
from service.asker import Asker
from service.budget import promptly
from service.services import Services

TURBO_COSTS = 2.0
"""What a minute in turbo counts for among the fast ones, as at Midjourney."""


@dataclass(frozen=True, slots=True)
class Share:
    """Minutes of GPU time in this month: used, and allowed (None: any number)."""

    used_min: float
    limit_min: float | None

    @property
    def left_min(self) -> float | None:
        """What is left; None when there is no limit."""
        return None if self.limit_min is None else max(0.0, self.limit_min - self.used_min)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a person may make: minutes of this month, jobs an hour (None: any number) and the seconds between two of
    them (0: none); the speeds on offer; and when the month ends, in Unix seconds."""

    fast: Share
    relax: Share
    jobs_per_hour: int | None
    cooldown_s: int
    speeds: tuple[Speed, ...]
    renews_s: int


async def allowance_of(services: Services, asker: Asker) -> Allowance:
    """What the asker may make, and has made of it. UserError when it cannot be asked in time."""
    async with promptly():
        said = await services.policies.verdict(asker.user.id, asker.guild_id, asker.roles)
    quota, (fast, relax) = _quota(said, asker), _shares(said, asker)
    return Allowance(
        fast,
        relax,
        None if quota.jobs_per_hour is None else int(quota.jobs_per_hour),
        int(quota.cooldown_s or 0),
        speeds(said.policy),
        renews_s(asker.asked_ms),
    )


def speeds(policy: Policy) -> tuple[Speed, ...]:
    """The speeds on offer."""
    off = {speed for speed, offered in ((Speed.TURBO, policy.turbo), (Speed.RELAX, policy.relax)) if not offered}
    return tuple(speed for speed in Speed if speed not in off)


async def speeds_on_offer(services: Services) -> tuple[Speed, ...]:
    """The speeds on offer now. UserError when that cannot be asked in time."""
    async with promptly():
        return speeds(await services.policies.policy())


async def check_speed(services: Services, speed: Speed) -> None:
    """UserError `speed_off` when a speed is not on offer."""
    offered = await speeds_on_offer(services)
    if speed not in offered:
        raise _speed_off(speed, offered)


def check_speeds(policy: Policy, jobs: Sequence[Job]) -> None:
    """UserError `speed_off` when one of the jobs has a speed that is not on offer."""
    offered = speeds(policy)
    for job in jobs:
        if job.speed not in offered:
            raise _speed_off(job.speed, offered)


def check_quota(verdict: Verdict, asker: Asker, jobs: Sequence[Job]) -> None:
    """UserError when the asker has to wait before these jobs: for the hour, the cooldown or the next month."""
    fast, relax = _shares(verdict, asker)
    pace = pace_of(verdict, asker)
    if pace is not None:
        # So that nobody is asked in vain; the queue says it again in the step that accepts a job and counts it.
        pace.check(verdict.spent, verdict.first_ms, verdict.last_ms, verdict.now_ms)
    for share, name, of in ((relax, "relax", {Speed.RELAX}), (fast, "fast", {Speed.FAST, Speed.TURBO})):
        if share.left_min == 0 and any(job.speed in of for job in jobs):
            limit = share.limit_min or 0
            raise UserError("used_up", reason=name, minutes=f"{limit:g}", renews=renews_s(asker.asked_ms))


def pace_of(verdict: Verdict, asker: Asker) -> Pace | None:
    """How often the asker may have a job accepted; None as often as they like, so that nothing has to be counted."""
    quota = _quota(verdict, asker)
    if quota.jobs_per_hour is None and not quota.cooldown_s:
        return None
    limit = None if quota.jobs_per_hour is None else int(quota.jobs_per_hour)
    return Pace(limit, int(quota.cooldown_s or 0))


def renews_s(now_ms: int) -> int:
    """When the month of a moment ends, by UTC, in Unix seconds."""
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    year, month = divmod(now.year * 12 + now.month, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp())


def _quota(verdict: Verdict, asker: Asker) -> Quota:
    return verdict.quota.within(asker.quota)


def _shares(verdict: Verdict, asker: Asker) -> tuple[Share, Share]:
    quota, used = _quota(verdict, asker), verdict.used_s
    fast_s = used.get(Speed.FAST, 0.0) + TURBO_COSTS * used.get(Speed.TURBO, 0.0)
    return Share(fast_s / 60, quota.fast_minutes), Share(used.get(Speed.RELAX, 0.0) / 60, quota.relax_minutes)


def _speed_off(speed: Speed, offered: Sequence[Speed]) -> UserError:
    return UserError("speed_off", speed=str(speed), offered=", ".join(f"`/{one}`" for one in offered))
