"""Channels are told of a change of model once, and whoever wants takes it back for themselves."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.announcing import tell_all
from bot.client import EaselClient
from contract.catalogue import EASEL_SMALL, Catalogue
from service.pins import look
from service.services import Services
from tests.bot.delivered import accepted_job

OLD = replace(EASEL_SMALL, name="old", title="Old Brush", revision="1")
NEW = replace(EASEL_SMALL, name="new", title="New Brush", revision="2")


@pytest.fixture
def services(services: Services) -> Services:
    """Versions are drawn by `new`, and can be held at `old`."""
    return replace(services, catalogue=Catalogue((NEW, OLD)))


async def test_a_channel_is_told_once_and_a_press_takes_it_back(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, simcord_bot: EaselClient
) -> None:
    """The message names both models; the button holds for the person who pressed it, the panel lets go again."""
    await look(replace(services, catalogue=Catalogue((OLD,))))
    await alice.slash(channel, "imagine", prompt="a fox --v 6.1")
    first = await accepted_job(services, alice.id)
    await services.queue.discard(first.id)
    await services.background.finish()
    await look(services)
    for _ in range(2):
        await tell_all(simcord_bot, apart_s=0)
    [message] = [one for one in channel.history() if "Old Brush" in one.content]
    assert message.content.startswith("Version 6.1 is drawn by **New Brush** (revision 2)")
    await alice.click(message, label="Keep Old Brush 1 for me")
    await alice.slash(channel, "imagine", prompt="a fox --v 6.1")
    held = await accepted_job(services, alice.id)
    await services.queue.discard(held.id)
    assert (first.model, held.model) == ("new", "old")


async def test_the_panel_holds_and_lets_go(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The switch pins what the version means now; the menu also offers what it can only be held at."""
    panel = await alice.slash(channel, "settings")
    assert panel.response is not None
    await alice.click(panel.response.message, label="Hold 8.2")
    assert (await services.preferences.all(f"user:{alice.id}"))["pin:8.2"] == "new@2"
    await alice.click(panel.response.message, label="Hold 8.2")
    assert "pin:8.2" not in await services.preferences.all(f"user:{alice.id}")
    menu = panel.response.components[0]["components"][0]
    assert [option["value"] for option in menu["options"]] == ["8.2", "pin:old"]
    await alice.select(panel.response.message, ["pin:old"], custom_id="MJ::Settings::VersionSelector")
    assert (await services.preferences.all(f"user:{alice.id}"))["pin:8.2"] == "old@1"


async def test_a_moderator_holds_a_version_for_the_server(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Spelled as in a prompt; without a model it is let go."""
    role = simcord_env.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    manager = simcord_env.guild.add_member(simcord_env.create_user("manager"), roles=[role])
    await manager.slash(channel, "server version", name="--v 6.1", model="old")
    await alice.slash(channel, "imagine", prompt="a fox --v 6.1")
    job = await accepted_job(services, alice.id)
    await services.queue.discard(job.id)
    assert job.model == "old"
    await manager.slash(channel, "server version", name="6.1")
    await alice.slash(channel, "imagine", prompt="a fox --v 6.1")
    assert (await accepted_job(services, alice.id)).model == "new"
