"""Every button that makes a job of another: from a message alone, several at once, and cancelled."""

from __future__ import annotations

from typing import Any

import discord
import pytest

from contract.actions import Action
from contract.jobs import Job
from exchange import keys, preferences
from exchange.images import FolderStore
from tests.bot.delivered import accepted_job
from tests.bot.results.presses import FORMS, PARENTS, World, called


async def pressed(world: World, action: Action, message: discord.Message) -> tuple[Job, Any]:
    """The job that comes of a press, and the message that waits for it."""
    shown = await world.press(action, message)
    answer = shown if shown.modal is None else await world.send(action, shown, "a hare in a wood --chaos 7")
    assert answer.response is not None
    return await accepted_job(world.services, world.alice.id), answer.response


@pytest.mark.parametrize("action", PARENTS, ids=called)
async def test_the_message_alone_is_enough(world: World, images: FolderStore, action: Action) -> None:
    """Redis and the store are gone: the same job comes of it as from the record, whatever the kind."""
    job = PARENTS[action]
    message = await world.post(action, job)
    from_record, _ = await pressed(world, action, message)
    images.delete(job.id)
    await world.store.flushall()
    await world.services.preferences.set(preferences.user(world.alice.id), "remix", True)
    from_message, _ = await pressed(world, action, message)
    for made in ("request", "prompt", "model", "parent", "ancestors"):
        assert getattr(from_message, made) == getattr(from_record, made)


@pytest.mark.parametrize("action", PARENTS, ids=called)
async def test_a_cancel_leaves_one_message(world: World, action: Action) -> None:
    """It loses its button at once; the job is cancelled, nothing of it waits, and a delivery will say (Stopped)."""
    message = await world.post(action, PARENTS[action])
    before = len(world.channel.history())
    job, waiting = await pressed(world, action, message)
    await world.alice.click(waiting.message)
    assert waiting.components == []
    assert await world.services.queue.state(job.id) == "cancelled"
    assert await world.services.queue.of_user(world.alice.id) == []
    assert await world.store.exists(keys.rq_job(keys.delivery_id(job.id)))
    assert len(world.channel.history()) == before + 1


@pytest.mark.parametrize("action", FORMS, ids=called)
async def test_a_form_may_ask_for_many(world: World, action: Action) -> None:
    """Expansions and `--repeat` do what they say in the box of every button: each is a job of that kind, made of the
    same picture, with a seed of its own, after a question."""
    message = await world.post(action, PARENTS[action])
    one, _ = await pressed(world, action, message)
    await world.services.queue.discard(one.id)
    sent = await world.send(action, await world.press(action, message), "a {red, green} hare --repeat 2")
    assert sent.response is not None
    assert f"**4 jobs**, {4 * one.image_count} picture" in (sent.response.embeds[0].description or "")
    await world.alice.click(sent.response.message, label="Yes, run 4 jobs")
    queue = world.services.queue
    jobs = [job for id in await queue.of_user(world.alice.id) if (job := await queue.accepted(id)) is not None]
    assert sorted(job.prompt.text for job in jobs) == ["a green hare"] * 2 + ["a red hare"] * 2
    assert {(job.request, job.parent, job.ancestors) for job in jobs} == {(one.request, one.parent, one.ancestors)}
    assert len({job.seed for job in jobs}) == 4
