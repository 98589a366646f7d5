"""The one gate: every job passes it, whichever door, command, button or form it comes from, just before it is accepted.

`service.accepting` alone asks it, so that no road around it can be built by forgetting a call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contract.errors import UserError
from contract.jobs import Job
from contract.moderation import Screening
from exchange.policies import Verdict
from service.asker import Asker
from service.budget import promptly
from service.moderation import rulebook, screen
from service.policy import judge, verdict
from service.rules import Newcomers, Rules, rules_here
from service.services import Services

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Admission:
    """What the gate said of jobs that it lets in: the verdict on their person, and what each job calls for."""

    verdict: Verdict
    screenings: tuple[Screening, ...]


async def admit(services: Services, asker: Asker, jobs: Sequence[Job], *, drawing: bool = True) -> Admission:
    """What is to be known of these jobs, when they may be made by this person in this place now. UserError when not.

    `drawing`: whether they are to be drawn, which quotas limit; else they are only shown.
    """
    said, rules = await asyncio.gather(verdict(services, asker), rules_here(services, asker))
    judge(said, asker, jobs if drawing else ())
    for check in CHECKS:
        await check(services, asker, rules, jobs)
    return Admission(said, await screen(services, rulebook(services, said, rules), asker, jobs))


async def _channels(services: Services, asker: Asker, rules: Rules, jobs: Sequence[Job]) -> None:
    if rules.channels and asker.channel_id not in rules.channels:
        raise UserError("channel_not_allowed", channels=", ".join(f"<#{id}>" for id in rules.channels))


async def _models(services: Services, asker: Asker, rules: Rules, jobs: Sequence[Job]) -> None:
    for job in jobs:
        if rules.models and job.model not in rules.models:
            raise UserError("model_not_allowed", model=job.model, allowed=", ".join(rules.models))


async def _newcomers(services: Services, asker: Asker, rules: Rules, jobs: Sequence[Job]) -> None:
    newcomers = rules.newcomers
    if newcomers is None or not _is_newcomer(asker, newcomers):
        return
    if newcomers.channel_id is not None and asker.channel_id != newcomers.channel_id:
        raise UserError("newcomers_elsewhere", channel=f"<#{newcomers.channel_id}>", days=newcomers.days)
    if newcomers.jobs:
        async with promptly():
            present = set(await services.queue.of_user(asker.user.id))
        if len(present | {jobs[0].id}) > newcomers.jobs:  # the others of a batch come when there is room
            raise UserError("newcomers_limit", limit=newcomers.jobs, days=newcomers.days)


def _is_newcomer(asker: Asker, newcomers: Newcomers) -> bool:
    if asker.joined_ms is None or asker.manages:
        return False
    return asker.asked_ms - asker.joined_ms < newcomers.days * DAY_MS


Check: TypeAlias = Callable[[Services, Asker, Rules, Sequence[Job]], Awaitable[None]]
"""Raises UserError when jobs may not be made."""

CHECKS: tuple[Check, ...] = (_channels, _models, _newcomers)
"""In this order; words come after them (`service.moderation`). A filter of another kind is one more of them."""
