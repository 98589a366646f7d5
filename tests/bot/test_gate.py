"""A server's rules hold on every road to a job, also when they were made while a road was being walked."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle, UserHandle
from simcord.env import Env
from simcord.results import InteractionResult

from contract.actions import Action, custom_id
from contract.jobs import Job
from contract.moderation import read_blocked
from exchange import preferences
from service.policy import OPERATOR, block_word
from service.services import Services
from tests.bot.delivered import VARIATION_PROMPT, post_result

ROOT = Path(__file__).parents[2]


BLOCKED = ("fox", "--no fox")


class World:
    """What a road needs, and the rule that is made on the way."""

    def __init__(
        self, env: Env, services: Services, channel: ChannelHandle, alice: MemberActor | UserHandle, grid: Job
    ) -> None:
        self.env, self.services, self.channel, self.alice, self.grid = env, services, channel, alice, grid

    async def slash(self, name: str, **options: object) -> InteractionResult:
        """Alice types a command here."""
        given: dict[str, Any] = dict(options)
        if isinstance(self.alice, UserHandle):
            alone: InteractionResult = await self.alice.slash(name, **given)
            return alone
        return await self.alice.slash(self.channel, name, **given)

    async def rule(self, name: str, value: object) -> None:
        """Make a rule of the server."""
        guild = self.channel.guild
        assert guild is not None
        await self.services.preferences.set(preferences.guild(guild.id), name, value)

    async def block(self) -> None:
        """Somebody blocks the word that all these roads carry: a manager for the server, the operator everywhere."""
        if self.channel.guild is None:
            for word in BLOCKED:
                await block_word(self.services, OPERATOR, read_blocked(word))
        else:
            await self.rule("rule:blocked", list(BLOCKED))

    async def prefers(self, name: str, value: object) -> None:
        """Alice has set something for herself."""
        await self.services.preferences.set(preferences.user(self.alice.id), name, value)

    async def remix_on(self) -> None:
        """Alice has switched remix on."""
        await self.services.preferences.set(preferences.user(self.alice.id), "remix", True)


async def typed(world: World) -> InteractionResult:
    """A new prompt."""
    await world.block()
    return await world.slash("imagine", prompt="a fox")


async def linked(world: World) -> InteractionResult:
    """In the name of a picture."""
    await world.block()
    return await world.slash("imagine", prompt="https://example.org/red_fox.png a bird")


async def with_an_option(world: World) -> InteractionResult:
    """In what a shortcut of one's own stands for."""
    await world.prefers("option:mine", "a fox --ar 3:2")
    await world.block()
    return await world.slash("imagine", prompt="a bird and --mine")


async def with_a_suffix(world: World) -> InteractionResult:
    """In a suffix, which is put behind every prompt and can only keep things away."""
    await world.prefers("suffix", "--no fox")
    await world.block()
    return await world.slash("imagine", prompt="a bird")


async def asked(world: World) -> InteractionResult:
    """A prompt that makes several jobs: nobody is asked for a yes that would be refused."""
    await world.block()
    return await world.slash("imagine", prompt="a {red, blue} fox")


async def confirmed(world: World) -> InteractionResult:
    """The rule comes between question and yes."""
    question = await world.slash("imagine", prompt="a {red, blue} fox")
    assert question.response is not None
    await world.block()
    return await world.alice.click(question.response.message, label="Yes, run 2 jobs")


async def corrected(world: World) -> InteractionResult:
    """The rule comes between a refusal and its Run corrected prompt."""
    refused = await world.slash("imagine", prompt="a fox --v 7 red")
    assert refused.response is not None
    await world.block()
    return await world.alice.click(refused.response.message, label="Run corrected prompt")


async def remixed(world: World) -> InteractionResult:
    """The rule comes between opening the form and sending it."""
    await world.remix_on()
    shown = await world.alice.click(await post_result(world.env, world.channel, world.grid), label="V1")
    await world.block()
    return await world.alice.submit_modal(shown, {VARIATION_PROMPT: "a green fox"})


async def shown_again(world: World) -> InteractionResult:
    """A finished job of before the rule."""
    await world.block()
    return await world.slash("show", job_id=world.grid.id)


def pressed(action: Action, index: int | None) -> Callable[[World], Awaitable[InteractionResult]]:
    """A button under a picture of before the rule."""

    async def press(world: World) -> InteractionResult:
        message = await post_result(world.env, world.channel, world.grid)
        await world.block()
        return await world.alice.click(message, custom_id=custom_id(action, index, world.grid.id))

    return press


ROADS = {
    "typed": typed,
    "picture link": linked,
    "option": with_an_option,
    "suffix": with_a_suffix,
    "asked": asked,
    "confirmed": confirmed,
    "corrected": corrected,
    "remixed": remixed,
    "shown again": shown_again,
    "U": pressed(Action.UPSCALE, 0),
    "V": pressed(Action.VARIATION, 3),
    "re-roll": pressed(Action.REROLL, None),
}


def title(result: InteractionResult) -> str | None:
    """What the answer, or what the message under which was pressed, is headed by."""
    messages = [result.response, *result.followups]
    return next((embed.title for message in messages if message for embed in message.embeds), None)


@pytest.mark.parametrize("place", ["server", "direct message"])
@pytest.mark.parametrize("road", ROADS)
async def test_a_blocked_word_is_refused_on_every_road(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job, road: str, place: str
) -> None:
    """Nothing is in the queue afterwards, and the person learns why; the operator's words hold in direct messages."""
    world = World(simcord_env, services, channel, alice, grid)
    if place == "direct message":
        world.channel, world.alice = alice.user.dm_channel, alice.user
    result = await ROADS[road](world)
    assert await services.queue.of_user(alice.id) == []
    shown = title(result) or [message.embeds[0].title for message in world.channel.history() if message.embeds][-1]
    assert shown == "Banned prompt"


async def test_the_yes_starts_what_is_still_allowed_and_no_more(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Only one of the two words is blocked meanwhile: the first job was started, and the message says so."""
    world = World(simcord_env, services, channel, alice, grid)
    question = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    await world.rule("rule:blocked", ["blue"])
    assert question.response is not None
    await alice.click(question.response.message, label="Yes, run 2 jobs")
    jobs = [await services.queue.accepted(id) for id in await services.queue.of_user(alice.id)]
    assert [job.prompt.text for job in jobs if job] == ["a red fox"]
    [embed] = question.response.embeds
    assert embed.title == "Banned prompt"
    assert "1 of 2 jobs were started" in (embed.description or "")


async def test_a_channel_that_is_no_longer_allowed_takes_no_yes(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """The question was asked where pictures were still allowed."""
    world = World(simcord_env, services, channel, alice, grid)
    question = await alice.slash(channel, "imagine", prompt="a {red, blue} fox")
    await world.rule("rule:channels", [1])
    assert question.response is not None
    await alice.click(question.response.message, label="Yes, run 2 jobs")
    assert await services.queue.of_user(alice.id) == []
    assert question.response.embeds[0].title == "Not in this channel"


async def test_a_newcomers_job_that_is_delivered_twice_counts_once(
    services: Services, channel: ChannelHandle, alice: MemberActor, simcord_env: Env, grid: Job
) -> None:
    """The gate counts the jobs that there would be, so repeating a request is harmless at the limit too."""
    world = World(simcord_env, services, channel, alice, grid)
    await world.rule("rule:newcomers", {"days": 7, "jobs": 1})
    await alice.slash(channel, "imagine", prompt="a cat")
    assert len(await services.queue.of_user(alice.id)) == 1
    assert title(await alice.slash(channel, "imagine", prompt="a dog")) == "Queue full"


def calls(path: Path) -> set[str]:
    """The names that a file calls, as they are written: `admit`, `services.queue.submit`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def test_no_road_leads_around_the_gate() -> None:
    """One file submits to the queue, the same one asks the gate, and no other does either."""
    files = [path for package in ("service", "bot", "api") for path in sorted((ROOT / package).rglob("*.py"))]
    submitting = [path for path in files if any(name.endswith("queue.submit") for name in calls(path))]
    asking = [path for path in files if "admit" in calls(path)]
    assert submitting == asking == [ROOT / "service" / "accepting.py"]
