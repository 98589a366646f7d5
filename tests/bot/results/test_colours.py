"""Pressed buttons turn blue: after the answer, all that were pressed, and quietly not at all when that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from unittest.mock import Mock

import discord
import pytest
from simcord.actors import MemberActor
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.client import EaselClient
from bot.edits import ChannelEdits, Send
from bot.results.colours import REMEMBERED, ButtonColours
from contract.actions import Action, custom_id
from contract.jobs import Job
from service.services import Services
from tests.bot.delivered import REROLL_PROMPT, VARIATION_PROMPT, accepted_job, post_result


class Held(ChannelEdits):
    """Keeps the edits until they are asked for, newest instead of older, as a busy channel would."""

    def __init__(self) -> None:
        super().__init__()
        self.sends: dict[Hashable, Send] = {}

    def offer(self, channel_id: int, key: Hashable, send: Send, **pace: bool) -> None:
        """Keep it."""
        assert pace == {"yielding": True}
        self.sends[key] = send


@pytest.fixture
async def held(simcord_env: Env) -> Held:
    """A channel where edits have to wait."""
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    held = Held()
    bot.colours = ButtonColours(bot, held)
    return held


async def styles(env: Env, message: discord.Message) -> dict[str, discord.ButtonStyle]:
    """The styles other than grey under a message, by label, once the edits that may go have gone."""
    assert isinstance(env.bot, EaselClient)
    await env.bot.edits.send_due()
    present = await env.bot.get_partial_messageable(message.channel.id).fetch_message(message.id)
    view = discord.ui.View.from_message(present)
    buttons = [item for item in view.children if isinstance(item, discord.ui.Button)]
    assert len(buttons) == 9
    return {
        button.label or str(button.emoji): button.style
        for button in buttons
        if button.style is not discord.ButtonStyle.secondary
    }


async def test_a_pressed_button_turns_blue(
    simcord_env: Env, channel: ChannelHandle, bob: MemberActor, grid: Job
) -> None:
    """Somebody else's press counts too; the words, the picture and the other buttons stay as they are."""
    message = await post_result(simcord_env, channel, grid)
    await bob.click(message, label="V2")
    assert await styles(simcord_env, message) == {"V2": discord.ButtonStyle.primary}
    present = await simcord_env.bot.get_partial_messageable(channel.id).fetch_message(message.id)
    assert (present.content, present.attachments) == (message.content, message.attachments)


async def test_the_answer_comes_first(simcord_env: Env, channel: ChannelHandle, alice: MemberActor, grid: Job) -> None:
    """When the message is edited the press has been answered, by a message of its own."""
    message = await post_result(simcord_env, channel, grid)
    before = len(simcord_env.http_requests)
    await alice.click(message, label="U1")
    assert await styles(simcord_env, message) == {"U1": discord.ButtonStyle.primary}
    sent = [(entry.method, entry.path) for entry in simcord_env.http_requests[before:]]
    answers = [number for number, (method, path) in enumerate(sent) if path.endswith("/callback")]
    edits = [number for number, (method, path) in enumerate(sent) if method == "PATCH"]
    assert len(answers) == len(edits) == 1
    assert answers < edits


async def test_two_presses_at_once_do_not_undo_each_other(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, bob: MemberActor, grid: Job, held: Held
) -> None:
    """Both presses bring the message as it was before either; one edit makes both buttons blue."""
    message = await post_result(simcord_env, channel, grid)
    await alice.click(message, label="U1")
    await bob.click(message, label="V4")
    [send] = held.sends.values()
    await send()
    assert set(await styles(simcord_env, message)) == {"U1", "V4"}


async def test_a_press_that_saw_the_message_before_an_edit_does_not_undo_it(
    simcord_env: Env, channel: ChannelHandle, grid: Job
) -> None:
    """The first edit is there already when the second press, made before it, is worked on."""
    message = await post_result(simcord_env, channel, grid)
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    bot.colours.mark(message, [custom_id(Action.UPSCALE, 0, grid.id)])
    assert set(await styles(simcord_env, message)) == {"U1"}
    bot.colours.mark(message, [custom_id(Action.VARIATION, 3, grid.id)])
    assert set(await styles(simcord_env, message)) == {"U1", "V4"}


async def test_what_is_kept_in_mind_is_bounded(simcord_env: Env, channel: ChannelHandle, grid: Job, held: Held) -> None:
    """Only the messages pressed last."""
    message = await post_result(simcord_env, channel, grid)
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    for number in range(REMEMBERED + 10):
        other = copy(message)
        other.id = number
        bot.colours.mark(other, [custom_id(Action.UPSCALE, 0, grid.id)])
    assert list(bot.colours._pressed) == list(range(10, REMEMBERED + 10))


async def test_what_was_blue_before_a_restart_stays_blue(
    simcord_env: Env,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    new_bot: Callable[[], EaselClient],
) -> None:
    """The new process knows of no press, but the message in the next one shows it."""
    message = await post_result(simcord_env, channel, grid)
    await alice.click(message, label="U1")
    await styles(simcord_env, message)
    await simcord_env.restart_bot(new_bot())
    await alice.click(message, label="U2")
    assert set(await styles(simcord_env, message)) == {"U1", "U2"}


async def test_a_refused_press_leaves_the_button_grey(
    simcord_env: Env, services: Services, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """Nothing was made of the picture."""
    services.images.delete(grid.id)
    message = await post_result(simcord_env, channel, grid, description=False)
    await alice.click(message, label="V1")
    assert await styles(simcord_env, message) == {}


async def test_the_same_button_again_is_no_second_edit(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, grid: Job
) -> None:
    """It is blue already."""
    message = await post_result(simcord_env, channel, grid)
    await alice.click(message, label="V1")
    await styles(simcord_env, message)
    before = len(simcord_env.http_requests)
    await alice.click(message, label="V1")
    assert set(await styles(simcord_env, message)) == {"V1"}
    assert "PATCH" not in [entry.method for entry in simcord_env.http_requests[before:]]


@pytest.mark.parametrize(("label", "style"), [("V2", discord.ButtonStyle.success), ("🔄", discord.ButtonStyle.primary)])
async def test_with_remix_it_is_the_sent_form_that_counts(
    simcord_env: Env, channel: ChannelHandle, alice: MemberActor, grid: Job, label: str, style: discord.ButtonStyle
) -> None:
    """A form that was only opened changes nothing; a remixed variation is green, as Midjourney's is."""
    message = await post_result(simcord_env, channel, grid)
    await alice.slash(channel, "prefer remix")
    id = f"MJ::JOB::reroll::0::{grid.id}::SOLO" if label == "🔄" else f"MJ::JOB::variation::2::{grid.id}"
    form = await alice.click(message, custom_id=id)
    assert await styles(simcord_env, message) == {}
    await alice.submit_modal(form, {VARIATION_PROMPT if label == "V2" else REROLL_PROMPT: "a blue fox"})
    assert await styles(simcord_env, message) == {label: style}


@pytest.mark.parametrize("trouble", ["deleted", "forbidden", "too many edits", "no network"])
async def test_an_edit_that_cannot_be_costs_nothing(
    simcord_env: Env,
    services: Services,
    channel: ChannelHandle,
    alice: MemberActor,
    grid: Job,
    held: Held,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: str,
) -> None:
    """The job is there all the same, nobody is warned, and one line is there for those who look for it."""
    message = await post_result(simcord_env, channel, grid)
    target = simcord_env.bot.get_partial_messageable(channel.id).get_partial_message(message.id)
    await alice.click(message, label="V3")
    [send] = held.sends.values()
    if trouble == "deleted":
        await target.delete()
    else:
        refusals: dict[str, Exception] = {
            "forbidden": discord.Forbidden(Mock(status=403), {"code": 50001, "message": "Missing Access"}),
            "too many edits": discord.RateLimited(60.0),
            "no network": OSError("away"),
        }

        async def fail(message: discord.PartialMessage, **changes: object) -> None:
            raise refusals[trouble]

        monkeypatch.setattr(discord.PartialMessage, "edit", fail)
    capsys.readouterr()
    await send()
    said = capsys.readouterr().out.splitlines()
    assert ["debug" in line and "pressed button" in line for line in said] == [True]
    assert (await accepted_job(services, alice.id)).parent is not None
