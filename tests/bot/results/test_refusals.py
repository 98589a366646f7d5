"""What cannot be made of a picture: a sentence that says what to do, and nothing is asked of anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from contract.actions import Action, button, custom_id
from contract.jobs import Job
from contract.messages import result_buttons
from service.services import Services
from tests.bot.delivered import post_result, store_record
from tests.contract.factories import follow, press, upscale

Single = tuple[Job, discord.Message]
ZOOM_PROMPT = "MJ::OutpaintCustomZoomModal::prompt"


@pytest.fixture
async def single(simcord_env: Env, services: Services, channel: ChannelHandle, grid: Job) -> Single:
    """A picture of alice's grid, alone, delivered and on record."""
    job = upscale(grid, 1, replace(press(interaction=71), destination=grid.destination))
    store_record(services, job)
    return job, await post_result(simcord_env, channel, job)


async def refused(services: Services, who: MemberActor, result: Any, *words: str) -> None:
    """A red embed with these words, and no job."""
    assert result.response is not None
    [embed] = result.response.embeds
    assert embed.colour is not None
    assert embed.colour.value == 0xFF0000
    for word in words:
        assert word in (embed.description or "")
    assert await services.queue.of_user(who.id) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a fox --zoom 1 --ar 3:2", ("would stay",)),
        ("a fox --zoom 9", ("--zoom",)),
    ],
    ids=["nothing changes", "factor"],
)
async def test_a_zoom_that_cannot_be_is_refused(
    services: Services, alice: MemberActor, single: Single, typed: str, words: tuple[str, ...]
) -> None:
    """By the form, with the word that is wrong."""
    job, message = single
    shown = await alice.click(message, custom_id=custom_id(Action.CUSTOM_ZOOM, None, job.id))
    await refused(services, alice, await alice.submit_modal(shown, {ZOOM_PROMPT: typed}), *words)


async def test_a_picture_grown_too_long_stays(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    single: Single,
) -> None:
    """Panned again and again it reaches the longest shape that there is. Its arrows are gone then; where an old message
    still has them, the sentence says which shape that is."""
    job, _ = single
    for number in range(20):
        job = upscale(
            follow(job, Action.PAN_RIGHT, press(interaction=100 + 2 * number)), 0, press(interaction=101 + 2 * number)
        )
        width, height = job.extent
        if width > 13.5 * height:
            break
    store_record(services, job)
    arrow = button(Action.PAN_RIGHT, 0, job.id)
    assert arrow not in [shown for row in result_buttons(job) for shown in row]
    message = await post_result(simcord_env, channel, job, buttons=((arrow,),))
    await refused(services, alice, await alice.click(message, custom_id=arrow.custom_id), "14")
