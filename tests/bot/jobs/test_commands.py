"""/queue, /cancel, /history, /show and /info; ❌ and ✉️ by reaction and by menu."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import discord
import pytest
import redis as redis_sync
import redis.asyncio as redis_async
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.rendering import view_of
from contract import messages
from contract.ids import JobId
from contract.jobs import Job
from contract.outcomes import JobState
from exchange import accounts, keys
from exchange.images import FolderStore
from exchange.progress import Progress
from exchange.queue import MessageRef, Position
from service.services import Services
from tests.bot.delivered import accepted_job, post_result, post_texts, store_record
from tests.contract.kinds.examples import EXAMPLES

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
async def finished(
    simcord_env: Env,
    services: Services,
    images: FolderStore,
    redis_url: str,
    channel: ChannelHandle,
    alice: MemberActor,
) -> tuple[Job, discord.Message]:
    """A job of alice's that was delivered: message, record, pictures and history."""
    await alice.slash(channel, "imagine", prompt="a red fox --seed 7")
    job = await accepted_job(services, alice.id)
    await services.queue.discard(job.id)
    message = await post_result(simcord_env, channel, job)
    store_record(services, job)
    for index in range(4):
        images.put_image(job.id, index, PNG)
    client = redis_sync.Redis.from_url(redis_url)
    posted = MessageRef(channel.id, message.id)
    await asyncio.to_thread(accounts.record, client, job, job.prompt.echo, posted, images=4, gpu_s=36.0)
    client.close()
    return job, message


async def test_queue_lists_own_jobs_with_place_link_and_reason(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Two jobs of alice's behind one of bob's; nobody sees other people's."""
    await bob.slash(channel, "imagine", prompt="a house")
    for prompt in ("a fox", "a cat"):
        await alice.slash(channel, "imagine", prompt=prompt)
    result = await alice.slash(channel, "queue")
    assert result.ephemeral
    assert result.response is not None
    lines = result.response.content.split("\n")
    assert [line.split(":")[0] for line in lines[:2]] == ["- **a fox --v 8.2**", "- **a cat --v 8.2**"]
    assert "a house" not in result.response.content
    assert f"https://discord.com/channels/{channel.guild.id}/{channel.id}/" in lines[0]  # type: ignore[union-attr]
    assert "at most 3 jobs of yours run at once. at most 10 jobs of yours wait" in lines[-1].lower()


async def test_the_jobs_of_one_batch_are_listed_as_they_will_end(
    services: Services, channel: ChannelHandle, alice: MemberActor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are of the same moment: what runs comes first, what waits longest last."""
    asked = await alice.slash(channel, "imagine", prompt="a fox --repeat 3")
    assert asked.response is not None
    await alice.click(asked.response.message, label="Yes, run 3 jobs")
    first, second, third = await services.queue.of_user(alice.id)
    positions = {
        first: Position(ahead=1, eta_s=None, running=False, slots=1),
        second: Position(ahead=0, eta_s=None, running=False, slots=1),
        third: Position(ahead=0, eta_s=None, running=True, slots=1),
    }

    async def position(id: JobId) -> Position:
        return positions[id]

    monkeypatch.setattr(services.queue, "position", position)
    result = await alice.slash(channel, "queue")
    assert result.response is not None
    states = [line.split(": ")[1].split(" · ")[0] for line in result.response.content.split("\n")[:3]]
    assert states == ["running", "next in line", "1 job ahead of yours"]


async def test_an_empty_queue_says_so(channel: ChannelHandle, alice: MemberActor) -> None:
    """No jobs: a sentence."""
    result = await alice.slash(channel, "queue")
    assert result.response is not None
    assert result.response.content.startswith("You have no jobs waiting or running.")


async def test_cancel_ends_the_newest_or_the_named_job(
    services: Services, store: redis_async.Redis, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Without an argument the newest; suggestions give the id of any; a delivery will say (Stopped)."""
    await alice.slash(channel, "imagine", prompt="a fox")
    first = await accepted_job(services, alice.id)
    await alice.slash(channel, "imagine", prompt="a cat")
    newest = await accepted_job(services, alice.id, other_than=first.id)
    await alice.slash(channel, "cancel")
    assert await store.exists(keys.rq_job(keys.delivery_id(newest.id)))
    assert [job.id for job in [await accepted_job(services, alice.id)]] == [first.id]
    [choice] = await alice.autocomplete(channel, "cancel", "job", "fox")
    result = await alice.slash(channel, "cancel", job=choice["value"])
    assert result.response is not None
    assert result.response.content == "Cancelled **a fox --v 8.2**."
    assert await services.queue.of_user(alice.id) == []


async def test_all_jobs_can_be_cancelled_at_once(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Suggested first once there are several; other people's jobs stay."""
    for who in (alice, alice, bob):
        await who.slash(channel, "imagine", prompt="a fox")
    choices = await alice.autocomplete(channel, "cancel", "job", "")
    assert (choices[0]["value"], len(choices)) == ("all", 3)
    result = await alice.slash(channel, "cancel", job="all")
    assert result.response is not None
    assert result.response.content == "Cancelled 2 of your jobs."
    assert await services.queue.of_user(alice.id) == []
    assert len(await services.queue.of_user(bob.id)) == 1


@pytest.mark.parametrize("job", ["nonsense", "00000007-7b57-84c5-99b7-c3ec6302a055"])
async def test_cancelling_what_is_not_there_says_so(channel: ChannelHandle, alice: MemberActor, job: str) -> None:
    """No id, or an id nobody knows: a refusal, not silence."""
    result = await alice.slash(channel, "cancel", job=job)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.embeds[0].title in ("Nothing to cancel", "Job not found")


@pytest.mark.parametrize("job", [None, "all"])
async def test_cancelling_without_jobs_says_that_there_are_none(
    channel: ChannelHandle, alice: MemberActor, job: str | None
) -> None:
    """There was no job, so none has ended."""
    result = await alice.slash(channel, "cancel", **({} if job is None else {"job": job}))
    assert result.ephemeral
    [embed] = (result.response or result.followups[0]).embeds
    assert (embed.title, embed.description) == ("Nothing to cancel", "You have no jobs waiting or running.")


async def test_history_links_to_what_was_made(
    channel: ChannelHandle, alice: MemberActor, bob: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """Newest first, with a link to the message; other people have their own."""
    job, message = finished
    result = await alice.slash(channel, "history")
    assert result.response is not None
    link = f"https://discord.com/channels/{job.destination.guild_id}/{channel.id}/{message.id}"
    assert f"]({link})" in result.response.content
    assert job.id in result.response.content
    nothing = await bob.slash(channel, "history")
    assert nothing.response is not None
    assert nothing.response.content == "You have made nothing yet."


async def test_show_posts_a_finished_job_again(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """A new message with the same content, file name and buttons, in the channel where it was asked; no other stays."""
    job, message = finished
    elsewhere = simcord_env.guild.create_text_channel("elsewhere")
    await alice.slash(elsewhere, "show", job_id=job.id)
    [shown] = elsewhere.history()
    assert shown.interaction_metadata is None  # no answer, but a message that clients take for a new result
    assert shown.content == messages.result(job)
    assert [file.filename for file in shown.attachments] == [message.attachments[0].filename]
    assert [len(row.children) for row in shown.components] == [5, 4]  # type: ignore[union-attr]


async def test_show_draws_a_job_again_whose_message_is_gone(
    services: Services, channel: ChannelHandle, alice: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """The same seed under a new id, answered by a waiting message: the same pictures will follow."""
    job, message = finished
    await message.delete()
    result = await alice.slash(channel, "show", job_id=job.id)
    again = await accepted_job(services, alice.id)
    assert (again.seed, again.prompt, again.request) == (job.seed, job.prompt, job.request)
    assert again.id != job.id
    assert result.response is not None
    assert result.response.content == messages.waiting(again)
    assert await services.queue.waiting_message(again.id) == MessageRef(channel.id, result.response.id)


async def test_show_finds_texts_once_more(
    simcord_env: Env, services: Services, redis_url: str, channel: ChannelHandle, alice: MemberActor
) -> None:
    """They stand in their message alone: the same seed finds the same, about the picture that is kept."""
    await alice.slash(channel, "describe", link="https://example.org/a.png")
    job = await accepted_job(services, alice.id)
    store_record(services, job)
    message = await post_texts(simcord_env, channel, job, ["a fox --ar 1:1"])
    client = redis_sync.Redis.from_url(redis_url)
    posted = MessageRef(channel.id, message.id)
    await asyncio.to_thread(accounts.record, client, job, job.prompt.echo, posted, images=0, gpu_s=1.0)
    client.close()
    result = await alice.slash(channel, "show", job_id=job.id)
    again = await accepted_job(services, alice.id, other_than=job.id)
    assert (again.seed, again.request) == (job.seed, job.request)
    assert result.response is not None
    assert result.response.content == messages.waiting(again)


async def test_show_refuses_other_peoples_jobs_and_names_the_id(
    channel: ChannelHandle, bob: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """Clients read the id in the refusal."""
    job, _ = finished
    result = await bob.slash(channel, "show", job_id=job.id)
    assert result.response is not None
    assert job.id in (result.response.embeds[0].description or "")


async def test_info_has_the_lines_clients_read(
    services: Services, channel: ChannelHandle, alice: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """Each line is `**Key**: value`; four pictures and 36 seconds were counted, one job waits."""
    await alice.slash(channel, "imagine", prompt="a cat --relax")
    result = await alice.slash(channel, "info")
    assert result.ephemeral
    assert result.response is not None
    [embed] = result.response.embeds
    assert embed.title == "Your info"
    values = dict(re.findall(r"^\*\*(.+?)\*\*: (.+)$", embed.description or "", re.MULTILINE))
    assert values["User ID"] == str(alice.id)
    assert values["Lifetime Usage"] == "4 images (0.01 hours)"
    assert re.fullmatch(r"[\d.]+/[\d.]+ hours \([\d.]+%\)", values["Fast Time Remaining"])
    assert values["Relaxed Usage"] == "0 images (0.00 minutes)"
    assert (values["Queued Jobs (fast)"], values["Queued Jobs (relax)"], values["Running Jobs"]) == ("0", "1", "None")
    assert re.search(r"([A-Za-z\s]+) \(([A-Za-z\s]+), renews next on <t:(\d+)>\)", values["Subscription"])


async def test_a_cross_cancels_a_waiting_job(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """The owner's ❌ counts, another's does not."""
    result = await alice.slash(channel, "imagine", prompt="a fox")
    assert result.response is not None
    await bob.react(result.response.message, "❌")
    assert len(await services.queue.of_user(alice.id)) == 1
    await alice.react(result.response.message, "❌")
    assert await services.queue.of_user(alice.id) == []


async def test_a_cross_deletes_a_finished_job(
    services: Services,
    images: FolderStore,
    channel: ChannelHandle,
    alice: MemberActor,
    bob: MemberActor,
    finished: tuple[Job, discord.Message],
) -> None:
    """Message, pictures, record and history go, for the owner only."""
    job, message = finished
    await bob.react(message, "❌")
    assert images.get_record(job.id) == job
    await alice.react(message, "❌")
    assert message.id not in [other.id for other in channel.history()]
    assert images.get_record(job.id) is None
    assert images.get_image(job.id, 0) is None
    assert await services.accounts.history(alice.id) == []


async def test_a_moderator_may_delete(
    simcord_env: Env, images: FolderStore, channel: ChannelHandle, finished: tuple[Job, discord.Message]
) -> None:
    """Who may delete messages may delete these, by reaction and by menu."""
    job, message = finished
    role = simcord_env.guild.create_role("mods", permissions=discord.Permissions(manage_messages=True))
    moderator = simcord_env.guild.add_member(simcord_env.create_user("mod"), roles=[role])
    result = await moderator.context_menu(channel, "Cancel Job", message)
    assert result.ephemeral
    assert images.get_record(job.id) is None


async def test_an_envelope_sends_the_pictures(
    simcord_env: Env, alice: MemberActor, finished: tuple[Job, discord.Message]
) -> None:
    """Four single files with id and seed, in the form clients read."""
    job, message = finished
    await alice.react(message, "✉️")
    [sent] = alice.user.dm_channel.history()
    assert sent.content == f"**{job.prompt.echo}**\n**Job ID**: {job.id}\n**seed** 7"
    assert len(sent.attachments) == 4


async def test_an_envelope_sends_texts_as_they_stand(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Of a description nothing is kept but its message: its owner gets its words, nobody else."""
    job = EXAMPLES["description"]
    told = messages.told(job, ["a red apple", "a red ball"], [])
    message = await simcord_env.bot.get_partial_messageable(channel.id).send(
        f"<@{alice.id}>",
        embed=discord.Embed(description=told.description),
        view=view_of(messages.result_buttons(job, texts=2)),
    )
    await bob.react(message, "✉️")
    assert bob.user.dm_channel.history() == []
    await alice.react(message, "✉️")
    [sent] = alice.user.dm_channel.history()
    assert sent.embeds[0].description == told.description
    assert "a red apple" in told.description


async def test_auto_dm_sends_what_is_finished(
    simcord_env: Env,
    services: Services,
    images: FolderStore,
    channel: ChannelHandle,
    alice: MemberActor,
    bob: MemberActor,
) -> None:
    """A person who switched it on gets every finished job as a direct message; others get none."""

    async def finished(job_id: JobId) -> AsyncIterator[Progress]:
        yield Progress(job_id, 100, state=JobState.RENDERED)

    await alice.slash(channel, "prefer auto_dm")
    for who in (alice, bob):
        await who.slash(channel, "imagine", prompt="a fox")
        job = await accepted_job(services, who.id)
        images.put_image(job.id, 0, PNG)
        await simcord_env.bot.follow(finished(job.id))  # type: ignore[attr-defined]
    await services.background.finish()
    [sent] = alice.user.dm_channel.history()
    assert sent.content.startswith("**a fox --v 8.2**\n**Job ID**: ")
    assert bob.user.dm_channel.history() == []


async def test_the_menu_is_for_our_own_messages(channel: ChannelHandle, alice: MemberActor) -> None:
    """Somebody's chatter is no job."""
    chatter = await alice.send(channel, "hello")
    result = await alice.context_menu(channel, "DM Results", chatter)
    assert result.ephemeral
    assert result.response is not None
    assert result.response.embeds[0].description == "This message is not about a job of mine."


async def test_job_queued_is_a_notice_that_the_first_progress_takes_away(
    simcord_env: Env,
    services: Services,
    store: redis_async.Redis,
    channel: ChannelHandle,
    alice: MemberActor,
) -> None:
    """As many run as may: one message holds waiting text and notice, in no colour that clients take for an error."""

    for number in range(services.queue.limits.max_running_per_user):
        await store.sadd(keys.running(f"user:{alice.id}"), f"running {number}")
    result = await alice.slash(channel, "imagine", prompt="a fox")
    await store.delete(keys.running(f"user:{alice.id}"))
    assert result.response is not None
    job = await accepted_job(services, alice.id)
    assert result.response.content == messages.waiting(job)
    [embed] = result.response.embeds
    assert embed.title == "Job queued"
    assert embed.colour is not None
    assert embed.colour.value not in (messages.REFUSAL_COLOUR, messages.FAILURE_COLOUR)
    waiting = simcord_env.bot.waiting  # type: ignore[attr-defined]
    await waiting.hear(Progress(JobId(job.id), 0, state=JobState.RUNNING))
    await simcord_env.bot.edits.send_due()  # type: ignore[attr-defined]
    assert result.response.embeds == []
    assert result.response.content == messages.progress(job, 0)
