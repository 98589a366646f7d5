"""The poster against the sandbox: real HTTP, real limits, real error codes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from pydantic import SecretStr

from contract.endpoints import Endpoints
from contract.ids import nonce
from contract.messages import FAILURE_COLOUR, NOTICE_COLOUR, Embed, result_buttons
from sandbox.core import Sandbox
from sandbox.permissions import MEMBER, Permission
from sandbox.server import running
from sandbox.world import Message
from tests.contract.factories import imagine
from worker.delivery.door import Unavailable
from worker.delivery.poster import FINAL, Attachment, BadToken, NotAllowed, Post, Poster, TooLarge

JOB = imagine()
EMBED = Embed("Sorry", "It failed.", FAILURE_COLOUR, f"Job {JOB.id}")


@pytest.fixture
async def sandbox(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sandbox]:
    """A sandbox of this test's own; discord.py points at the real Discord again afterwards."""
    monkeypatch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
    async with running() as sandbox:
        yield sandbox


@pytest.fixture
async def poster(sandbox: Sandbox) -> AsyncIterator[Poster]:
    """A poster that tries again quickly, for up to ten seconds."""
    poster = Poster(SecretStr(sandbox.bot_token), Endpoints(sandbox.base_url, None), patience_s=10, pause_s=0.01)
    yield poster
    await asyncio.to_thread(poster.close)


@pytest.fixture
def channel(sandbox: Sandbox) -> int:
    """The channel that tests post to."""
    return int(sandbox.channel_id)


GRID = Post(
    "**a fox** - <@1> (fast)",
    buttons=result_buttons(JOB),
    attachment=Attachment(f"ada_a_fox_{JOB.id}.png", b"\x89PNG\r\n\x1a\n" + bytes(100), "Four pictures of a fox."),
)


def messages(sandbox: Sandbox, channel: int) -> list[Message]:
    """A channel's messages, oldest first."""
    return [message for message in sandbox.world.messages.values() if message.channel_id == str(channel)]


def last_post(sandbox: Sandbox) -> Any:
    """What was sent to make the last message, as the record has it."""
    entries = (json.loads(line) for line in reversed(sandbox.record.lines()))
    return next(e for e in entries if e.get("method") == "POST" and e["path"].endswith("/messages"))


async def post(poster: Poster, channel: int, post: Post = GRID, own_nonce: str = nonce(JOB.id)) -> int | None:
    """Post from another thread, as a slot does."""
    return await asyncio.to_thread(poster.post, channel, post, own_nonce)


# ── posting ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_result_arrives_whole(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """Content, file with description, rows of buttons, and the nonce that makes a repeat harmless."""
    message_id = await post(poster, channel)
    [message] = messages(sandbox, channel)
    assert message.id == str(message_id)
    assert message.content == GRID.content
    assert [attachment["filename"] for attachment in message.attachments] == [f"ada_a_fox_{JOB.id}.png"]
    assert message.attachments[0]["description"] == "Four pictures of a fox."
    rows = [[button["custom_id"] for button in row["components"]] for row in message.components]
    assert rows == [[button.custom_id for button in row] for row in result_buttons(JOB)]
    assert message.components[0]["components"][4]["emoji"]["name"] == "🔄"
    sent = last_post(sandbox)["json"]
    assert (sent["nonce"], sent["enforce_nonce"]) == (nonce(JOB.id), True)
    assert sandbox.record.violations == []


async def test_only_the_one_who_asked_is_pinged(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """A prompt may name everyone and anyone: nobody hears of it but the job's user."""
    ada, ben = sandbox.world.people[:2]
    content = f"**@everyone <@{ben.id}>** - <@{ada.id}> (fast)"
    await post(poster, channel, replace(GRID, content=content, mention=int(ada.id)))
    [message] = messages(sandbox, channel)
    assert message.mentions == [ada.id]
    assert not message.mention_everyone
    await post(poster, channel, replace(GRID, content=content), "another")
    assert messages(sandbox, channel)[1].mentions == []


async def test_replies_name_their_message_even_when_it_is_gone(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """A follow-up answers its source; a source deleted meanwhile does not keep the result away."""
    source = await post(poster, channel)
    assert source is not None
    await post(poster, channel, replace(GRID, reply_to=source), "second")
    assert messages(sandbox, channel)[1].reference == str(source)
    await asyncio.to_thread(poster.delete, channel, source)
    assert await post(poster, channel, replace(GRID, reply_to=source), "third") is not None


async def test_posting_leaves_nothing_behind(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """The presses are the bot's business: no view stays registered in a process that posts for months."""
    await post(poster, channel)
    assert poster._client is not None
    assert list(poster._client.persistent_views) == []
    assert poster._client._connection._view_store._views == {}


# ── the same message again ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeat_gets_the_first_message(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """A worker that crashed after posting posts again with the same nonce, and there is one message."""
    first = await post(poster, channel)
    again = Poster(SecretStr(sandbox.bot_token), patience_s=10)
    assert await post(again, channel) == first
    await asyncio.to_thread(again.close)
    assert len(messages(sandbox, channel)) == 1


async def test_an_answer_that_is_lost_on_the_way_does_not_double(
    poster: Poster, sandbox: Sandbox, channel: int
) -> None:
    """Discord took the message, the connection broke before it said so, and the poster tried again."""
    await asyncio.to_thread(poster.login)
    sandbox.faults.add({"kind": "lost_answer", "method": "POST", "path": "/messages"})
    message_id = await post(poster, channel)
    assert [message.id for message in messages(sandbox, channel)] == [str(message_id)]


async def test_a_message_that_someone_deleted_meanwhile_counts_as_posted(
    poster: Poster, channel: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord answers the repeated nonce of a message deleted since with "unknown message" (discord.py, `send`)."""
    await asyncio.to_thread(poster.login)
    assert poster._client is not None

    async def gone(*arguments: Any, **keywords: Any) -> None:
        answer: Any = SimpleNamespace(status=404, reason="Not Found")
        raise discord.NotFound(answer, {"code": 10008, "message": "gone"})

    monkeypatch.setattr(poster._client.http, "send_message", gone)
    assert await post(poster, channel) is None


async def test_a_post_is_found_by_its_buttons_file_or_footer(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """For tries so late that Discord has forgotten the nonce. Other people's messages and older ones do not count."""
    begun = int(sandbox.clock.now() * 1000)
    assert await asyncio.to_thread(poster.find_post, channel, JOB.id, begun) is None
    first = await post(poster, channel)
    assert await asyncio.to_thread(poster.find_post, channel, JOB.id, begun) == first
    assert await asyncio.to_thread(poster.find_post, channel, "another job", begun) is None
    assert await asyncio.to_thread(poster.find_post, channel, JOB.id, begun + 3_600_000) is None
    told = await post(poster, channel, Post("<@1>", embed=replace(EMBED, footer="Job 7")), "footer")
    assert await asyncio.to_thread(poster.find_post, channel, "Job 7", begun) == told
    assert await asyncio.to_thread(poster.find_result, channel, JOB.id, begun) == first
    assert await asyncio.to_thread(poster.find_result, channel, "Job 7", begun) is None  # it says that it failed
    texts = await post(poster, channel, Post("<@1>", embed=Embed("", "1️⃣ a fox", NOTICE_COLOUR, "Job 8")), "texts")
    assert await asyncio.to_thread(poster.find_result, channel, "Job 8", begun) == texts


async def test_a_message_is_known_by_the_buttons_under_it(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """One of several is enough; a message that is gone has none."""
    message_id = await post(poster, channel)
    assert message_id is not None
    [first, *_], *_ = result_buttons(JOB)
    assert await asyncio.to_thread(poster.bears, channel, message_id, {"another", first.custom_id})
    assert not await asyncio.to_thread(poster.bears, channel, message_id, {"another"})
    await asyncio.to_thread(poster.delete, channel, message_id)
    assert not await asyncio.to_thread(poster.bears, channel, message_id, {first.custom_id})


async def test_the_waiting_message_is_found_by_its_interaction(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """An answer to an interaction is no post about a job, whatever its buttons say."""
    message_id = await post(poster, channel)
    [message] = messages(sandbox, channel)
    kept = {"id": "77", "type": 2, "name": "imagine", "command_type": 1, "guild": True}
    message.interaction = {**kept, "user_id": sandbox.world.people[0].id}
    begun = int(sandbox.clock.now() * 1000) - 60_000
    assert await asyncio.to_thread(poster.find_answer, channel, 77, begun) == message_id
    assert await asyncio.to_thread(poster.find_answer, channel, 78, begun) is None
    assert await asyncio.to_thread(poster.find_post, channel, JOB.id, begun) is None


# ── trouble that passes ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [500, 503])
async def test_discord_failing_for_a_moment_is_waited_out(
    poster: Poster, sandbox: Sandbox, channel: int, status: int
) -> None:
    """500 is retried by the library, 503 by the poster; the file is sent whole each time."""
    await asyncio.to_thread(poster.login)
    sandbox.faults.add({"kind": "status", "status": status, "method": "POST", "path": "/messages"})
    await post(poster, channel)
    [message] = messages(sandbox, channel)
    assert GRID.attachment is not None
    assert message.attachments[0]["size"] == len(GRID.attachment.data)


async def test_a_rate_limit_is_waited_out(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """A 429 delays the message, no more."""
    await asyncio.to_thread(poster.login)
    sandbox.faults.add({"kind": "rate_limit", "seconds": 0.05, "method": "POST", "path": "/messages", "count": 2})
    await post(poster, channel)
    assert len(messages(sandbox, channel)) == 1


async def test_a_discord_that_stays_away_is_given_back_to_the_queue(sandbox: Sandbox, channel: int) -> None:
    """After the patience, a fresh attempt later is the queue's business."""
    poster = Poster(SecretStr(sandbox.bot_token), Endpoints(sandbox.base_url, None), patience_s=0.2, pause_s=0.01)
    sandbox.faults.add({"kind": "status", "status": 503, "count": 10_000})
    with pytest.raises(Unavailable, match="503"):
        await post(poster, channel)
    await asyncio.to_thread(poster.close)


async def test_a_long_rate_limit_is_not_sat_out_inside_the_library(sandbox: Sandbox, channel: int) -> None:
    """A slot that sleeps for minutes could not be drained."""
    poster = Poster(SecretStr(sandbox.bot_token), Endpoints(sandbox.base_url, None), patience_s=0)
    await asyncio.to_thread(poster.login)
    sandbox.faults.add({"kind": "rate_limit", "seconds": 600, "method": "POST", "path": "/messages"})
    with pytest.raises(Unavailable, match="rate limited for 600 s"):
        await post(poster, channel)
    await asyncio.to_thread(poster.close)


async def test_closing_ends_the_wait(sandbox: Sandbox, channel: int) -> None:
    """A process that is to end does not wait an hour for Discord first."""
    poster = Poster(SecretStr(sandbox.bot_token), Endpoints(sandbox.base_url, None), patience_s=3600, pause_s=3600)
    await asyncio.to_thread(poster.login)
    sandbox.faults.add({"kind": "status", "status": 503, "count": 10_000})
    posting = asyncio.create_task(post(poster, channel))
    await asyncio.to_thread(poster.close)
    with pytest.raises(Unavailable):
        await posting
    with pytest.raises(Unavailable, match="ending"):
        await post(poster, channel)


async def test_an_unknown_token_is_named(sandbox: Sandbox) -> None:
    """The operator reads it at the start instead of at the first picture."""
    poster = Poster(SecretStr("MTEx.wrong"), Endpoints(sandbox.base_url, None))
    with pytest.raises(BadToken):
        await asyncio.to_thread(poster.login)
    await asyncio.to_thread(poster.close)
    await asyncio.to_thread(poster.close)


# ── trouble that stays ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (Permission.SEND_MESSAGES, "no_permissions"),
        (Permission.ATTACH_FILES, "no_permissions"),
        (Permission.VIEW_CHANNEL, "no_access"),
    ],
)
async def test_a_missing_permission_says_so(
    poster: Poster, sandbox: Sandbox, channel: int, missing: Permission, words: str
) -> None:
    """Permissions may go while a job is drawn."""
    sandbox.world.channels[str(channel)].bot_permissions = int(MEMBER & ~missing)
    with pytest.raises(NotAllowed, match=words):
        await post(poster, channel)


async def test_a_channel_that_is_gone_says_so(poster: Poster) -> None:
    """Deleted while the job was drawn."""
    with pytest.raises(NotAllowed, match="channel_gone") as caught:
        await post(poster, 1)
    assert caught.value.code == 10003


async def test_a_file_over_the_channels_limit_is_too_large(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """The caller can then make it smaller."""
    sandbox.limits.change({"file_bytes": 50})
    with pytest.raises(TooLarge):
        await post(poster, channel)


async def test_deleting_what_is_gone_is_no_error(poster: Poster, channel: int) -> None:
    """A person may have been quicker, with the message or with the channel."""
    message_id = await post(poster, channel)
    assert message_id is not None
    assert await asyncio.to_thread(poster.delete, channel, message_id)
    assert not await asyncio.to_thread(poster.delete, channel, message_id)
    assert not await asyncio.to_thread(poster.delete, 1, message_id)


async def test_amending_leaves_the_words_and_takes_the_rest(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """The last words on a waiting message: an embed or a content, buttons and preview gone."""
    message_id = await post(poster, channel)
    assert message_id is not None
    assert await asyncio.to_thread(lambda: poster.amend(channel, message_id, embed=EMBED))
    [message] = messages(sandbox, channel)
    assert message.content == GRID.content
    assert message.embeds[0]["color"] == FAILURE_COLOUR
    assert (message.components, message.attachments) == ([], [])
    assert await asyncio.to_thread(lambda: poster.amend(channel, message_id, content="stopped"))
    assert messages(sandbox, channel)[0].content == "stopped"
    await asyncio.to_thread(poster.delete, channel, message_id)
    assert not await asyncio.to_thread(lambda: poster.amend(channel, message_id, content="too late"))


async def test_direct_messages(poster: Poster, sandbox: Sandbox) -> None:
    """The last way to tell somebody; a person who does not take them is not told this way."""
    ada = sandbox.world.people[0]
    told = await asyncio.to_thread(poster.post_directly, int(ada.id), Post("<@1>", embed=EMBED), "direct")
    assert sandbox.world.messages[str(told)].embeds[0]["title"] == "Sorry"
    ada.dms_open = False
    with pytest.raises(NotAllowed, match="no_direct_messages"):
        await asyncio.to_thread(poster.post_directly, int(ada.id), Post("<@1>", embed=EMBED), "direct again")


# ── refusals that are none ──────────────────────────────────────────────────────────────────────────────────────────

PASSING = [
    *("cloudflare_block", "cloudflare_challenge", "cloudflare_bad_gateway", "cloudflare_timeout", "odd_4xx"),
    *("internal_network_error", "overloaded", "verification_needed", "unauthorized", "success_as_page"),
    *("success_cut_short", "unknown_webhook"),
]


@pytest.mark.parametrize("answer", PASSING)
async def test_what_is_on_no_list_is_tried_again(poster: Poster, sandbox: Sandbox, channel: int, answer: str) -> None:
    """A proxy's page, a code that nobody listed, an answer that is none: the post arrives afterwards, once."""
    sandbox.faults.add({"kind": "answer", "answer": answer, "by": "bot", "count": 3, "path": "/messages$"})
    assert await post(poster, channel) is not None
    assert len(messages(sandbox, channel)) == 1


async def test_any_4xx_is_waited_out(poster: Poster, sandbox: Sandbox, channel: int) -> None:
    """Odd answers for a while, to anything: nothing is lost and nothing is posted twice."""
    sandbox.faults.add(
        {"kind": "answer", "answer": "odd_4xx", "by": "bot", "for_s": 1.5, "path": "/channels/", "seed": 7}
    )
    for number in range(4):
        assert await post(poster, channel, replace(GRID, content=str(number)), str(number)) is not None
    assert [message.content for message in messages(sandbox, channel)] == ["0", "1", "2", "3"]


FINAL_ANSWERS = [
    *("locked_thread", "automod", "automod_title", "harmful_link", "explicit_content", "missing_access"),
    *("missing_permissions", "voice_only", "unknown_channel"),
]


@pytest.mark.parametrize("answer", FINAL_ANSWERS)
async def test_what_is_on_the_list_is_final(poster: Poster, sandbox: Sandbox, channel: int, answer: str) -> None:
    """Discord itself says that it stays so: there is one try, and a reason with words."""
    sandbox.faults.add({"kind": "answer", "answer": answer, "by": "bot", "for_s": 60, "path": "/messages$"})
    with pytest.raises(NotAllowed) as caught:
        await post(poster, channel)
    assert caught.value.code in FINAL
    assert caught.value.reason == FINAL[caught.value.code]
