"""Cases before moderators: decided once, open until what was decided is done, and without words of who is forgotten."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import redis.asyncio

from contract.codec import job_document
from contract.errors import UserError
from contract.jobs import Destination, DiscordChannel, Job
from contract.moderation import read_blocked
from exchange import keys
from exchange.delivery import MessageRef
from service.accepting import Held, accept
from service.asker import Asker
from service.batches import batch_of, open_batch
from service.forgetting import forget_person
from service.policy import OPERATOR, block_word, set_policy
from service.reviews import Case, Decision, appeal_prompt, decide, report, withdraw
from service.services import Services
from tests.contract.factories import imagine
from tests.service.askers import HERE, asker

REVIEWS = DiscordChannel(channel_id=99, guild_id=22)


def moderator(user_id: int) -> Asker:
    """Somebody who decides in the review channel."""

    def everywhere(place: Destination) -> bool:
        return True

    return replace(asker(user_id, REVIEWS), moderates=everywhere)


def gore(who: Asker) -> Job:
    """A job that a rule stands in the way of."""
    return replace(imagine("a field of gore", user=who.user), destination=who.destination)


@pytest.fixture
async def held(services: Services) -> str:
    """The token of a refused prompt that may be appealed against."""
    await block_word(services, OPERATOR, read_blocked("gore"))
    await set_policy(services, OPERATOR, review_channel=REVIEWS.channel_id)
    with pytest.raises(Held) as refused:
        await accept(services, asker(1), gore(asker(1)))
    return refused.value.token


@pytest.fixture
async def case(services: Services, held: str) -> Case:
    """The appeal."""
    return await appeal_prompt(services, asker(1), held)


async def test_two_moderators_at_once_decide_once(
    services: Services, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One lets it through and is not done when the other refuses: the second hears that it is decided already."""
    began, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(*args: object) -> None:
        began.set()
        await may_go_on.wait()
        await open_batch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("service.reviews.open_batch", slow)
    allowing = asyncio.create_task(decide(services, moderator(5), case.token, Decision.ALLOW))
    await began.wait()
    with pytest.raises(UserError, match="case_decided"):
        await decide(services, moderator(6), case.token, Decision.UPHOLD)
    may_go_on.set()
    await allowing
    assert await batch_of(services, case.token) is not None
    assert [deed.did for deed in await services.policies.deeds(1)] == ["allow"]


async def test_what_is_decided_is_the_case_as_it_is_then(
    services: Services, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at it and the decision it became one for other moderators: they decide, nobody else."""
    take = services.cases.take

    async def changed_meanwhile(token: str) -> dict[str, Any] | None:
        document = await services.cases.get(token)
        assert document is not None
        await services.cases.change({**document, "review_channel": 98}, token)
        return await take(token)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(services.cases, "take", changed_meanwhile)
        with pytest.raises(UserError, match="not_a_moderator"):
            await decide(services, moderator(5), case.token, Decision.UPHOLD)
    others = replace(moderator(6), channel_id=98)
    assert (await decide(services, others, case.token, Decision.UPHOLD)).review_channel == 98


async def test_a_refusal_that_came_first_starts_nothing(services: Services, case: Case) -> None:
    """Whoever lets it through afterwards is told so."""
    await decide(services, moderator(5), case.token, Decision.UPHOLD)
    with pytest.raises(UserError, match="case_decided"):
        await decide(services, moderator(6), case.token, Decision.ALLOW)
    assert await batch_of(services, case.token) is None


async def test_what_could_not_be_done_is_not_decided(
    services: Services, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case stays open, and the next press does it."""

    async def away(*args: object) -> None:
        raise UserError("queue_unreachable")

    with monkeypatch.context() as broken:
        broken.setattr("service.reviews.open_batch", away)
        with pytest.raises(UserError, match="queue_unreachable"):
            await decide(services, moderator(5), case.token, Decision.ALLOW)
    await decide(services, moderator(5), case.token, Decision.ALLOW)
    assert await batch_of(services, case.token) is not None


async def test_a_case_that_reached_nobody_can_be_brought_again(services: Services, held: str, case: Case) -> None:
    """By the same button, within the same day."""
    await withdraw(services, case)
    assert (await appeal_prompt(services, asker(1), held)).jobs == case.jobs


async def test_open_cases_forget_a_person(services: Services, store: redis.asyncio.Redis, case: Case) -> None:
    """An appeal is withdrawn; a report stays, for the message still stands, but without name and words."""
    job = imagine("a secret wish", interaction=8, user=asker(1).user)
    services.images.put_record(job_document(replace(job, destination=HERE)))
    reported = await report(services, asker(2), job.id, owner=1, prompt="", message=MessageRef(11, 12))
    assert b"a secret wish" in (await store.get(keys.case(reported.token)) or b"")
    await forget_person(services, OPERATOR, asker(1))
    assert await services.cases.get(case.token) is None
    kept = await store.get(keys.case(reported.token)) or b""
    assert kept
    assert b"a secret wish" not in kept
    assert asker(1).user.name.encode() not in kept
    decided = await decide(services, moderator(5), reported.token, Decision.REMOVE)
    assert (decided.user.id, decided.message) == (1, MessageRef(11, 12))
