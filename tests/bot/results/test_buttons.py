"""Buttons: each makes the next job, after a restart and without records too, and trusts nobody else's message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from contract.actions import Action, Button, custom_id
from contract.ids import job_id, model_fingerprint_of, seed_of
from contract.jobs import Generation, Job, Parent, Strength, channel_of
from contract.kinds.imagine import Imagine
from contract.kinds.upscale import Upscale
from contract.kinds.variation import Variation
from exchange import keys
from exchange.images import FolderStore
from service.services import Services
from tests.bot.delivered import accepted_job, post_result, store_record


async def test_u_picks_one_picture_of_the_grid(
    simcord_env: Env, services: Services, channel: ChannelHandle, bob: MemberActor, grid: Job
) -> None:
    """U3 is answered by a waiting message of its own, and the job shows picture 3 of the same seed, for the presser."""
    message = await post_result(simcord_env, channel, grid)
    result = await bob.click(message, label="U3")
    job = await accepted_job(services, bob.id)
    assert result.response is not None
    assert (
        result.response.content == f"Upscaling image #3 with **{grid.prompt.echo}** - {bob.mention} (Waiting to start)"
    )
    assert job.request == Upscale(2, (Generation(7, 2),))
    assert (job.parent, job.seed, job.user.id) == (Parent(grid.id, 2), 7, bob.id)
    assert channel_of(job.destination).reply_to == message.id


async def test_v_varies_one_picture(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """V2 makes strong variations, Midjourney's default, under a new seed."""
    message = await post_result(simcord_env, channel, grid)
    result = await alice.click(message, label="V2")
    job = await accepted_job(services, alice.id)
    assert result.response is not None
    waiting = f"**{grid.prompt.echo}** - Variations (Strong) by {alice.mention} (Waiting to start)"
    assert result.response.content == waiting
    assert job.request == Variation(Strength.STRONG, (Generation(7, 1),))
    assert job.seed != 7


@pytest.mark.parametrize(
    ("button", "stored", "remarked"),
    [
        ("variation::2", True, True),
        ("upsample::2", False, True),
        ("upsample::2", True, False),
        ("reroll::0", True, False),
    ],
)
async def test_what_a_changed_model_draws_again_is_said_to_differ(
    simcord_env: Env,
    services: Services,
    images: FolderStore,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    button: str,
    stored: bool,
    remarked: bool,
) -> None:
    """The grid is an older model's. A picture that is in the store, and a re-roll, promise nothing that is not so."""
    older = replace(grid, id=job_id(grid.seed, model_fingerprint_of(grid.id) ^ 1, 1))
    store_record(services, older)
    if stored:
        for index in range(4):
            images.put_image(older.id, index, b"\x89PNG\r\n\x1a\n")
    message = await post_result(simcord_env, channel, older)
    solo = "::SOLO" if "reroll" in button else ""
    result = await alice.click(message, custom_id=f"MJ::JOB::{button}::{older.id}{solo}")
    assert result.response is not None
    assert result.response.content.count("\n-# The model has changed since") == remarked


async def test_a_picked_picture_remembers_which_model_drew_it(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """The id of an upscale has the grid's model in it, so that its variations are judged by that."""
    older = replace(grid, id=job_id(grid.seed, model_fingerprint_of(grid.id) ^ 1, 1))
    store_record(services, older)
    await alice.click(await post_result(simcord_env, channel, older), label="U1")
    single = await accepted_job(services, alice.id)
    assert model_fingerprint_of(single.id) == model_fingerprint_of(older.id)
    assert seed_of(single.id) == grid.seed


async def test_reroll_draws_another_seed(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """🔄 is the same prompt with a new seed, even though the prompt names one."""
    message = await post_result(simcord_env, channel, grid)
    result = await alice.click(message, custom_id=f"MJ::JOB::reroll::0::{grid.id}::SOLO")
    job = await accepted_job(services, alice.id)
    assert result.response is not None
    assert result.response.content == f"**{grid.prompt.echo}** - {alice.mention} (Waiting to start)"
    assert (job.request, job.prompt, job.parent) == (Imagine(), grid.prompt, Parent(grid.id))
    assert job.seed != 7


async def test_results_of_results_work(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """A variation of a variation of a picked picture carries the whole line of generations."""
    job = grid
    for label in ("V1", "U4", "Vary (Subtle)"):
        store_record(services, job)
        await alice.click(await post_result(simcord_env, channel, job), label=label)
        job = await accepted_job(services, alice.id)
        await services.queue.discard(job.id)
    assert isinstance(job.request, Variation)
    assert [(line.index, line.strength) for line in job.request.source] == [(0, None), (3, Strength.STRONG)]
    assert job.request.strength is Strength.SUBTLE
    assert job.generations(2)[-1] == Generation(job.seed, 2, Strength.SUBTLE)


async def test_a_button_works_after_a_restart(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    new_bot: Callable[[], EaselClient],
) -> None:
    """No view is kept in memory: a new process answers an old message's buttons."""
    message = await post_result(simcord_env, channel, grid)
    await simcord_env.restart_bot(new_bot())
    result = await alice.click(message, label="U1")
    assert result.response is not None
    assert (await accepted_job(services, alice.id)).parent == Parent(grid.id, 0)


@pytest.mark.parametrize("label", ["U2", "V4"])
async def test_a_button_works_when_redis_and_the_store_are_wiped(
    simcord_env: Env,
    services: Services,
    store: redis.asyncio.Redis,
    images: FolderStore,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    label: str,
) -> None:
    """The message alone is enough, and gives the very job that the record would have given."""
    message = await post_result(simcord_env, channel, grid)
    await alice.click(message, label=label)
    from_record = await accepted_job(services, alice.id)
    images.delete(grid.id)
    await store.flushall()
    await alice.click(message, label=label)
    from_message = await accepted_job(services, alice.id)
    assert (from_message.prompt, from_message.model) == (from_record.prompt, from_record.model)
    assert (from_message.request, from_message.parent) == (from_record.request, from_record.parent)


async def test_a_message_that_carries_too_little_is_said_so(
    simcord_env: Env,
    services: Services,
    images: FolderStore,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
) -> None:
    """Without record and description: a sentence for the presser only, and nothing enqueued."""
    images.delete(grid.id)
    message = await post_result(simcord_env, channel, grid, description=False)
    result = await alice.click(message, label="V1")
    assert result.ephemeral
    assert result.response is not None
    assert result.response.embeds[0].title == "Job not found"
    assert await services.queue.of_user(alice.id) == []


@pytest.mark.parametrize(
    "custom_id",
    [
        "somebody-elses-button",
        "MJ::JOB::upsample::0::{id}",
        "MJ::JOB::upsample::9::{id}",
        "MJ::JOB::variation::1::nonsense",
    ],
)
async def test_an_unknown_button_is_answered(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, grid: Job, custom_id: str
) -> None:
    """A foreign or malformed id gets a sentence, not Discord's `did not respond`."""
    custom_id = custom_id.format(id=grid.id)
    target = simcord_env.bot.get_partial_messageable(channel.id)
    from bot.rendering import view_of

    message = await target.send("old", view=view_of([[Button(custom_id, "Press")]]))
    result = await alice.click(message, custom_id=custom_id)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.embeds[0].title == "Invalid request"


async def test_an_index_the_job_does_not_have_is_refused(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """U2 of a single picture is no button of ours, no matter who made it up."""
    await alice.click(await post_result(simcord_env, channel, grid), label="U2")
    single = await accepted_job(services, alice.id)
    await services.queue.discard(single.id)
    store_record(services, single)
    from bot.rendering import view_of

    target = simcord_env.bot.get_partial_messageable(channel.id)
    forged = custom_id(Action.UPSCALE, 1, single.id)
    message = await target.send("forged", view=view_of([[Button(forged, "U2")]]))
    result = await alice.click(message, label="U2")
    assert result.ephemeral
    assert await services.queue.of_user(alice.id) == []


async def test_cancel_stops_a_waiting_job(
    services: Services, store: redis.asyncio.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The message loses its button at once, and the job is gone; a delivery will say (Stopped)."""
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.response is not None
    job = await accepted_job(services, alice.id)
    await alice.click(result.response.message, label="Cancel Job")
    assert result.response.components == []
    assert await store.exists(keys.rq_job(keys.delivery_id(job.id)))
    assert await services.queue.of_user(alice.id) == []
    assert await services.queue.state(job.id) == "cancelled"


async def test_only_the_owner_may_cancel(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Somebody else's press is refused for them alone, and the job stays."""
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.response is not None
    refused = await bob.click(result.response.message, label="Cancel Job")
    assert refused.ephemeral
    assert refused.response is not None
    assert refused.response.embeds[0].title == "Job action restricted"
    assert len(await services.queue.of_user(alice.id)) == 1


async def test_cancelling_twice_is_harmless(channel: ChannelHandle, alice: MemberActor, services: Services) -> None:
    """A job that has ended cannot be cancelled, and the sentence says so."""
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.response is not None
    await services.queue.discard((await accepted_job(services, alice.id)).id)
    again = await alice.click(result.response.message, label="Cancel Job")
    assert again.ephemeral
    assert again.response is not None
    assert again.response.embeds[0].title == "Nothing to cancel"
