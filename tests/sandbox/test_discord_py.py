"""The unmodified discord.py lives on the sandbox."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
import pytest
import yarl

from sandbox.core import Sandbox
from tests.sandbox.bot import Bot, picture
from tests.sandbox.facts import breaches
from tests.sandbox_user import SandboxUser


@pytest.fixture
def pointed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py's three addresses lead to the sandbox."""
    monkeypatch.setattr(discord.http.Route, "BASE", f"{sandbox.base_url}/api/v10")
    monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway_url))
    monkeypatch.setattr(discord.asset.Asset, "BASE", sandbox.base_url)


@asynccontextmanager
async def connected(sandbox: Sandbox) -> AsyncIterator[Bot]:
    """A bot that is ready, until the block is left."""
    async with Bot() as client:
        await client.login(sandbox.bot_token)
        running = asyncio.create_task(client.connect())
        async with asyncio.timeout(20):
            await client.wait_until_ready()
        yield client
    await running


@pytest.fixture
async def bot(sandbox: Sandbox, pointed: None) -> AsyncIterator[Bot]:
    """A bot that is ready."""
    async with connected(sandbox) as client:
        yield client
        client.hold.set()
    assert sandbox.record.violations == []
    assert breaches(sandbox.record.lines()) == []


async def test_a_prompt_becomes_waiting_message_progress_and_result(bot: Bot, ada: SandboxUser) -> None:
    """Reply with the nonce, edit with a picture, a new message with buttons, deletion of the first."""
    nonce = await ada.slash("imagine", prompt="a fox")
    waiting = await ada.wait_answer(nonce)
    assert waiting["content"] == f"**a fox** - <@{ada.user['id']}> (Waiting to start)"
    assert (waiting["type"], waiting["interaction"]["name"]) == (20, "imagine")
    progress = await ada.wait_update(waiting)
    assert (progress["attachments"][0]["width"], progress["attachments"][0]["content_type"]) == (64, "image/png")
    assert "nonce" not in progress
    final = await ada.wait_message(lambda m: bool(m["components"]))
    assert final["attachments"][0]["description"] == "a fox"
    assert "nonce" not in final
    assert [b["label"] for b in final["components"][0]["components"]] == ["U1", "U2", "U3", "U4"]
    await ada.wait_delete(waiting)
    assert (await ada.fetch(final["attachments"][0]["url"])).startswith(b"\x89PNG")


async def test_a_dynamic_item_answers_a_press_with_a_reply(bot: Bot, ada: SandboxUser, ben: SandboxUser) -> None:
    """Anybody may press; the answer refers to the pressed message; only the presser's client learns the nonce."""
    await ada.slash("imagine", prompt="a fox")
    final = await ben.wait_message(lambda m: bool(m["components"]))
    nonce = await ben.press(final, "U3")
    answer = await ben.wait_answer(nonce)
    assert answer["content"] == "upscaling 3 of abc"
    assert (answer["type"], answer["message_reference"]["message_id"]) == (19, final["id"])
    assert answer["referenced_message"]["id"] == final["id"]
    assert answer["interaction_metadata"]["interacted_message_id"] == final["id"]
    assert "interaction" not in answer
    seen = await ada.wait_message(lambda m: m["id"] == answer["id"])
    assert "nonce" not in seen
    assert bot.seen[-1].message.attachments[0].description == "a fox"


async def test_a_deferred_answer_is_filled_by_the_first_follow_up(bot: Bot, ada: SandboxUser) -> None:
    """Thinking, the first follow-up in its place, an ephemeral second one, an edit of the original."""
    png = picture().fp.read()
    nonce = await ada.slash("slow", picture_in=png)
    thinking = await ada.wait_answer(nonce)
    assert thinking["flags"] & 128
    filled = await ada.wait_update(thinking, lambda m: m["content"] == "got 64x64")
    assert not filled["flags"] & 128
    assert filled["attachments"][0]["description"] == "alt"
    extra = await ada.wait_message(lambda m: m["content"] == "and this")
    assert (extra["flags"] & 64, extra["message_reference"]["message_id"]) == (64, thinking["id"])
    edited = await ada.wait_update(thinking, lambda m: m["content"] == "got 64x64, edited")
    assert len(edited["attachments"]) == 1
    assert [m["content"] for m in await ada.history()] == ["got 64x64, edited"]


async def test_an_ephemeral_panel_is_seen_by_its_user_alone(bot: Bot, ada: SandboxUser, ben: SandboxUser) -> None:
    """Its select and buttons work for that user; nobody else gets an event of it."""
    panel = await ada.wait_answer(await ada.slash("panel"))
    chosen = await ada.wait_answer(await ada.press(panel, "panel:size", values=["large"]))
    assert chosen["content"] == "size large"
    await ada.press(panel, "Count")
    assert (await ada.wait_update(panel))["content"] == "counted"
    await ben.say("hello")
    await ben.wait_message(lambda m: m["content"] == "hello")
    assert all(name != "MESSAGE_CREATE" or d["content"] == "hello" for name, d in ben.events)


async def test_a_modal_is_shown_filled_and_answered(bot: Bot, ada: SandboxUser) -> None:
    """The press opens it, the submit reaches the bot with the user's value."""
    panel = await ada.wait_answer(await ada.slash("panel"))
    nonce = await ada.press(panel, "Remix")
    modal = await ada.wait_modal(nonce)
    assert (modal["title"], modal["components"][0]["components"][0]["value"]) == ("Remix", "a fox")
    await ada.wait_event("INTERACTION_SUCCESS", lambda d: d["nonce"] == nonce)
    answer = await ada.wait_answer(await ada.submit_modal(modal, new_prompt="a red fox"))
    assert answer["content"] == "**a red fox**"
    assert answer["interaction_metadata"]["triggering_interaction_metadata"]["interacted_message_id"] == panel["id"]


async def test_a_components_v2_page_with_a_picture_works(bot: Bot, ada: SandboxUser) -> None:
    """The gallery's link leads to the file, and a button inside the container answers."""
    page = await ada.wait_answer(await ada.slash("page"))
    assert page["flags"] & (1 << 15)
    text, gallery, _ = page["components"][0]["components"]
    assert text["content"] == "# Settings"
    media = gallery["items"][0]["media"]
    assert (media["width"], media["height"]) == (64, 64)
    assert (await ada.fetch(media["url"])).startswith(b"\x89PNG")
    answer = await ada.wait_answer(await ada.press(page, "U2"))
    assert answer["content"] == "upscaling 2 of v2"


async def test_choices_are_offered_while_typing(bot: Bot, ada: SandboxUser) -> None:
    """Autocomplete goes to the bot and back."""
    choices = await ada.autocomplete("style", "name", "cub")
    assert [choice["value"] for choice in choices] == ["cubish", "cubesque"]


async def test_a_context_menu_command_writes_a_direct_message(bot: Bot, sandbox: Sandbox, ada: SandboxUser) -> None:
    """The target message is resolved, and the direct message arrives in a channel of its own."""
    said = await ada.say("keep this")
    nonce = await ada.menu("Send to me", said)
    direct = await ada.wait_event("MESSAGE_CREATE", lambda m: m["channel_id"] != ada.channel_id)
    assert (direct["content"], "guild_id" in direct) == ("keep this", False)
    assert (await ada.wait_answer(nonce))["content"] == "sent"
    async with await ada.direct(sandbox.application_id) as in_private:
        assert in_private.channel_id == direct["channel_id"]
        answer = await in_private.wait_answer(await in_private.slash("panel"))
        assert answer["content"] == "panel"
        assert bot.seen[-1].guild_id is None


async def test_a_subcommand_answers_under_its_full_name(bot: Bot, ada: SandboxUser) -> None:
    """As in ``prefer remix``."""
    answer = await ada.wait_answer(await ada.slash("prefer remix"))
    assert answer["interaction"]["name"] == "prefer remix"


async def test_an_answer_after_three_seconds_comes_too_late(bot: Bot, sandbox: Sandbox, ada: SandboxUser) -> None:
    """The user is told of the failure, the bot gets 10062."""
    nonce = await ada.slash("silent")
    while not bot.seen:
        await bot.wait_for("interaction", timeout=30)
    sandbox.clock.advance(3)
    failure = await ada.wait_event("INTERACTION_FAILURE", lambda d: d["nonce"] == nonce)
    assert failure["reason_code"] == 2
    bot.hold.set()
    error = await bot.failures.get()
    assert isinstance(error, discord.NotFound)
    assert error.code == 10062


async def test_a_rate_limited_call_is_repeated_by_the_client(bot: Bot, sandbox: Sandbox, ada: SandboxUser) -> None:
    """discord.py waits out a 429 and the message arrives once."""
    sandbox.faults.add({"kind": "rate_limit", "method": "POST", "path": "/messages$", "seconds": 0.05, "count": 2})
    channel = bot.get_partial_messageable(int(sandbox.channel_id))
    await channel.send("after the storm")
    await ada.wait_message(lambda m: m["content"] == "after the storm")
    assert [m["content"] for m in await ada.history()] == ["after the storm"]


async def test_a_lost_answer_does_not_double_a_message_with_a_nonce(
    bot: Bot, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """The connection dies after the work is done; the repeated call returns the first message."""
    sandbox.faults.add({"kind": "lost_answer", "method": "POST", "path": "/messages$"})
    channel = bot.get_partial_messageable(int(sandbox.channel_id))
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await channel.send("once", nonce="job-0001")
    sent = await channel.send("once", nonce="job-0001")
    assert [m["content"] for m in await ada.history()] == ["once"]
    assert sent.id == int((await ada.history())[0]["id"])


@pytest.mark.parametrize("kind", ["drop", "reconnect", "invalid_session"])
async def test_the_client_resumes_and_misses_nothing(bot: Bot, sandbox: Sandbox, ada: SandboxUser, kind: str) -> None:
    """What happened while the bot was away is replayed."""
    assert sandbox.gateway.disturb(kind) == 1
    await ada.slash("imagine", prompt="while away")
    async with asyncio.timeout(20):
        await bot.resumed.wait()
    final = await ada.wait_message(lambda m: bool(m["components"]))
    assert "while away" in final["content"]


async def test_every_shard_gets_its_own_events(sandbox: Sandbox, pointed: None, ada: SandboxUser) -> None:
    """With two shards the guild's interactions go to one of them, once."""
    sandbox.limits.change({"shards": 2})
    async with connected(sandbox) as client:
        await ada.slash("imagine", prompt="a fox")
        await ada.wait_message(lambda m: bool(m["components"]))
        assert (len(client.shards), len(client.seen)) == (2, 1)


async def test_a_wrong_token_is_refused(sandbox: Sandbox, pointed: None) -> None:
    """discord.py sees a failed login."""
    async with Bot() as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("MTEx.sandbox.wrong")


async def test_privileged_intents_need_approval(sandbox: Sandbox, pointed: None) -> None:
    """Close code 4014 reaches the client as its own error."""
    intents: Any = discord.Intents.all()
    async with discord.Client(intents=intents) as client:
        with pytest.raises(discord.PrivilegedIntentsRequired):
            await client.start(sandbox.bot_token)
