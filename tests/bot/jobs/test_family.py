"""How a result came about: its ancestors, any of them again, and the tree; ❤️ and ⭐; with and without records."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import discord
import pytest
import redis as redis_sync
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from contract.actions import Action, custom_id
from contract.ids import JobId
from contract.jobs import Job, User
from contract.kinds.tree import Member, Tree
from exchange import accounts
from exchange.images import FolderStore
from exchange.queue import MessageRef
from service.services import Services
from tests.bot.delivered import accepted_job, post_result, store_record
from tests.contract.factories import follow, press, upscale


@dataclass(frozen=True)
class Family:
    """A grid, a picture of it, and a zoom out of that, with their messages; each answers the one before."""

    jobs: tuple[Job, Job, Job]
    messages: tuple[discord.Message, discord.Message, discord.Message]


@pytest.fixture
async def family(
    simcord_env: Env, services: Services, redis_url: str, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> Family:
    """All of it alice's, delivered and on record."""
    by_her = replace(press(interaction=71, user=User(alice.id, "alice")), destination=grid.destination)
    single = upscale(grid, 1, by_her)
    zoomed = follow(single, Action.ZOOM_2, replace(by_her, interaction_id=72, created_ms=by_her.created_ms + 1))
    posted: list[discord.Message] = []
    with redis_sync.Redis.from_url(redis_url) as client:
        for job in (grid, single, zoomed):
            store_record(services, job)
            posted.append(await post_result(simcord_env, channel, job, answers=posted[-1] if posted else None))
            at = MessageRef(channel.id, posted[-1].id)
            await asyncio.to_thread(accounts.record, client, job, job.prompt.echo, at, images=4, gpu_s=1.0)
    first, second, third = posted
    return Family((grid, single, zoomed), (first, second, third))


def _said(result: Any) -> str:
    """What only the caller reads."""
    assert result.ephemeral
    return str(_answer(result).content)


def _answer(result: Any) -> Any:
    assert result.response is not None
    return result.response


def _buttons(message: discord.Message) -> list[str | None]:
    view = discord.ui.View.from_message(message)
    return [one.custom_id for one in view.children if isinstance(one, discord.ui.Button)]


def _pictures(channel: ChannelHandle) -> list[int]:
    """The messages that show a picture."""
    return [message.id for message in channel.history() if message.attachments]


def grid_guild(family: Family) -> int | None:
    """Where all of it stands."""
    return family.jobs[0].destination.guild_id


def _lines(text: str) -> list[str]:
    return [line for line in text.split("\n") if line[:1].isdigit()]


async def test_a_grid_names_its_ancestors_and_links_to_them(
    alice: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """Oldest first, each with kind, picture and link, by the menu of messages."""
    result = await alice.context_menu(channel, "Family Tree", family.messages[2])
    first, second, third = _lines(_said(result))
    assert first.startswith("1. imagine: [a red fox")
    assert second.startswith("2. upscale from picture 2: [a red fox")
    assert third.startswith("3. zoom from picture 1: [a red fox")
    for line, message, job in zip((first, second, third), family.messages, family.jobs, strict=True):
        assert f"/{grid_guild(family)}/{channel.id}/{message.id})" in line
        assert line.endswith(f"`{job.id}`")


async def test_it_is_found_from_the_messages_alone(
    images: FolderStore, store: Any, alice: MemberActor, bob: MemberActor, family: Family
) -> None:
    """Redis and the store are emptied: the line is the same, for anybody who sees the message."""
    for job in family.jobs:
        images.delete(job.id)
    await store.flushall()
    for who in (alice, bob):
        lines = _lines(
            _said(await who.click(family.messages[1], custom_id=custom_id(Action.FAMILY, None, family.jobs[1].id)))
        )
        assert [line.split(":")[0] for line in lines] == ["1. imagine", "2. upscale"]
        assert all(f"`{job.id}`" in line for job, line in zip(family.jobs, lines, strict=False))


async def test_a_deleted_parent_leaves_its_record(
    images: FolderStore, alice: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """Its line has no link any more; without the record too the line begins behind it."""
    await family.messages[1].delete()
    lines = _lines(_said(await alice.context_menu(channel, "Family Tree", family.messages[2])))
    assert len(lines) == 3
    assert "](" not in lines[1]
    images.delete(family.jobs[1].id)
    lines = _lines(_said(await alice.context_menu(channel, "Family Tree", family.messages[2])))
    assert [line.split(":")[0] for line in lines] == ["1. zoom from picture 1"]


async def test_an_ancestor_is_posted_again_with_its_buttons(
    alice: MemberActor, bob: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """In the same channel for anybody: from there one goes on."""
    for who in (alice, bob):
        shown = _answer(
            await who.click(family.messages[1], custom_id=custom_id(Action.FAMILY, None, family.jobs[1].id))
        )
        [menu] = [part for row in shown.components for part in row["components"] if part["type"] == 3]
        assert [option["label"] for option in menu["options"]] == ["2. upscale from picture 2", "1. imagine"]
        await who.select(shown, [menu["options"][1]["value"]])
        again = max(channel.history(), key=lambda message: message.id)
        assert again.content == family.messages[0].content
        assert _buttons(again) == _buttons(family.messages[0])


async def test_one_press_leads_back_to_the_parent(
    images: FolderStore, store: Any, alice: MemberActor, bob: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """For anybody in its channel, with its buttons; also when Redis and the store are gone. What a message alone gave
    back does not know what it was itself made from, so it leads no further."""
    for emptied in (False, True):
        if emptied:
            for job in family.jobs:
                images.delete(job.id)
            await store.flushall()
        for who, place in ((alice, 2), (bob, 1)):
            await who.click(family.messages[place], custom_id=custom_id(Action.PARENT, None, family.jobs[place].id))
            again = max(channel.history(), key=lambda message: message.id)
            assert again.id not in [message.id for message in family.messages]
            assert again.content.split("<@")[0] == family.messages[place - 1].content.split("<@")[0]
            further = custom_id(Action.PARENT, None, family.jobs[place - 1].id)
            expected = [id for id in _buttons(family.messages[place - 1]) if not (emptied and id == further)]
            assert _buttons(again) == expected


async def test_a_parent_that_is_gone_is_a_sentence(
    images: FolderStore, alice: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """Its message is deleted and its record too; nothing is posted."""
    await family.messages[1].delete()
    images.delete(family.jobs[1].id)
    before = _pictures(channel)
    pressed = await alice.click(family.messages[2], custom_id=custom_id(Action.PARENT, None, family.jobs[2].id))
    assert "its own buttons still work" in (_answer(pressed).embeds[0].description or "")
    assert _pictures(channel) == before


async def test_an_id_alone_opens_no_door(
    simcord_env: Env, alice: MemberActor, bob: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """Elsewhere a job is its owner's alone; where it stands it is everybody's."""
    elsewhere = simcord_env.guild.create_text_channel("elsewhere")
    id = family.jobs[2].id
    assert id in _said(await alice.slash(elsewhere, "family", job_id=id))
    refused = _answer(await bob.slash(elsewhere, "family", job_id=id))
    assert not refused.content
    assert id in (refused.embeds[0].description or "")
    assert id in _said(await bob.slash(channel, "family", job_id=id))


async def test_the_line_ends_where_a_channel_is_closed_to_the_asker(
    simcord_env: Env, alice: MemberActor, bob: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """A picture was posted elsewhere again and somebody went on from there: its owner sees where it came from, others
    only what stands before them."""
    elsewhere = simcord_env.guild.create_text_channel("elsewhere")
    zoomed = await post_result(simcord_env, elsewhere, family.jobs[2])
    assert len(_lines(_said(await alice.context_menu(elsewhere, "Family Tree", zoomed)))) == 3
    [line] = _lines(_said(await bob.context_menu(elsewhere, "Family Tree", zoomed)))
    assert line.startswith("1. zoom")
    assert family.jobs[1].id not in line


async def test_the_family_becomes_a_picture(
    services: Services, alice: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """A job of its own, whose members are the line and what else was made of it."""
    shown = _answer(await alice.context_menu(channel, "Family Tree", family.messages[1]))
    await alice.click(shown, label="Draw the family tree")
    job = await accepted_job(services, alice.id)
    grid, single, zoomed = family.jobs
    assert job.request == Tree(
        (
            Member(grid.id, "imagine"),
            Member(single.id, "upscale", 0, 1),
            Member(zoomed.id, "zoom", 1, 0),
        )
    )
    assert job.parent is not None
    assert job.parent.id == single.id


async def test_what_is_not_known_is_said(alice: MemberActor, channel: ChannelHandle, grid: Job) -> None:
    """A number of nobody's, and a message that is about no job."""
    unknown = JobId("0000000a" + grid.id[8:])
    result = await alice.slash(channel, "family", job_id=unknown)
    assert unknown in (_answer(result).embeds[0].description or "")
    chatter = await alice.send(channel, "hello")
    result = await alice.context_menu(channel, "Family Tree", chatter)
    assert _answer(result).embeds[0].description == "This message is not about a job of mine."


async def test_a_heart_is_remembered_and_taken_back(
    alice: MemberActor, bob: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """By anybody, each for themselves; listed with a link; the second press takes it back."""
    message, heart = family.messages[1], custom_id(Action.FAVOURITE, None, family.jobs[1].id)
    for who in (alice, bob):
        assert "Remembered" in _said(await who.click(message, custom_id=heart))
        listed = _said(await who.slash(channel, "history", favourites=True))
        assert f"/{message.id})" in listed
        assert len(listed.split("\n")) == 1
    assert "Taken out" in _said(await alice.click(message, custom_id=heart))
    assert "marked nothing" in _said(await alice.slash(channel, "history", favourites=True))
    assert f"/{message.id})" in _said(await bob.slash(channel, "history", favourites=True))


async def test_a_star_does_the_same_under_grids(bob: MemberActor, channel: ChannelHandle, family: Family) -> None:
    """Until it is taken off again."""
    await bob.react(family.messages[0], "⭐")
    assert f"/{family.messages[0].id})" in _said(await bob.slash(channel, "history", favourites=True))
    await bob.unreact(family.messages[0], "⭐")
    assert "marked nothing" in _said(await bob.slash(channel, "history", favourites=True))


async def test_a_star_needs_no_records(simcord_env: Env, alice: MemberActor, channel: ChannelHandle, grid: Job) -> None:
    """Nor the line of what its picture came from: a message, its words and its picture are there."""
    message = await post_result(simcord_env, channel, upscale(grid, 1, press()), description=False)
    await alice.react(message, "⭐")
    listed = _said(await alice.slash(channel, "history", favourites=True))
    assert f"/{message.id})" in listed
    assert grid.prompt.echo in listed


async def test_the_history_links_to_what_each_was_made_from(
    alice: MemberActor, channel: ChannelHandle, family: Family
) -> None:
    """The newest first; the first ancestor has none."""
    lines = _said(await alice.slash(channel, "history")).split("\n")
    assert [line.count("](http") for line in lines] == [2, 2, 1]
    for line, parent in zip(lines[:2], (family.messages[1], family.messages[0]), strict=True):
        assert line.endswith(f"/{parent.id})")
