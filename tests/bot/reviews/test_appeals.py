"""What people do about a refusal, and what moderators do about that, through Discord."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.client import EaselClient
from contract.kinds.describe import Describe
from contract.moderation import read_blocked
from exchange import preferences
from exchange.policy import Subject
from service.policy import OPERATOR, block_word, set_policy
from service.services import Services
from tests.bot.delivered import accepted_job, post_result, post_texts
from tests.contract.factories import imagine


@pytest.fixture
def reviews(simcord_env: Env, channel: ChannelHandle) -> ChannelHandle:
    """The channel where moderators decide."""
    return simcord_env.guild.create_text_channel("reviews")


@pytest.fixture
def moderator(simcord_env: Env, channel: ChannelHandle) -> MemberActor:
    """Somebody who may delete other people's messages."""
    role = simcord_env.guild.create_role("moderators", permissions=discord.Permissions(manage_messages=True))
    return simcord_env.guild.add_member(simcord_env.create_user("moderator"), roles=[role])


@pytest.fixture
async def strict(services: Services, reviews: ChannelHandle) -> Services:
    """The operator blocks words of every weight, and says where appeals go."""
    for entry in ("gore", "swamp=light", "storm=soft", "bomb=heavy"):
        await block_word(services, OPERATOR, read_blocked(entry))
    await set_policy(services, OPERATOR, review_channel=reviews.id, strikes=2, time_out_min=5)
    return services


def title(result: InteractionResult) -> str | None:
    """What the answer is headed by."""
    assert result.response is not None
    return result.response.embeds[0].title if result.response.embeds else None


async def test_a_light_word_is_asked_about_and_then_drawn(
    strict: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The question is for the caller alone."""
    asked = await alice.slash(channel, "imagine", prompt="a swamp at night")
    assert (title(asked), asked.ephemeral) == ("Action needed to continue", True)
    assert await strict.queue.of_user(alice.id) == []
    assert asked.response is not None
    await alice.click(asked.response.message, label="I mean it, go on")
    job = await accepted_job(strict, alice.id)
    assert job.screening is not None
    assert job.screening.pardoned == ("operator:swamp",)


async def test_many_light_jobs_are_asked_about_once(
    strict: Services, simcord_bot: EaselClient, channel: ChannelHandle, alice: MemberActor
) -> None:
    """First whether they are meant, then whether so many are; then they start."""
    asked = await alice.slash(channel, "imagine", prompt="a {red, blue} swamp")
    assert asked.response is not None
    question = await alice.click(asked.response.message, label="I mean it, go on")
    assert question.response is not None
    await alice.click(question.response.message, label="Yes, run 2 jobs")
    await simcord_bot.batches.visit_all()
    assert len(await strict.queue.of_user(alice.id)) == 2


async def test_a_soft_word_only_hides_the_picture(strict: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The job says so, and its worker acts by it."""
    await alice.slash(channel, "imagine", prompt="a storm at sea")
    job = await accepted_job(strict, alice.id)
    assert job.screening is not None
    assert job.screening.veiled


async def test_heavy_words_lead_to_a_time_out(strict: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """Two within a day; there is nothing to appeal to, and the third prompt is refused whatever it is."""
    for _ in range(2):
        refused = await alice.slash(channel, "imagine", prompt="a bomb")
        assert title(refused) == "Banned prompt"
        assert refused.response is not None
        assert refused.response.message.components == []
    assert title(await alice.slash(channel, "imagine", prompt="a fox")) == "Blocked"
    assert list(await strict.policies.bans(Subject.USER)) == [alice.id]
    assert (await strict.policies.deeds(1))[0].did == "time-out"


async def appealed(channel: ChannelHandle, alice: MemberActor) -> InteractionResult:
    """A refused prompt that its owner appeals for."""
    refused = await alice.slash(channel, "imagine", prompt="a field of gore")
    assert title(refused) == "Banned prompt"
    assert refused.response is not None
    return await alice.click(refused.response.message, label="Appeal")


async def test_an_appeal_that_reaches_nobody_can_be_made_again(
    strict: Services,
    channel: ChannelHandle,
    reviews: ChannelHandle,
    alice: MemberActor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The review channel cannot be written to; later the same button works."""
    refused = await alice.slash(channel, "imagine", prompt="a field of gore")
    assert refused.response is not None

    async def fail(channel: object, *args: object, **kwargs: object) -> None:
        raise ConnectionError("away")

    with monkeypatch.context() as broken:
        broken.setattr(discord.PartialMessageable, "send", fail)
        assert title(await alice.click(refused.response.message, label="Appeal")) != "Appeal"
    assert reviews.history() == []
    await alice.click(refused.response.message, label="Appeal")
    assert len(reviews.history()) == 1


async def test_an_appeal_that_is_granted_is_drawn(
    strict: Services,
    simcord_bot: EaselClient,
    channel: ChannelHandle,
    reviews: ChannelHandle,
    alice: MemberActor,
    moderator: MemberActor,
) -> None:
    """A moderator sees who wants what and why not; then the very prompt goes through, and nothing else does."""
    await appealed(channel, alice)
    [case] = reviews.history()
    body = case.embeds[0].description or ""
    assert f"<@{alice.id}>" in body
    assert "a field of gore" in body
    assert "operator:gore" in body
    await moderator.click(case, label="Let it through")
    await simcord_bot.batches.visit_all()
    job = await accepted_job(strict, alice.id)
    assert job.prompt.text == "a field of gore"
    assert title(await alice.slash(channel, "imagine", prompt="more gore")) == "Banned prompt"
    [case] = reviews.history()
    assert case.components == []
    assert f"decided by <@{moderator.id}>" in (case.embeds[0].description or "")


async def test_an_appeal_that_is_not_granted_stays_refused(
    strict: Services, channel: ChannelHandle, reviews: ChannelHandle, alice: MemberActor, moderator: MemberActor
) -> None:
    """And its owner hears of it, and the audit keeps it."""
    await appealed(channel, alice)
    [case] = reviews.history()
    await moderator.click(case, label="Keep it refused")
    assert await strict.queue.of_user(alice.id) == []
    deed = (await strict.policies.deeds(1))[0]
    assert (deed.by, deed.did, deed.about) == (f"user {moderator.id}", "uphold", f"user {alice.id}")


async def test_only_moderators_decide_and_only_once(
    strict: Services, channel: ChannelHandle, reviews: ChannelHandle, alice: MemberActor, moderator: MemberActor
) -> None:
    """Not the person who appealed, and not a second moderator after the first."""
    await appealed(channel, alice)
    [case] = reviews.history()
    assert title(await alice.click(case, label="Let it through")) == "Not your decision"
    assert await strict.queue.of_user(alice.id) == []
    await moderator.click(case, label="Keep it refused")
    assert await strict.cases.get((await strict.policies.deeds(1))[0].about) is None


async def test_without_a_review_channel_there_is_no_appeal(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Nobody presses a button that leads nowhere."""
    await block_word(services, OPERATOR, read_blocked("gore"))
    refused = await alice.slash(channel, "imagine", prompt="a field of gore")
    assert refused.response is not None
    assert refused.response.message.components == []


async def test_a_servers_own_word_is_appealed_against_there(
    services: Services, simcord_env: Env, channel: ChannelHandle, reviews: ChannelHandle, alice: MemberActor
) -> None:
    """Its moderators decide about its rules."""
    guild = preferences.guild(simcord_env.guild.id)
    await services.preferences.set(guild, "rule:blocked", ["gore"])
    await services.preferences.set(guild, "rule:review", reviews.id)
    await appealed(channel, alice)
    [case] = reviews.history()
    assert "guild:gore" in (case.embeds[0].description or "")


async def test_words_of_one_channel_hold_there_alone(
    services: Services, channel: ChannelHandle, simcord_env: Env, alice: MemberActor
) -> None:
    """A channel may be stricter than its server."""
    await services.preferences.set(preferences.channel(channel.id), "rule:blocked", ["fox"])
    other = simcord_env.guild.create_text_channel("other")
    assert title(await alice.slash(channel, "imagine", prompt="a fox")) == "Banned prompt"
    await alice.slash(other, "imagine", prompt="a fox")
    await accepted_job(services, alice.id)


async def test_a_report_is_put_before_moderators_once(
    strict: Services,
    simcord_env: Env,
    channel: ChannelHandle,
    reviews: ChannelHandle,
    alice: MemberActor,
    bob: MemberActor,
    moderator: MemberActor,
    tmp_path: Path,
) -> None:
    """With its pictures hidden; a moderator takes the message and what is kept of it away."""
    await alice.slash(channel, "imagine", prompt="a red fox")
    job = await accepted_job(strict, alice.id)
    strict.images.put_image(job.id, 0, b"\x89PNG\r\n\x1a\n")
    message = await post_result(simcord_env, channel, job)
    await bob.context_menu(channel, "Report Job", message)
    [case] = reviews.history()
    assert f"<@{bob.id}>" in (case.embeds[0].description or "")
    assert [file.filename for file in case.attachments] == [f"SPOILER_{job.id}_0.png"]
    assert title(await bob.context_menu(channel, "Report Job", message)) == "Already there"
    await moderator.click(case, label="Remove it")
    assert strict.images.get_image(job.id, 0) is None


async def test_texts_are_reported_too(
    strict: Services,
    simcord_env: Env,
    channel: ChannelHandle,
    reviews: ChannelHandle,
    bob: MemberActor,
    moderator: MemberActor,
) -> None:
    """Their message names no job: it is told apart by itself, moderators read what it says, and it goes away."""
    job = replace(imagine("describe a picture"), request=Describe("https://example.org/a.png"))
    message = await post_texts(simcord_env, channel, job, ["a rude fox --ar 1:1", "a fox --ar 1:1"])
    await bob.context_menu(channel, "Report Job", message)
    [case] = reviews.history()
    assert "a rude fox" in (case.embeds[0].description or "")
    assert title(await bob.context_menu(channel, "Report Job", message)) == "Already there"
    await moderator.click(case, label="Remove it")
    assert message.id not in [one.id for one in channel.history()]


@pytest.mark.parametrize("operators", [True, False])
async def test_only_the_operators_moderators_give_a_time_out(
    services: Services,
    simcord_env: Env,
    channel: ChannelHandle,
    reviews: ChannelHandle,
    alice: MemberActor,
    bob: MemberActor,
    operators: bool,
) -> None:
    """It holds in every server, so it is not for the moderators of one."""
    if operators:
        await set_policy(services, OPERATOR, review_channel=reviews.id)
    else:
        await services.preferences.set(preferences.guild(simcord_env.guild.id), "rule:review", reviews.id)
    await alice.slash(channel, "imagine", prompt="a red fox")
    message = await post_result(simcord_env, channel, await accepted_job(services, alice.id))
    await bob.context_menu(channel, "Report Job", message)
    [case] = reviews.history()
    view = discord.ui.View.from_message(case)
    labels = [one.label for one in view.children if isinstance(one, discord.ui.Button)]
    assert ("Time out for a day" in labels) is operators
    assert "Remove it" in labels
