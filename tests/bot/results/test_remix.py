"""Remix: a form with the present words, whose answer works without anything kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from contract.jobs import Job, Parent, Strength
from contract.kinds.imagine import Imagine
from contract.kinds.upscale import Upscale
from contract.kinds.variation import Variation
from contract.prompt import parse
from service.services import Services
from tests.bot.delivered import REROLL_PROMPT, VARIATION_PROMPT, accepted_job, post_result, store_record


@pytest.fixture
async def grid(services: Services, channel: ChannelHandle, alice: MemberActor) -> Job:
    """A finished job of alice's, who has remix on."""
    await alice.slash(channel, "prefer remix")
    await alice.slash(channel, "imagine", prompt="a red fox --seed 7")
    job = await accepted_job(services, alice.id)
    await services.queue.discard(job.id)
    store_record(services, job)
    return job


async def test_v_asks_for_other_words(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Midjourney's ids, the present prompt filled in, and a strong variation with the new words."""
    message = await post_result(simcord_env, channel, grid)
    shown = await alice.click(message, label="V2")
    assert shown.modal is not None
    assert shown.modal["custom_id"] == f"MJ::RemixModal::{grid.id}::2::1"
    assert grid.prompt.echo in str(shown.modal)
    result = await alice.submit_modal(shown, {VARIATION_PROMPT: "a blue fox --ar 3:2"})
    job = await accepted_job(services, alice.id)
    assert isinstance(job.request, Variation)
    assert (job.prompt.text, job.request.strength, job.parent) == ("a blue fox", Strength.STRONG, Parent(grid.id, 1))
    assert result.response is not None
    assert result.response.content.startswith("**a blue fox --ar 3:2")


async def test_a_form_may_be_sent_after_a_restart(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    new_bot: Callable[[], EaselClient],
) -> None:
    """The form's custom_id says all there is to know: that of a re-roll names the message."""
    message = await post_result(simcord_env, channel, grid)
    shown = await alice.click(message, custom_id=f"MJ::JOB::reroll::0::{grid.id}::SOLO")
    assert shown.modal is not None
    assert shown.modal["custom_id"] == f"MJ::ImagineModal::{message.id}"
    await simcord_env.restart_bot(new_bot())
    await alice.submit_modal(shown, {REROLL_PROMPT: "a green fox"})
    job = await accepted_job(services, alice.id)
    assert (job.prompt.text, job.request) == ("a green fox", Imagine())


async def test_u_never_asks(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Picking a picture changes no words."""
    shown = await alice.click(await post_result(simcord_env, channel, grid), label="U1")
    assert shown.modal is None
    assert isinstance((await accepted_job(services, alice.id)).request, Upscale)


async def test_bad_words_in_a_form_are_refused_like_a_prompt(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """A red embed that names the word, and nothing enqueued."""
    shown = await alice.click(await post_result(simcord_env, channel, grid), label="V1")
    result = await alice.submit_modal(shown, {VARIATION_PROMPT: "a fox --sparkle"})
    assert result.response is not None
    assert "sparkle" in (result.response.embeds[0].description or "")
    assert await services.queue.of_user(alice.id) == []


async def test_a_job_of_many_is_filled_in_as_one(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Its prompt said `--repeat`; sending the form as it is makes one job, not as many again."""
    one_of_many = replace(grid, prompt=parse("a red fox --repeat 4 --ar 3:2").prompts[0])
    store_record(services, one_of_many)
    shown = await alice.click(await post_result(simcord_env, channel, one_of_many), label="V2")
    assert "a red fox --ar 3:2" in str(shown.modal)
    assert "--repeat" not in str(shown.modal)


async def test_many_jobs_in_a_form_are_asked_about_first(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Expansions and `--repeat` do what they say: each is a variation of the same picture, with a seed of its own."""
    shown = await alice.click(await post_result(simcord_env, channel, grid), label="V3")
    asked = await alice.submit_modal(shown, {VARIATION_PROMPT: "a {red, green} key --repeat 3"})
    assert asked.response is not None
    assert "**6 jobs**, 24 pictures" in (asked.response.embeds[0].description or "")
    await alice.click(asked.response.message, label="Yes, run 6 jobs")
    jobs = [await services.queue.accepted(id) for id in await services.queue.of_user(alice.id)]
    made = [job for job in jobs if job is not None]
    assert sorted(job.prompt.text for job in made) == ["a green key"] * 3 + ["a red key"] * 3
    assert {job.parent for job in made} == {Parent(grid.id, 2)}
    assert len({job.seed for job in made}) == 6


async def test_a_form_that_nobody_opened_is_refused(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    store: redis.asyncio.Redis,
) -> None:
    """A client can send any custom_id; what the bot remembers of opening it is what counts."""
    shown = await alice.click(await post_result(simcord_env, channel, grid), label="V1")
    await store.delete(*await store.keys("easel:form:*"))
    result = await alice.submit_modal(shown, {VARIATION_PROMPT: "a green fox"})
    assert result.response is not None
    assert result.response.embeds[0].title == "Request expired"
    assert await services.queue.of_user(alice.id) == []
