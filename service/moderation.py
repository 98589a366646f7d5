"""What the policy of operator, server and channel says of a job: its words now, its pictures when they are there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from contract.errors import UserError
from contract.events import Flagged
from contract.jobs import Job
from contract.moderation import PICTURES, Blocked, Met, Owner, Screening, Weighed, Weight, heaviest, met, read_list
from exchange.policies import Verdict
from exchange.policy import Policy
from exchange.strikes import Strike
from service.asker import Asker
from service.budget import promptly
from service.policy import audit
from service.rules import Rules
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

BY_POLICY = "policy"
"""Who did it, when nobody did: a time-out that follows from a rule."""


class Objected(UserError):
    """A rule stands in the way of a prompt. `review_channel` is where an appeal goes, None when there is no appeal."""

    def __init__(self, error: UserError, found: Met, review_channel: int | None = None) -> None:
        super().__init__(error.kind, **error.values)
        self.met = found
        self.review_channel = review_channel


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All rules that hold in one place for one person: words and pictures, each by whose rule it is."""

    policy: Policy
    words: tuple[tuple[Owner, tuple[Blocked, ...]], ...]
    pictures: tuple[tuple[Owner, Weighed], ...]
    review: tuple[tuple[Owner, int | None], ...]

    def review_channel(self, owner: Owner) -> int | None:
        """Where those are who may decide about a rule of `owner`: of a server's without such a channel the operator's
        decide."""
        channels = dict(self.review)
        return channels[owner] or channels[Owner.OPERATOR]


def rulebook(services: Services, verdict: Verdict, rules: Rules) -> Rulebook:
    """The rules of the operator, of the server and of the channel, together."""
    operators = read_list((*services.blocked_words, *verdict.words))
    return Rulebook(
        policy=verdict.policy,
        words=((Owner.OPERATOR, operators), (Owner.GUILD, read_list(rules.blocked))),
        pictures=((Owner.OPERATOR, verdict.policy.pictures), (Owner.GUILD, rules.pictures)),
        review=((Owner.OPERATOR, verdict.policy.review_channel or None), (Owner.GUILD, rules.review_channel)),
    )


async def screen(services: Services, book: Rulebook, asker: Asker, jobs: Sequence[Job]) -> tuple[Screening, ...]:
    """What is to be done about the pictures of each job. Objected (UserError) when a rule stands in the way of one."""
    return tuple([await _screen(services, book, asker, job) for job in jobs])


async def _screen(services: Services, book: Rulebook, asker: Asker, job: Job) -> Screening:
    pardoned = {*asker.pardoned, *(job.screening.pardoned if job.screening else ())}
    found = [
        one for one in met(book.words, job.prompt, age_restricted=asker.age_restricted) if one.pardon not in pardoned
    ]
    for one in found:
        services.observe(Flagged(job, one.word, one.weight))
    asked = {one.pardon for one in found if one.weight is Weight.LIGHT} if asker.means_it else set()
    hardest = next((one for one in found if one.pardon not in asked), None)
    if hardest is not None and hardest.weight.rank >= Weight.LIGHT.rank:
        raise await _objection(services, book, asker, job, hardest)
    owner, weight = _about_pictures(book, pardoned, age_restricted=asker.age_restricted)
    return Screening(
        veiled=any(one.weight is Weight.SOFT for one in found),
        weight=weight,
        ordinary=_about_pictures(book, pardoned, age_restricted=False)[1],
        threshold=book.policy.picture_threshold,
        owner=owner,
        reviewed=book.review_channel(owner) is not None,
        pardoned=tuple(sorted(pardoned | asked)),
    )


async def _objection(services: Services, book: Rulebook, asker: Asker, job: Job, hardest: Met) -> Objected:
    word = hardest.word
    match hardest.weight:
        case Weight.LIGHT:
            return Objected(UserError("action_needed", word=word), hardest)
        case Weight.HEAVY:
            strike = await count_strike(services, book.policy, asker.user.id, job.id, word)
            return Objected(UserError("blocked_word", word=word, **strike.values), hardest)
    review_channel = book.review_channel(hardest.owner)
    if review_channel is None:
        return Objected(UserError("blocked_word", word=word), hardest)
    return Objected(UserError("blocked_word", word=word, reason="appeal"), hardest, review_channel)


def _about_pictures(book: Rulebook, pardoned: set[str], *, age_restricted: bool) -> tuple[Owner, Weight]:
    weights = {
        owner: weighed.here(age_restricted) for owner, weighed in book.pictures if f"{owner}:{PICTURES}" not in pardoned
    }
    weight = heaviest(weights.values())
    owner = next((owner for owner, its in weights.items() if its is weight), Owner.OPERATOR)
    return owner, weight


async def count_strike(services: Services, policy: Policy, user_id: int, event: str, why: str) -> Strike:
    """Count a heavy refusal, once for each `event`; at too many within a day comes a time-out."""
    async with promptly():
        strike = await services.policies.strike(policy, user_id, event, why)
    if strike.timed_out:
        await audit(services, BY_POLICY, "time-out", f"user {user_id}", f"{policy.time_out_min} min: {why}")
    return strike
