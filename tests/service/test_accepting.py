"""What was accepted once stays accepted, however often and however late it is asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import redis.asyncio

from contract.errors import UserError
from contract.jobs import Job
from contract.moderation import read_blocked
from contract.outcomes import JobState
from exchange import keys
from exchange.delivery import MessageRef
from exchange.policy import Ban, Subject
from exchange.queue import Submitted
from service.accepting import accept
from service.batches import accept_next, batch_of, open_batch
from service.policy import OPERATOR, ban, block_word, set_policy
from service.services import Services
from tests.service.askers import asker
from tests.service.test_policy import job_of, verdict


async def no_more_this_hour(services: Services) -> None:
    """The first job was the last one of the hour."""
    await set_policy(services, OPERATOR, jobs_per_hour=1)


async def no_more_so_soon(services: Services) -> None:
    """A pause that has only begun."""
    await set_policy(services, OPERATOR, cooldown_s=300)


async def banned(services: Services) -> None:
    """Its person may make no more."""
    await ban(services, OPERATOR, Subject.USER, 1, Ban("spam", None))


async def blocked(services: Services) -> None:
    """Its words are refused by now."""
    await block_word(services, OPERATOR, read_blocked("fox"))


@pytest.mark.parametrize("since", [no_more_this_hour, no_more_so_soon, banned, blocked])
async def test_what_was_accepted_is_answered_so_whatever_has_changed(
    services: Services, store: redis.asyncio.Redis, since: Callable[[Services], Awaitable[None]]
) -> None:
    """The same interaction once more is no new wish; another one is."""
    if since in (no_more_this_hour, no_more_so_soon):
        await since(services)
    first = await accept(services, asker(1), job_of(asker(1)))
    await since(services)
    again = await accept(services, asker(1), job_of(asker(1)))
    assert (first.duplicate, again.duplicate, again.job.id) == (False, True, first.job.id)
    assert await store.scard(keys.waiting("user:1")) == 1
    assert await verdict(services, asker(1), 2) in ("rate_limited", "cooldown", "banned", "blocked_word")


async def test_the_same_twice_in_one_moment_is_accepted_twice(services: Services) -> None:
    """Whichever of them is counted, the other is not refused for it."""
    await set_policy(services, OPERATOR, jobs_per_hour=1)
    kinds = await asyncio.gather(*(verdict(services, asker(1), 1) for _ in range(8)))
    assert kinds == [None] * 8
    assert await verdict(services, asker(1), 2) == "rate_limited"


def losing_the_first_answer(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The submission arrives, and nobody hears that it did."""
    submit, calls = services.queue.submit, list[Job]()

    async def lost(job: Job, **more: object) -> Submitted:
        submitted = await submit(job, **more)  # type: ignore[arg-type]
        calls.append(job)
        if len(calls) == 1:
            raise redis.exceptions.ConnectionError("the connection broke")
        return submitted

    monkeypatch.setattr(services.queue, "submit", lost)


async def test_who_is_told_that_it_failed_gets_no_picture(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have arrived after all, and is taken back; asked for once more, it is drawn."""
    await set_policy(services, OPERATOR, jobs_per_hour=1)  # of which what was taken back is none
    losing_the_first_answer(services, monkeypatch)
    with pytest.raises(UserError, match="queue_unreachable"):
        await accept(services, asker(1), job_of(asker(1)))
    await services.background.finish()
    job = job_of(asker(1))
    assert await services.queue.state(job.id) is JobState.CANCELLED
    assert not (await accept(services, asker(1), job)).duplicate
    assert await services.queue.release(job.id, MessageRef(1, 2))
    assert await services.queue.state(job.id) is JobState.QUEUED


async def test_who_asks_once_more_finds_what_arrived(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is taken back behind their back."""
    losing_the_first_answer(services, monkeypatch)
    who = replace(asker(1), returns=True)
    with pytest.raises(UserError, match="queue_unreachable"):
        await accept(services, who, job_of(who))
    await services.background.finish()
    assert (await accept(services, who, job_of(who))).duplicate
    assert await services.queue.release(job_of(who).id, None)


async def test_a_batch_starts_a_job_whose_acceptance_it_did_not_hear_of(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Yes, run 2 jobs` runs two."""
    jobs = [job_of(asker(1), number) for number in (1, 2)]
    await open_batch(services, asker(1), "token", jobs, None)
    losing_the_first_answer(services, monkeypatch)
    batch = await batch_of(services, "token")
    assert batch is not None
    with pytest.raises(UserError, match="queue_unreachable"):
        await accept_next(services, batch)
    await services.background.finish()
    started: list[Job] = []
    while (batch := await batch_of(services, "token")) is not None and (job := await accept_next(services, batch)):
        assert await services.queue.release(job.id, None)
        started.append(job)
    assert [job.id for job in started] == [job.id for job in jobs]
    assert await services.queue.states([job.id for job in jobs]) == [JobState.QUEUED] * 2


OURS = {"user": "1", "month": "2026-11", "place": "11", "version": "8.2", "queue": "render"}
SCOPES = ("user", "guild", "everyone", "user:1", "guild:22", "channel:11")


async def test_a_foreign_key_stops_no_door(services: Services, store: redis.asyncio.Redis) -> None:
    """Whatever of another type stands where settings, bans and quotas do: it is put aside, and the job is accepted."""
    names = {
        key(*(OURS.get(part, scope if part in ("scope", "subject") else "x") for part in key.parts)): key.holds
        for key in keys.KEYS.values()
        for scope in SCOPES
        if key.holds not in ("any", "channel")
    }
    for number, (name, holds) in enumerate(names.items()):
        await store.flushall()
        await (store.set(name, b"\xff") if holds != "string" else store.rpush(name, b"\xff"))
        assert not (await accept(services, asker(1), job_of(asker(1), number))).duplicate, name
    await store.set(keys.bans(Subject.USER), b"\xff")
    assert await services.policies.bans(Subject.USER) == {}
    assert await store.exists(keys.quarantine(keys.bans(Subject.USER)))
    [noted] = await store.lrange(keys.quarantined(), 0, -1)
    assert noted == b"easel:bans:user: a string where a hash belongs"
    assert await store.hget(keys.recovered_counts(), "put_aside") == b"1"
