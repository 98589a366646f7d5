"""/imagine: what it answers, what it puts into the queue, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.client import EaselClient
from bot.features import FEATURES
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.jobs import channel_of
from contract.kinds.imagine import Imagine
from contract.kinds.shorten import Shorten
from contract.messages import FAILURE_COLOUR, REFUSAL_COLOUR
from contract.prompt import ECHO_LIMIT
from exchange.queue import MessageRef
from service.services import Services
from tests.bot.delivered import accepted_job


def refusal_of(result: InteractionResult) -> discord.Embed:
    """The red embed of an answer."""
    assert result.response is not None
    [embed] = result.response.embeds
    assert embed.colour is not None
    assert embed.colour.value == REFUSAL_COLOUR != FAILURE_COLOUR
    return embed


async def test_a_prompt_is_accepted_and_answered(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The answer is the waiting message; the job is released and knows its message, its owner and its place."""
    result = await alice.slash(channel, "imagine", prompt="a red fox --seed 7 --ar 3:2")
    assert result.response is not None
    job = await accepted_job(services, alice.id)
    assert result.response.content == f"**{job.prompt.echo}** - {alice.mention} (Waiting to start)"
    assert job.prompt.echo.startswith("a red fox --seed 7 --ar 3:2")
    assert (job.request, job.seed, job.user.id, job.user.name) == (Imagine(), 7, alice.id, "alice")
    assert channel_of(job.destination).channel_id == channel.id
    assert await services.queue.state(job.id) == "queued"
    assert await services.queue.waiting_message(job.id) == MessageRef(channel.id, result.response.id)


async def test_a_surprise_needs_no_words(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The only way to a prompt without words is its own command; the job draws without conditions."""
    result = await alice.slash(channel, "surprise")
    assert result.response is not None
    job = await accepted_job(services, alice.id)
    assert job.prompt.parts == ()
    assert result.response.content == f"**surprise me --v 8.2** - {alice.mention} (Waiting to start)"


async def test_the_waiting_message_can_be_cancelled(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Its one button is Midjourney's Cancel Job with the job's id."""
    result = await alice.slash(channel, "imagine", prompt="a red fox")
    assert result.response is not None
    [row] = result.response.components
    [button] = row["components"]
    job = await accepted_job(services, alice.id)
    assert button["custom_id"] == f"MJ::CancelJob::ByJobid::{job.id}"


async def test_two_prompts_get_seeds_of_their_own(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """Without --seed every command draws another seed."""
    await alice.slash(channel, "imagine", prompt="a red fox")
    await bob.slash(channel, "imagine", prompt="a red fox")
    assert (await accepted_job(services, alice.id)).seed != (await accepted_job(services, bob.id)).seed


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("", "nothing to imagine"),
        ("   ", "nothing to imagine"),
        ("\x00\x07\u200b", "nothing to imagine"),
        ("a fox --sparkle 3", "sparkle"),
        ("a fox --chaos 101", "chaos"),
        ("a fox --ar wide", "wide"),
        ("a fox --v 99", "99"),
        ("a fox " * 400, "characters"),
    ],
    ids=["empty", "spaces", "control characters", "unknown flag", "range", "malformed", "version", "too long"],
)
async def test_a_bad_prompt_is_refused_by_name(
    services: Services, channel: ChannelHandle, alice: MemberActor, prompt: str, words: str
) -> None:
    """A red embed in the command's own answer names the word, the footer repeats the command, nothing is enqueued."""
    result = await alice.slash(channel, "imagine", prompt=prompt)
    embed = refusal_of(result)
    assert embed.title
    assert embed.description is not None
    assert words in embed.description.lower()
    assert (embed.footer.text or "").startswith(f"/imagine {prompt}"[:2048].strip())
    assert await services.queue.of_user(alice.id) == []


async def test_a_prompt_with_mentions_pings_nobody(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """No matter whom a prompt names, the request to Discord allows no mention at all."""
    await alice.slash(channel, "imagine", prompt=f"@everyone loves {bob.mention} and <@&1>")
    [answer] = [entry for entry in simcord_env.http_requests if entry.path.endswith("/callback")]
    assert answer.json is not None
    assert answer.json["data"]["allowed_mentions"] == {"parse": []}
    await accepted_job(services, alice.id)


async def test_markdown_in_a_prompt_does_not_break_the_bold(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """However many stars and line breaks were typed: one pair of `**`, one line."""
    result = await alice.slash(channel, "imagine", prompt="**a** fox\n__in__ `code` ** **")
    assert result.response is not None
    content = result.response.content
    assert content.count("**") == 2
    assert "\n" not in content
    await accepted_job(services, alice.id)


async def test_an_obvious_correction_can_be_run(
    services: Services, channel: ChannelHandle, alice: MemberActor, bob: MemberActor
) -> None:
    """The refusal of `--v6.1` shows `--v 6.1`, with a button that runs it, once, for the person who typed it."""
    refused = await alice.slash(channel, "imagine", prompt="a fox --v6.1")
    refusal_of(refused)
    assert refused.response is not None
    [instead] = refused.response.message.embeds[0].fields
    assert instead.value == "`a fox --v 6.1`"
    stranger = await bob.click(refused.response.message, label="Run corrected prompt")
    assert stranger.ephemeral
    assert await services.queue.of_user(bob.id) == []
    result = await alice.click(refused.response.message, label="Run corrected prompt")
    assert result.response is not None
    assert "a fox --v 6.1" in result.response.content
    await accepted_job(services, alice.id)
    again = await alice.click(refused.response.message, label="Run corrected prompt")
    assert again.ephemeral
    await accepted_job(services, alice.id)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a red fox --v latest", "a red fox --v 8.2"),
        ("a red fox::2 snow", "a red fox snow"),
        ("a red fox --no snow", "a red fox"),
    ],
)
async def test_what_shorten_cannot_weigh_has_a_way_on(
    services: Services, channel: ChannelHandle, alice: MemberActor, typed: str, meant: str
) -> None:
    """The button weighs the words of the prompt that it shows."""
    refused = await alice.slash(channel, "shorten", prompt=typed)
    assert refused.response is not None
    [instead] = refused.response.message.embeds[0].fields
    assert instead.value == f"`{meant}`"
    await alice.click(refused.response.message, label="Run corrected prompt")
    assert isinstance((await accepted_job(services, alice.id)).request, Shorten)


async def test_another_version_of_the_same_model_is_said_so(channel: ChannelHandle, alice: MemberActor) -> None:
    """One small line says who draws `--v 7` here; the first line is what it always is."""
    result = await alice.slash(channel, "imagine", prompt="a fox --v 7")
    assert result.response is not None
    first, second = result.response.content.split("\n")
    assert first.endswith(f"{alice.mention} (Waiting to start)")
    assert second == "-# Version 7 is drawn by Easel Small here, like other versions."


async def test_a_channel_without_permissions_is_refused_before_anything(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """The sentence names what is missing, only the caller sees it, and nothing is enqueued."""
    silent = simcord_env.guild.create_text_channel(
        "silent",
        overwrites={simcord_env.guild.default_role: discord.PermissionOverwrite(attach_files=False)},
    )
    result = await alice.slash(silent, "imagine", prompt="a fox")
    assert result.ephemeral
    assert "Attach Files" in (refusal_of(result).description or "")
    assert await services.queue.of_user(alice.id) == []


async def test_the_longest_prompt_leaves_no_room_for_small_print(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """A prompt that just fits its messages is accepted; a line that would not fit is left out."""
    result = await alice.slash(channel, "imagine", prompt=f"{'x' * (ECHO_LIMIT - len(' --v 7.0'))} --v 7.0")
    assert result.response is not None
    assert result.response.content.endswith("(Waiting to start)")
    assert 1900 < len(result.response.content) <= 2000
    await accepted_job(services, alice.id)


async def test_a_thread_needs_the_permission_for_threads(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Sending in the channel is another permission than sending in its threads."""
    everyone = simcord_env.guild.default_role
    parent = simcord_env.guild.create_text_channel(
        "talk", overwrites={everyone: discord.PermissionOverwrite(send_messages_in_threads=False)}
    )
    await alice.slash(parent, "imagine", prompt="a fox")
    await accepted_job(services, alice.id)
    made = simcord_env.bot.get_channel(parent.id)
    assert isinstance(made, discord.TextChannel)
    await made.create_thread(name="aside", type=discord.ChannelType.public_thread)
    [thread] = parent.threads
    result = await alice.slash(thread, "imagine", prompt="a fox")
    assert result.ephemeral
    assert "Send Messages in Threads" in (refusal_of(result).description or "")


async def test_a_full_queue_says_so(services: Services, channel: ChannelHandle, alice: MemberActor) -> None:
    """The eleventh waiting job is refused with the title that clients know."""
    for number in range(services.queue.limits.max_queued_per_user):
        await alice.slash(channel, "imagine", prompt=f"fox {number}")
    result = await alice.slash(channel, "imagine", prompt="one fox too many")
    assert refusal_of(result).title == "Queue full"
    assert len(await services.queue.of_user(alice.id)) == services.queue.limits.max_queued_per_user


async def test_in_a_direct_message(simcord_env: Env, services: Services) -> None:
    """The bot's own direct messages need no permissions."""
    carol = simcord_env.create_user("carol")
    await carol.send_dm("hello")
    result = await carol.slash("imagine", prompt="a fox")
    assert result.response is not None
    assert result.response.content.endswith(f"{carol.mention} (Waiting to start)")
    assert (await accepted_job(services, carol.id)).destination.guild_id is None


@pytest.mark.parametrize(
    ("prompt", "runs"),
    [
        ("a fox --s 250 --ar 3:2", "a fox --ar 3:2"),
        ("a fox --ar 3:2 --stylize 250", "a fox --ar 3:2"),
        ("https://example.com/a.png a fox", "a fox --v"),
    ],
)
async def test_what_no_model_here_does_can_be_left_out_by_a_button(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, prompt: str, runs: str
) -> None:
    """The refusal names what has no effect, as it was typed; its button runs the rest."""
    plain = replace(EASEL_SMALL, honours=EASEL_SMALL.honours - {"stylize", "image_weight"})
    bot = EaselClient(replace(services, catalogue=Catalogue((plain,))), FEATURES, shard_count=1)
    await simcord_env.restart_bot(bot)
    result = await alice.slash(channel, "imagine", prompt=prompt)
    description = refusal_of(result).description or ""
    assert "An image link" in description or f"`{'--stylize' if '--stylize' in prompt else '--s'}`" in description
    assert await services.queue.of_user(alice.id) == []
    assert result.response is not None
    await alice.click(result.response.message, label="Run without it")
    assert (await accepted_job(services, alice.id)).prompt.echo.startswith(runs)


@pytest.fixture
async def inked(simcord_env: Env, services: Services) -> None:
    """The bot of a server whose model has two LoRAs."""
    model = replace(EASEL_SMALL, loras={"ink": "i.safetensors", "paper": "p.safetensors"})
    await simcord_env.restart_bot(
        EaselClient(replace(services, catalogue=Catalogue((model,))), FEATURES, shard_count=1)
    )


@pytest.mark.usefixtures("inked")
async def test_the_option_lora_says_what_the_flag_says(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Names with or without strengths become flags, and the catalogue suggests them while they are typed."""
    choices = await alice.autocomplete(channel, "imagine", "lora", "ink::0.5 pa")
    assert choices == [{"name": "ink::0.5 paper (Easel Small)", "value": "ink::0.5 paper"}]
    await alice.slash(channel, "imagine", prompt="a fox", lora="ink::0.5 paper")
    job = await accepted_job(services, alice.id)
    assert job.prompt.echo == "a fox --lora ink::0.5 --lora paper --v 8.2"


@pytest.mark.usefixtures("inked")
async def test_an_unknown_lora_is_answered_with_the_nearest(
    services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """In the answer, before anything is accepted, with a button that runs the prompt without it."""
    result = await alice.slash(channel, "imagine", prompt="a fox <lora:inq:0.8>")
    assert "The nearest is `--lora ink`" in str(refusal_of(result).description)
    assert result.response is not None
    assert result.response.components
    assert await services.queue.of_user(alice.id) == []
