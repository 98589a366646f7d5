"""Who may end whose jobs: own ones always, others' only with Manage Messages in the job's own channel."""

from __future__ import annotations

from dataclasses import dataclass

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from contract.catalogue import EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.prompt import parse
from exchange.queue import MessageRef
from service.services import Services
from tests.bot.delivered import post_result, store_record
from tests.contract.factories import priced

MANAGE = discord.Permissions(manage_messages=True)


@dataclass(frozen=True)
class Town:
    """Two guilds, and people of every kind in them."""

    places: dict[str, DiscordChannel]
    people: dict[str, MemberActor]
    channels: dict[str, ChannelHandle]

    @property
    def here(self) -> ChannelHandle:
        """Where everybody types: an ordinary channel."""
        return self.channels["here"]


@pytest.fixture
def town(simcord_env: Env, channel: ChannelHandle, alice: MemberActor, bob: MemberActor) -> Town:
    """`moderator` has the right by a role, and not in `closed`; `helper` has it by an overwrite in `helped` alone."""
    guild, env = simcord_env.guild, simcord_env
    role = guild.create_role("moderators", permissions=MANAGE)
    moderator = guild.add_member(env.create_user("moderator"), roles=[role])
    helper = guild.add_member(env.create_user("helper"))
    closed = guild.create_text_channel("closed", overwrites={role: discord.PermissionOverwrite(manage_messages=False)})
    helped = guild.create_text_channel("helped", overwrites={helper: discord.PermissionOverwrite(manage_messages=True)})
    other = env.create_guild("other")
    elsewhere = other.create_text_channel("elsewhere")
    assert channel.guild is not None
    places = {
        "here": DiscordChannel(channel.id, channel.guild.id),
        "closed": DiscordChannel(closed.id, channel.guild.id),
        "helped": DiscordChannel(helped.id, channel.guild.id),
        "other guild": DiscordChannel(elsewhere.id, other.id),
        "direct message": DiscordChannel(alice.user.dm_channel.id, None),
        "gone": DiscordChannel(7, channel.guild.id),
        "lie": DiscordChannel(channel.id, other.id),
    }
    people = {"owner": alice, "stranger": bob, "moderator": moderator, "helper": helper}
    return Town(places, people, {"here": channel, "closed": closed, "helped": helped})


ALLOWED = {
    "owner": {"here", "closed", "helped", "other guild", "direct message", "gone", "lie"},
    "stranger": set[str](),
    "moderator": {"here", "helped"},
    "helper": {"helped"},
}
"""Whose jobs may be ended where. All but `owner` ask about the owner's."""

PLACES = sorted(ALLOWED["owner"])


def job_at(place: DiscordChannel, owner: MemberActor) -> Job:
    """A job of alice's."""
    return Job(
        id=job_id(7, EASEL_SMALL.fingerprint, place.channel_id),
        request=Imagine(),
        prompt=parse("a red fox").prompts[0],
        model=EASEL_SMALL.name,
        user=User(owner.id, "alice"),
        destination=place,
        created_ms=1_790_000_000_000,
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("person", ALLOWED)
async def test_cancel_counts_the_rights_in_the_jobs_own_channel(
    services: Services, town: Town, person: str, place: str
) -> None:
    """Wherever the command is typed, and whatever rights the person has there."""
    job = job_at(town.places[place], town.people["owner"])
    await services.queue.submit(priced(job, 1.0))
    await services.queue.release(job.id, None)
    result = await town.people[person].slash(town.here, "cancel", job=job.id)
    ended = await services.queue.state(job.id) == "cancelled"
    assert ended is (place in ALLOWED[person])
    assert result.response is not None
    refused = [embed.title for embed in result.response.embeds]
    assert refused == ([] if ended else ["Job action restricted"])


@pytest.mark.parametrize(
    ("private", "person", "allowed"),
    [(False, "moderator", True), (False, "helper", False), (True, "moderator", False), (True, "stranger", False)],
)
async def test_a_thread_is_moderated_by_those_who_see_it(
    simcord_env: Env, services: Services, town: Town, person: str, private: bool, allowed: bool
) -> None:
    """By the rights in its channel; a private one by those alone who are in it, or manage threads."""
    made = simcord_env.bot.get_channel(town.here.id)
    assert isinstance(made, discord.TextChannel)
    kind = discord.ChannelType.private_thread if private else discord.ChannelType.public_thread
    thread = await made.create_thread(name="aside", type=kind)
    assert made.guild.get_thread(thread.id) is not None
    job = job_at(DiscordChannel(thread.id, made.guild.id), town.people["owner"])
    await services.queue.submit(priced(job, 1.0))
    await town.people[person].slash(town.channels["helped"], "cancel", job=job.id)
    assert (await services.queue.state(job.id) == "cancelled") is allowed


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize("by_menu", [True, False])
@pytest.mark.parametrize("place", ["here", "closed", "helped"])
@pytest.mark.parametrize("person", ALLOWED)
async def test_a_finished_picture_is_deleted_by_the_same_rule(
    simcord_env: Env, services: Services, town: Town, person: str, place: str, by_menu: bool, recorded: bool
) -> None:
    """By ❌ and by the menu, with a record and when there is only the message."""
    job = job_at(town.places[place], town.people["owner"])
    if recorded:
        store_record(services, job)
    where = town.channels[place]
    message = await post_result(simcord_env, where, job)
    actor = town.people[person]
    if by_menu:
        await actor.context_menu(where, "Cancel Job", message)
    else:
        await actor.react(message, "❌")
    gone = message.id not in [other.id for other in where.history()]
    assert gone is (place in ALLOWED[person])


async def test_a_picture_shown_elsewhere_still_belongs_to_its_own_channel(
    simcord_env: Env, services: Services, town: Town
) -> None:
    """The helper may delete messages where it is shown, but the pictures were made in a channel where they may not."""
    job = job_at(town.places["here"], town.people["owner"])
    store_record(services, job)
    message = await post_result(simcord_env, town.channels["helped"], job)
    await town.people["helper"].react(message, "❌")
    assert services.images.get_record(job.id) == job
    await town.people["moderator"].react(message, "❌")
    assert services.images.get_record(job.id) is None


@pytest.mark.parametrize("person", ["owner", "stranger", "moderator"])
async def test_the_cancel_button_asks_the_same_question(
    services: Services, town: Town, person: str, store: object
) -> None:
    """It stands under a message in the job's own channel."""
    result = await town.people["owner"].slash(town.here, "imagine", prompt="a fox")
    assert result.response is not None
    await town.people[person].click(result.response.message, label="Cancel Job")
    left = await services.queue.of_user(town.people["owner"].id)
    assert (left == []) is (person != "stranger")


async def test_only_the_owner_gets_the_pictures(simcord_env: Env, services: Services, town: Town) -> None:
    """A moderator may take them away, which is no reason to send them."""
    job = job_at(town.places["here"], town.people["owner"])
    store_record(services, job)
    services.images.put_image(job.id, 0, b"\x89PNG\r\n\x1a\n")
    message = await post_result(simcord_env, town.here, job)
    for person in ("stranger", "moderator", "owner"):
        await town.people[person].react(message, "✉️")
    got = [person for person, actor in town.people.items() if actor.user.dm_channel.history()]
    assert got == ["owner"]


async def test_waiting_messages_that_nobody_recorded_stay_as_they_are(services: Services, town: Town) -> None:
    """A job whose acknowledgement is unknown can be cancelled all the same."""
    job = job_at(town.places["here"], town.people["owner"])
    await services.queue.submit(priced(job, 1.0))
    await services.queue.release(job.id, MessageRef(town.here.id, 4))
    result = await town.people["moderator"].slash(town.here, "cancel", job=job.id)
    assert result.response is not None
    assert result.response.content.startswith("Cancelled ")
