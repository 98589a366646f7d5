"""/server: what those who manage a server allow there, and nobody else decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import discord
import pytest
from pydantic import SecretStr
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.settings import BotSettings
from contract.errors import UserError
from contract.jobs import Speed
from exchange.settings import SettingsError
from service.asker import Asker
from service.gate import admit
from service.services import Services
from tests.bot.delivered import accepted_job
from tests.contract.factories import imagine


@pytest.fixture
def manager(simcord_env: Env, channel: ChannelHandle) -> MemberActor:
    """Somebody who manages the server."""
    role = simcord_env.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    return simcord_env.guild.add_member(simcord_env.create_user("manager"), roles=[role])


def title(result: InteractionResult) -> str | None:
    """The title of a refusal."""
    assert result.response is not None
    return result.response.embeds[0].title if result.response.embeds else None


async def test_only_managers_may_rule(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, services: Services
) -> None:
    """Discord hides the command from others; a server may show it to them all the same, so the bot asks again."""
    commands = await simcord_env.bot.tree.fetch_commands()  # type: ignore[attr-defined]
    [command] = [command for command in commands if command.name == "server"]
    simcord_env.guild.set_command_permissions(command, {alice: True})
    result = await alice.slash(channel, "server words", blocked="fox")
    assert title(result) == "Job action restricted"
    assert await services.preferences.all(f"guild:{channel.guild.id}") == {}  # type: ignore[union-attr]


async def test_pictures_only_where_allowed(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, manager: MemberActor
) -> None:
    """With one channel allowed, the others are refused with its name; with none, all are allowed again."""
    studio = simcord_env.guild.create_text_channel("studio")
    await manager.slash(channel, "server channel", channel=studio, allowed=True)
    refused = await alice.slash(channel, "imagine", prompt="a fox")
    assert title(refused) == "Not in this channel"
    assert refused.ephemeral
    assert await services.queue.of_user(alice.id) == []
    await alice.slash(studio, "imagine", prompt="a fox")
    await services.queue.discard((await accepted_job(services, alice.id)).id)
    await manager.slash(channel, "server channel", channel=studio, allowed=False)
    await alice.slash(channel, "imagine", prompt="a fox")
    await accepted_job(services, alice.id)


async def test_blocked_words_are_named(
    services: Services, channel: ChannelHandle, alice: MemberActor, manager: MemberActor
) -> None:
    """The refusal names the word, and the rule is shown to managers."""
    await manager.slash(channel, "server words", blocked="Gore, bad word")
    refused = await alice.slash(channel, "imagine", prompt="some GORE, please")
    assert refused.response is not None
    assert "`Gore`" in (refused.response.embeds[0].description or "")
    shown = await manager.slash(channel, "server show")
    assert shown.response is not None
    assert "**Blocked words**: Gore, bad word" in shown.response.content
    await alice.slash(channel, "imagine", prompt="a gorefree fox")
    await accepted_job(services, alice.id)


async def test_the_operators_words_hold_in_direct_messages_too(services: Services) -> None:
    """No server's rule is needed for them, and what is to be kept away is no offence."""
    strict = replace(services, blocked_words=("gore",))
    job = imagine("some g.o.r.e, please")
    asker = Asker(user=job.user, destination=job.destination, asked_ms=job.created_ms, key=1)
    with pytest.raises(UserError, match="blocked_word"):
        await admit(strict, asker, [job])
    await admit(strict, asker, [imagine("a fox --no gore")])


def test_the_operators_words_are_a_list_or_a_file(tmp_path: Path) -> None:
    """One a line or with commas between."""
    (tmp_path / "words.txt").write_text("gore\nbad word\n\n")
    for setting in ("gore, bad word,", str(tmp_path / "words.txt")):
        settings = BotSettings(_env_file=None, discord_token=SecretStr("x"), blocked_words=setting)
        assert settings.read_blocked_words() == ("gore", "bad word")
    with pytest.raises(SettingsError, match="BLOCKED_WORDS"):
        BotSettings(_env_file=None, discord_token=SecretStr("x"), blocked_words="/no/where").read_blocked_words()


async def test_newcomers_have_a_channel_and_a_limit(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, manager: MemberActor
) -> None:
    """alice has just joined: one job at a time, in the newcomers' channel; managers are exempt."""
    nursery = simcord_env.guild.create_text_channel("newcomers")
    await manager.slash(channel, "server newcomers", days=7, channel=nursery, jobs=1)
    assert title(await alice.slash(channel, "imagine", prompt="a fox")) == "Not in this channel"
    await alice.slash(nursery, "imagine", prompt="a fox")
    assert title(await alice.slash(nursery, "imagine", prompt="a second fox")) == "Queue full"
    await accepted_job(services, alice.id)
    await manager.slash(channel, "imagine", prompt="a fox")
    await accepted_job(services, manager.id)
    await simcord_env.advance_time(8 * 86400)
    await alice.slash(channel, "imagine", prompt="a third fox")
    assert len(await services.queue.of_user(alice.id)) == 2


async def test_a_model_must_exist_and_be_allowed(
    services: Services, channel: ChannelHandle, alice: MemberActor, manager: MemberActor
) -> None:
    """An unknown model cannot be allowed; suggestions give those that are offered."""
    assert title(await manager.slash(channel, "server model", name="nonsense", allowed=True)) == "Model not available"
    [choice] = await manager.autocomplete(channel, "server model", "name", "easel")
    await services.preferences.set(f"guild:{channel.guild.id}", "rule:models", ["other"])  # type: ignore[union-attr]
    assert title(await alice.slash(channel, "imagine", prompt="a fox")) == "Invalid parameter"
    await manager.slash(channel, "server model", name=choice["value"], allowed=True)
    await alice.slash(channel, "imagine", prompt="a fox")
    await accepted_job(services, alice.id)


async def test_defaults_hold_for_whoever_set_nothing(
    services: Services, channel: ChannelHandle, alice: MemberActor, manager: MemberActor
) -> None:
    """A server's speed, over it a channel's; a value that does not exist is refused with those that do."""
    await manager.slash(channel, "server default", setting="speed", value="relax")
    await alice.slash(channel, "imagine", prompt="a fox")
    job = await accepted_job(services, alice.id)
    assert job.speed is Speed.RELAX
    await services.queue.discard(job.id)
    await manager.slash(channel, "server default", setting="speed", value="Turbo", channel=channel)
    await alice.slash(channel, "imagine", prompt="a fox")
    assert (await accepted_job(services, alice.id)).speed is Speed.TURBO
    refused = await manager.slash(channel, "server default", setting="speed", value="warp")
    assert refused.response is not None
    assert "fast, relax, turbo" in (refused.response.embeds[0].description or "")


async def test_every_rule_is_answered_with_what_holds_now(
    simcord_env: Env, channel: ChannelHandle, manager: MemberActor
) -> None:
    """`Done!`, which clients look for, and then the rule in words."""

    async def said(command: str, **options: object) -> str:
        result = await manager.slash(channel, f"server {command}", **options)
        assert result.ephemeral
        assert result.response is not None
        return result.response.content

    studio = simcord_env.guild.create_text_channel("studio")
    assert await said("channel", channel=studio, allowed=True) == f"Done! **Channels**: <#{studio.id}>"
    assert await said("channel", channel=studio, allowed=False) == "Done! **Channels**: all"
    assert await said("model", name="easel-small", allowed=True) == "Done! **Models**: easel-small"
    newcomers = f"Done! **Newcomers**: members of fewer than 7 days only in <#{studio.id}>, at most 2 jobs at a time"
    assert await said("newcomers", days=7, channel=studio, jobs=2) == newcomers
    assert await said("newcomers", days=0) == "Done! **Newcomers**: no rule"
    assert await said("words", blocked="gore, bad word") == "Done! **Blocked words**: gore, bad word"
    default = "Done! **speed** on this server is `relax` for those who have set none themselves"
    assert await said("default", setting="speed", value="relax") == default
    gone = f"Done! There is no default **speed** in <#{studio.id}>"
    assert await said("default", setting="speed", channel=studio) == gone


async def test_a_channel_s_default_is_for_managers_too(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, services: Services
) -> None:
    """However the server shows the command."""
    commands = await simcord_env.bot.tree.fetch_commands()  # type: ignore[attr-defined]
    [command] = [command for command in commands if command.name == "server"]
    simcord_env.guild.set_command_permissions(command, {alice: True})
    result = await alice.slash(channel, "server default", setting="speed", value="relax", channel=channel)
    assert title(result) == "Job action restricted"
    assert await services.preferences.all(f"channel:{channel.id}") == {}
