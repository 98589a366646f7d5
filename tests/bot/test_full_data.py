"""Every command answers with as much data as there can be: what is too long for one message comes in pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import discord
import pytest
import redis.asyncio
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env
from simcord.results import InteractionResult

from bot.client import EaselClient
from bot.features import FEATURES
from contract.catalogue import EASEL_SMALL, Catalogue
from contract.codec import encode_job
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.prompt import parse
from exchange import accounts, preferences
from exchange.connection import connect
from exchange.queue import JobQueue, Limits, MessageRef
from service.services import Services
from tests.contract.factories import priced

OPTION_SET = "prefer option set"
JOBS, OPTIONS, CHANNELS = 100, 20, 150
PROMPT = "a_fox*" * 13 + "_z"
"""80 characters, nearly half of which have to be escaped."""

MODELS = tuple(
    replace(EASEL_SMALL, name=f"model-{number:02}-{'x' * 50}", title=f"Model {number} {'y' * 50}", versions=())
    for number in range(60)
)


@pytest.fixture
def services(services: Services, store: redis.asyncio.Redis) -> Services:
    """Without limits, and with a long catalogue."""
    return replace(services, queue=JobQueue(store, Limits(0, 0, 0, 0)), catalogue=Catalogue((EASEL_SMALL, *MODELS)))


@pytest.fixture
def manager(simcord_env: Env, channel: ChannelHandle) -> MemberActor:
    """Somebody who manages the server, and makes pictures."""
    role = simcord_env.guild.create_role("managers", permissions=discord.Permissions(manage_guild=True))
    return simcord_env.guild.add_member(simcord_env.create_user("manager"), roles=[role])


def job(number: int, user_id: int, channel: ChannelHandle) -> Job:
    """One of many jobs."""
    assert channel.guild is not None
    return Job(
        id=job_id(number, EASEL_SMALL.fingerprint, number),
        request=Imagine(),
        prompt=parse(PROMPT).prompts[0],
        model=EASEL_SMALL.name,
        user=User(user_id, "manager"),
        destination=DiscordChannel(channel.id, channel.guild.id),
        created_ms=1_790_000_000_000 + number,
    )


@pytest.fixture
async def everything(
    request: pytest.FixtureRequest, services: Services, redis_url: str, channel: ChannelHandle, manager: MemberActor
) -> int:
    """So many jobs wait and so many are done, every option is set, and the server has all the rules it can have."""
    jobs: int = getattr(request, "param", JOBS)
    assert channel.guild is not None
    user, guild = preferences.user(manager.id), preferences.guild(channel.guild.id)
    with connect(redis_url) as client:
        for number in range(jobs):
            one = job(number, manager.id, channel)
            await services.queue.submit(priced(one, 1.0))
            await services.queue.release(one.id, MessageRef(channel.id, 10**18 + number))
            done = replace(one, id=job_id(number, EASEL_SMALL.fingerprint, 10**6 + number))
            accounts.record(client, done, PROMPT, MessageRef(channel.id, 10**18 + number), images=4, gpu_s=1.0)
    for number in range(OPTIONS):
        await services.preferences.set(user, f"option:{'o' * 29}{number:02}", "`*_" * 333)
    await services.preferences.set(user, "suffix", "--no " + "`a` " * 470)
    for name, value in {
        "rule:channels": [channel.id, *range(10**18, 10**18 + CHANNELS)],
        "rule:models": [EASEL_SMALL.name, *(model.name for model in MODELS)],
        "rule:blocked": [f"word{number}*" for number in range(100)],
        "rule:newcomers": {"days": 365, "channel": channel.id, "jobs": 40},
    }.items():
        await services.preferences.set(guild, name, value)
    return jobs


def text(result: InteractionResult) -> str:
    """All that an answer says."""
    answer = result.response or next(iter(result.followups), None)
    assert answer is not None
    embeds = [f"{embed.title}\n{embed.description}" for embed in answer.embeds]
    return "\n".join([answer.content, *embeds])


COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("help", {}),
    ("info", {}),
    ("userid", {}),
    ("settings", {}),
    ("queue", {}),
    ("history", {}),
    ("history", {"page": 17}),
    ("show", {"job_id": "x" * 6000}),
    ("cancel", {"job": "x" * 6000}),
    ("imagine", {"prompt": "fox " * 1500}),
    ("imagine", {"prompt": "fox --" + "x" * 5900}),
    ("imagine", {"prompt": "a {red, blue, green, white} " + "fox " * 300}),
    ("prefer option list", {}),
    (OPTION_SET, {"option": "x" * 6000, "value": "y"}),
    (OPTION_SET, {"option": f"{'o' * 29}00", "value": "`*_" * 333}),
    ("prefer suffix", {"new_value": "--no " + "a " * 940}),
    ("prefer suffix", {"new_value": "x" * 6000}),
    ("server show", {}),
    ("server words", {"blocked": "a*b " * 1500}),
    ("server newcomers", {"days": 365, "jobs": 40}),
    ("server default", {"setting": "suffix", "value": "--no " + "a " * 940}),
    ("server default", {"setting": "version", "value": "x" * 6000}),
    ("server model", {"name": MODELS[0].name, "allowed": False}),
    ("server model", {"name": "x" * 6000, "allowed": True}),
]


@pytest.mark.usefixtures("everything")
async def test_every_command_answers_with_full_data(channel: ChannelHandle, manager: MemberActor) -> None:
    """The simulated Discord refuses what is too long, and the person would be told that something went wrong."""
    said = [text(await manager.slash(channel, command, **options)) for command, options in COMMANDS]
    broken = [
        command for (command, _), words in zip(COMMANDS, said, strict=True) if "something went wrong" in words.lower()
    ]
    assert broken == []
    assert all(words.strip() for words in said)


async def all_pages(channel: ChannelHandle, who: MemberActor, command: str) -> list[str]:
    """The contents of all pages of a list, turned by their buttons."""
    result = await who.slash(channel, command)
    pages: list[str] = []
    while result.response is not None:
        pages.append(result.response.content)
        if f"Page {len(pages) + 1}" not in _buttons(result):
            break
        await who.click(result.response.message, label=f"Page {len(pages) + 1}")
    if len(pages) > 1:
        assert result.response is not None
        await who.click(result.response.message, label=f"Page {len(pages) - 1}")
        assert result.response.content == pages[-2]
    return pages


def _buttons(result: InteractionResult) -> list[str]:
    assert result.response is not None
    return [button["label"] for row in result.response.components for button in row["components"]]


@pytest.mark.parametrize("everything", [25], indirect=True)
async def test_all_pages_together_hold_every_line_once(
    channel: ChannelHandle, manager: MemberActor, everything: int
) -> None:
    """The pages are turned by their buttons, to the last one and back; no line is lost or cut in two."""
    counts = {("queue", "- **"): everything, ("history", "- <t:"): everything, ("prefer option list", "`--"): OPTIONS}
    for (command, start), count in counts.items():
        lines = [line for page in await all_pages(channel, manager, command) for line in page.split("\n")]
        found = [line for line in lines if line.startswith(start)]
        assert len(found) == len(set(found)) == count, command


@pytest.mark.usefixtures("everything")
async def test_nothing_of_the_rules_is_left_out(channel: ChannelHandle, manager: MemberActor) -> None:
    """A rule that is longer than a message goes on on the next page."""
    said = "\n".join(await all_pages(channel, manager, "server show"))
    assert all(f"<#{id}>" in said for id in range(10**18, 10**18 + CHANNELS))
    assert all(model.name in said for model in MODELS)


@pytest.mark.usefixtures("everything")
async def test_suggestions_fit(channel: ChannelHandle, manager: MemberActor) -> None:
    """At most 25, each of at most 100 characters."""
    for command, option, typed in [
        ("cancel", "job", ""),
        ("server model", "name", "model"),
        (OPTION_SET, "option", ""),
    ]:
        found = await manager.autocomplete(channel, command, option, typed)
        assert 0 < len(found) <= 25
        assert all(len(choice["name"]) <= 100 and len(choice["value"]) <= 100 for choice in found)


async def test_the_settings_menu_fits(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor
) -> None:
    """Of many versions the first 25 are offered, as Discord has it."""
    own = tuple(
        replace(EASEL_SMALL, name=f"m{number}", versions=(), aliases={f"own{number}": "6.1"}) for number in range(40)
    )
    bot = EaselClient(replace(services, catalogue=Catalogue((EASEL_SMALL, *own))), FEATURES, shard_count=1)
    await simcord_env.restart_bot(bot)
    result = await alice.slash(channel, "settings")
    assert result.response is not None
    assert len(result.response.components[0]["components"][0]["options"]) == 25


def test_a_job_of_full_length_is_one_document(channel: ChannelHandle) -> None:
    """The prompt above is as long as it says."""
    assert len(PROMPT) == 80
    assert PROMPT in encode_job(job(0, 1, channel))
