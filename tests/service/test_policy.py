"""The operator's policy: asked at the gate, changed at once for everybody, and what was done with it is on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import redis.asyncio

from contract.errors import UserError
from contract.jobs import DiscordChannel, Job
from exchange import keys
from exchange.policies import AUDIT_LENGTH, Policies
from exchange.policy import HOUR_MS, Ban, Policy, Subject
from service.accepting import accept
from service.asker import Asker
from service.cancelling import cancel
from service.policy import OPERATOR, ban, invite, set_policy, time_out, unban, uninvite
from service.rules import set_for_server
from service.services import Services
from tests.contract.factories import imagine, priced
from tests.service.askers import HERE, NOW_MS, asker

ALONE = DiscordChannel(channel_id=12, guild_id=None)
"""A conversation with the bot."""
IN_2100_MS = 4_102_444_800_000


async def test_a_time_out_beside_a_ban_does_not_shorten_it(services: Services) -> None:
    """A moderator and the operator at once: the ban holds, whichever of them came first."""
    for user_id in range(50, 60):
        short, ever = Ban("a day", NOW_MS + 86_400_000), Ban("for ever", None)
        policies = services.policies
        await asyncio.gather(policies.time_out(user_id, short), policies.ban(Subject.USER, user_id, ever))
        assert (await policies.bans(Subject.USER))[user_id] == ever


async def test_two_operators_at_once_lose_nothing(services: Services) -> None:
    """Each changes another thing for everybody; all of it holds afterwards."""
    said: dict[str, int] = {"jobs_per_hour": 7, "cooldown_s": 8, "strikes": 9, "time_out_min": 10}
    await asyncio.gather(*(set_policy(services, OPERATOR, **{name: value}) for name, value in said.items()))
    assert await services.policies.policy() == replace(Policy(), **said)  # type: ignore[arg-type]


def job_of(who: Asker, number: int = 1) -> Job:
    """A job of theirs."""
    return replace(imagine(interaction=number, user=who.user), destination=who.destination, created_ms=NOW_MS)


async def verdict(services: Services, who: Asker, number: int = 1) -> str | None:
    """The kind of the refusal, None when the job was accepted."""
    try:
        await accept(services, who, job_of(who, number))
    except UserError as error:
        return error.kind
    return None


async def nothing(services: Services) -> None:
    """The operator set nothing."""


async def banned(services: Services) -> None:
    """One person is banned."""
    await ban(services, OPERATOR, Subject.USER, 1, Ban("spam"))


async def banned_for_a_while(services: Services) -> None:
    """The ban has a good while to go."""
    await ban(services, OPERATOR, Subject.USER, 1, Ban("spam", IN_2100_MS))


async def banned_long_ago(services: Services) -> None:
    """The ban is over."""
    await ban(services, OPERATOR, Subject.USER, 1, Ban("spam", 1))


async def pardoned(services: Services) -> None:
    """The ban was lifted."""
    await banned(services)
    assert await unban(services, OPERATOR, Subject.USER, 1)


async def guild_banned(services: Services) -> None:
    """A server is banned."""
    await ban(services, OPERATOR, Subject.GUILD, 22, Ban())


async def others_invited(services: Services) -> None:
    """Somebody else is invited, and so nobody but them."""
    await invite(services, OPERATOR, Subject.USER, 7)


async def invited(services: Services) -> None:
    """The person is one of the invited."""
    await others_invited(services)
    await invite(services, OPERATOR, Subject.USER, 1)


async def invitations_over(services: Services) -> None:
    """The last invitation was taken back."""
    await others_invited(services)
    assert await uninvite(services, OPERATOR, Subject.USER, 7)


async def other_guild_invited(services: Services) -> None:
    """Another server is invited."""
    await invite(services, OPERATOR, Subject.GUILD, 23)


async def no_messages(services: Services) -> None:
    """Pictures are made on servers only."""
    await set_policy(services, OPERATOR, direct_messages=False)


@pytest.mark.parametrize(
    ("prepare", "on_a_server", "alone"),
    [
        (nothing, None, None),
        (banned, "banned", "banned"),
        (banned_for_a_while, "banned", "banned"),
        (banned_long_ago, None, None),
        (pardoned, None, None),
        (guild_banned, "guild_banned", None),
        (others_invited, "not_invited", "not_invited"),
        (invited, None, None),
        (invitations_over, None, None),
        (other_guild_invited, "guild_not_invited", None),
        (no_messages, None, "direct_messages_off"),
    ],
)
async def test_the_policy_is_asked_when_a_job_is_accepted(
    services: Services,
    prepare: Callable[[Services], Awaitable[None]],
    on_a_server: str | None,
    alone: str | None,
) -> None:
    """On a server, and in a conversation with the bot."""
    await prepare(services)
    assert await verdict(services, asker(1, HERE)) == on_a_server
    assert await verdict(services, asker(1, ALONE), 2) == alone


async def test_another_person_is_not_meant(services: Services) -> None:
    """A ban is about one."""
    await banned(services)
    assert await verdict(services, asker(2)) is None


async def test_the_reason_of_a_ban_is_told(services: Services) -> None:
    """With its end, when it has one."""
    await ban(services, OPERATOR, Subject.USER, 1, Ban("spam", IN_2100_MS))
    with pytest.raises(UserError) as refused:
        await accept(services, asker(1), job_of(asker(1)))
    assert refused.value.values["why"] == "spam (until 2100-01-01 00:00 UTC)"


async def test_jobs_per_hour_count_each_job_once(services: Services, store: redis.asyncio.Redis) -> None:
    """A repeated job is not a second one; an hour later there is room again; others have their own hour."""
    await set_policy(services, OPERATOR, jobs_per_hour=2)
    assert [await verdict(services, asker(1), number) for number in (1, 1, 2, 3)] == [None, None, None, "rate_limited"]
    assert await verdict(services, asker(2), 4) is None
    for job_id in await store.zrange(keys.spent(1), 0, -1):
        await store.zincrby(keys.spent(1), -HOUR_MS - 1, job_id)  # type: ignore[arg-type]
    assert await verdict(services, asker(1), 3) is None


async def test_nothing_is_counted_without_a_limit(services: Services, store: redis.asyncio.Redis) -> None:
    """What nobody asks for is not kept."""
    assert await verdict(services, asker(1)) is None
    assert await store.exists(keys.spent(1)) == 0


async def test_what_makes_no_sense_is_the_default_and_a_ban_holds(
    services: Services, store: redis.asyncio.Redis
) -> None:
    """Whatever somebody wrote there, commands go on; an unreadable ban was meant as one."""
    await store.hset(keys.policy(), "jobs_per_hour", "many")
    await store.hset(keys.bans("user"), "1", b"\xff{")
    await store.sadd(keys.invited("guild"), "22")
    assert await verdict(services, asker(2)) is None
    assert await verdict(services, asker(1), 2) == "banned"
    assert await services.policies.bans(Subject.USER) == {1: Ban()}


async def test_what_was_done_is_on_record_newest_first(services: Services) -> None:
    """Policy, rules, and what was done to other people's jobs; what people do with their own is their business."""
    manager = replace(asker(5), manages=True, moderates=lambda place: True)
    await set_policy(services, OPERATOR, jobs_per_hour=9)
    await set_for_server(services, manager, "rule:blocked", ["gore", "nude=heavy"])
    theirs, own = job_of(asker(1)), job_of(manager, 2)
    for job in (theirs, own):
        await services.queue.submit(priced(job, 1.0))
        await cancel(services, manager, job.id)
    assert [(deed.by, deed.did, deed.about, deed.detail) for deed in await services.policies.deeds()] == [
        ("user 5", "cancel", f"job {theirs.id}", "of user 1"),
        ("user 5", "rule", "guild 22", "blocked: gore, nude=heavy"),
        ("operator", "policy", "jobs_per_hour", "9"),
    ]


async def test_the_audit_does_not_grow_without_end(services: Services, store: redis.asyncio.Redis) -> None:
    """And an entry of somebody else's hides none of ours."""
    await store.rpush(keys.audit(), *["nonsense"] * AUDIT_LENGTH)
    await services.policies.note("operator", "ban", "user 1")
    assert await store.llen(keys.audit()) == AUDIT_LENGTH
    assert [deed.about for deed in await services.policies.deeds(AUDIT_LENGTH)] == ["user 1"]


async def test_the_policy_is_durable_and_shared(services: Services, store: redis.asyncio.Redis) -> None:
    """Another process reads what one has set."""
    await banned(services)
    other = replace(services, policies=Policies(store))
    assert await verdict(other, asker(1)) == "banned"


@pytest.mark.parametrize("longer", [Ban("spam"), Ban("spam", IN_2100_MS)])
async def test_a_time_out_is_no_way_out_of_a_longer_ban(services: Services, longer: Ban) -> None:
    """Whether it follows from a rule or from a moderator; a shorter ban gives way to it."""
    await ban(services, OPERATOR, Subject.USER, 1, longer)
    assert not (await services.policies.strike(Policy(strikes=1), 1, "a job", "gore")).timed_out
    await time_out(services, "user 9", 1, Ban("a report", NOW_MS + HOUR_MS))
    assert await services.policies.bans(Subject.USER) == {1: longer}
    until_ms = IN_2100_MS + HOUR_MS if longer.until_ms else None
    if until_ms is not None:
        await time_out(services, "user 9", 1, Ban("a report", until_ms))
        assert await services.policies.bans(Subject.USER) == {1: Ban("a report", until_ms)}
