"""Messages, their files, mentions, replies and reactions."""

from typing import Any

import pytest

from sandbox.core import Sandbox
from sandbox.images import square
from tests.sandbox.rest import Rest
from tests.sandbox_user import Refused, SandboxUser


async def post(rest: Rest, sandbox: Sandbox, files: dict[str, bytes] | None = None, /, **body: Any) -> dict[str, Any]:
    """Send a message into the first channel."""
    answer = await rest("POST", f"/channels/{sandbox.channel_id}/messages", body, files=files)
    assert answer.status == 200, answer.body
    message: dict[str, Any] = answer.body
    return message


def path_of(message: dict[str, Any], rest: str = "") -> str:
    """A message's route."""
    return f"/channels/{message['channel_id']}/messages/{message['id']}{rest}"


async def test_things_that_are_not_there(rest: Rest, sandbox: Sandbox) -> None:
    """404 10003 for a channel, 404 10008 for a message."""
    assert (await rest("GET", "/channels/1")).verdict == (404, 10003)
    assert (await rest("POST", "/channels/1/messages", {"content": "x"})).verdict == (404, 10003)
    for method in ("GET", "PATCH", "DELETE"):
        body = {"content": "x"} if method == "PATCH" else None
        answer = await rest(method, f"/channels/{sandbox.channel_id}/messages/1", body)
        assert answer.verdict == (404, 10008)


async def test_nobody_edits_the_message_of_another(rest: Rest, ada: SandboxUser) -> None:
    """403 50005 for the bot, and for people alike."""
    said = await ada.say("mine")
    assert (await rest("PATCH", path_of(said), {"content": "yours"})).verdict == (403, 50005)
    answer = await rest("POST", f"/channels/{ada.channel_id}/messages", {"content": "the bot's"})
    with pytest.raises(Refused, match="50005"):
        await ada.request("PATCH", path_of(answer.body), {"content": "x"})


async def test_the_bot_deletes_other_peoples_messages_only_with_the_right_to(
    rest: Rest, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """403 50013 without MANAGE_MESSAGES; its author may always."""
    said = await ada.say("mine")
    assert (await rest("DELETE", path_of(said))).verdict == (403, 50013)
    await ada.request("DELETE", path_of(said))
    assert await ada.history() == []


async def test_history_is_paged_newest_first(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """limit, before, after and around."""
    ids = [(await ada.say(str(number)))["id"] for number in range(6)]
    base = f"/channels/{sandbox.channel_id}/messages"

    async def contents(query: str) -> list[str]:
        return [message["id"] for message in (await rest("GET", f"{base}?{query}")).body]

    assert await contents("limit=2") == [ids[5], ids[4]]
    assert await contents(f"limit=2&before={ids[3]}") == [ids[2], ids[1]]
    assert await contents(f"limit=2&after={ids[1]}") == [ids[3], ids[2]]
    assert ids[2] in await contents(f"limit=3&around={ids[2]}")
    assert (await rest("GET", f"{base}?limit=101")).verdict == (400, 50035)


async def test_bulk_deletion_takes_two_to_a_hundred_young_messages(
    rest: Rest, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """400 50034 for messages of two weeks and more."""
    sandbox.world.channels[sandbox.channel_id].bot_permissions |= 1 << 13
    ids = [(await ada.say(str(number)))["id"] for number in range(3)]
    path = f"/channels/{sandbox.channel_id}/messages/bulk-delete"
    assert (await rest("POST", path, {"messages": ids[:1]})).verdict == (400, 50035)
    assert (await rest("POST", path, {"messages": ids[:2]})).status == 204
    assert (await ada.wait_event("MESSAGE_DELETE_BULK"))["ids"] == ids[:2]
    assert [message["id"] for message in await ada.history()] == ids[2:]
    sandbox.clock.advance(15 * 86400)
    assert (await rest("POST", path, {"messages": [ids[2], ids[1]]})).verdict == (400, 50034)


async def test_a_nonce_is_enforced_for_some_minutes(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """The same message comes back, and no event; later, or without enforcement, it is a new one."""
    first = await post(rest, sandbox, content="a", nonce="job-1", enforce_nonce=True)
    again = await post(rest, sandbox, content="b", nonce="job-1", enforce_nonce=True)
    assert (again["id"], again["content"], again["nonce"]) == (first["id"], "a", "job-1")
    loose = await post(rest, sandbox, content="c", nonce="job-1")
    assert loose["id"] != first["id"]
    sandbox.clock.advance(301)
    later = await post(rest, sandbox, content="d", nonce="job-1", enforce_nonce=True)
    assert later["content"] == "d"
    await ada.wait_message(lambda m: m["content"] == "d")
    created = [payload["content"] for name, payload in ada.events if name == "MESSAGE_CREATE"]
    assert created == ["a", "c", "d"]


async def test_only_the_author_learns_a_nonce(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """Others' events and the history have none."""
    sent = await post(rest, sandbox, content="a", nonce="job-1")
    assert sent["nonce"] == "job-1"
    assert "nonce" not in await ada.wait_message()
    assert "nonce" not in (await rest("GET", path_of(sent))).body


async def test_pictures_know_their_size_and_names_are_cleaned(rest: Rest, sandbox: Sandbox) -> None:
    """Type and size come from the bytes, the alternative text stays."""
    body = {"attachments": [{"id": 0, "description": "a red square"}]}
    answer = await post(rest, sandbox, {"a fox?ex=1.png": square(200, 0, 0, side=32)}, **body)
    (file,) = answer["attachments"]
    assert file["filename"] == "a_fox"
    assert (file["width"], file["height"], file["content_type"]) == (32, 32, "image/png")
    assert (file["description"], file["size"]) == ("a red square", len(square(200, 0, 0, side=32)))


async def test_an_edit_keeps_the_files_it_lists_and_adds_new_ones(rest: Rest, sandbox: Sandbox) -> None:
    """Without ``attachments`` everything stays; with it, only what is listed."""
    png = square(1, 1, 1, side=4)
    message = await post(rest, sandbox, {"a.png": png, "b.png": png})
    first, second = message["attachments"]
    kept = (await rest("PATCH", path_of(message), {"content": "x"})).body
    assert [one["id"] for one in kept["attachments"]] == [first["id"], second["id"]]
    body = {"attachments": [{"id": second["id"]}, {"id": 0, "filename": "c.png"}]}
    changed = (await rest("PATCH", path_of(message), body, files={"c.png": png})).body
    assert [one["filename"] for one in changed["attachments"]] == ["b.png", "c.png"]
    assert changed["edited_timestamp"] is not None


async def test_mentions_follow_allowed_mentions(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """Parsed by default; with a list, only those; with nothing, nobody."""
    user_id = ada.user["id"]
    content = f"<@{user_id}> <@123> @everyone"
    default = await post(rest, sandbox, content=content)
    assert ([user["id"] for user in default["mentions"]], default["mention_everyone"]) == ([user_id], True)
    listed = await post(rest, sandbox, content=content, allowed_mentions={"users": [user_id]})
    assert ([user["id"] for user in listed["mentions"]], listed["mention_everyone"]) == ([user_id], False)
    silent = await post(rest, sandbox, content=content, allowed_mentions={"parse": []})
    assert (silent["mentions"], silent["mention_everyone"]) == ([], False)


async def test_a_reply_shows_what_it_answers(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """Type 19, the reference and the message; null once that is deleted."""
    said = await ada.say("question")
    reply = await post(rest, sandbox, content="answer", message_reference={"message_id": said["id"]})
    assert (reply["type"], reply["referenced_message"]["content"]) == (19, "question")
    assert [user["id"] for user in reply["mentions"]] == [ada.user["id"]]
    await ada.request("DELETE", path_of(said))
    assert (await rest("GET", path_of(reply))).body["referenced_message"] is None


async def test_reactions_come_and_go(rest: Rest, sandbox: Sandbox, ada: SandboxUser) -> None:
    """Counted, told to everyone, listed; 404 10014 for a word."""
    message = await post(rest, sandbox, content="x")
    await ada.react(message, "✉️")
    assert (await rest("PUT", path_of(message, "/reactions/%E2%9C%89%EF%B8%8F/@me"))).status == 204
    (reaction,) = (await rest("GET", path_of(message))).body["reactions"]
    assert (reaction["emoji"]["name"], reaction["count"], reaction["me"]) == ("✉️", 2, True)
    users = (await rest("GET", path_of(message, "/reactions/%E2%9C%89%EF%B8%8F"))).body
    assert [user["username"] for user in users] == ["ada", "Easel"]
    await ada.unreact(message, "✉️")
    removed = await ada.wait_event("MESSAGE_REACTION_REMOVE")
    assert (removed["user_id"], removed["emoji"]) == (ada.user["id"], {"id": None, "name": "✉️"})
    assert (await rest("PUT", path_of(message, "/reactions/fox/@me"))).verdict == (404, 10014)


async def test_a_user_sends_files_through_slots(ada: SandboxUser) -> None:
    """POST attachments, PUT, then a message that names the slot."""
    slot = await ada.upload(square(9, 9, 9, side=16), "square.png")
    said = await ada.say("", attachments=[slot])
    assert (said["attachments"][0]["filename"], said["attachments"][0]["width"]) == ("square.png", 16)
    with pytest.raises(Refused, match="50035"):
        await ada.say("again", attachments=[slot])


async def test_direct_messages_are_between_two(
    rest: Rest, sandbox: Sandbox, ada: SandboxUser, ben: SandboxUser
) -> None:
    """The channel is made once; others neither see nor reach it; people may refuse them (403 50007)."""
    opened = (await rest("POST", "/users/@me/channels", {"recipient_id": ada.user["id"]})).body
    assert (opened["type"], opened["recipients"][0]["id"]) == (1, ada.user["id"])
    again = (await rest("POST", "/users/@me/channels", {"recipient_id": ada.user["id"]})).body
    assert again["id"] == opened["id"]
    await rest("POST", f"/channels/{opened['id']}/messages", {"content": "psst"})
    await ada.wait_event("MESSAGE_CREATE", lambda m: m["content"] == "psst" and "guild_id" not in m)
    with pytest.raises(Refused, match="50001"):
        await ben.request("GET", f"/channels/{opened['id']}/messages")
    assert not [name for name, _ in ben.events if name == "MESSAGE_CREATE"]
    sandbox.world.users[ada.user["id"]].dms_open = False
    answer = await rest("POST", f"/channels/{opened['id']}/messages", {"content": "psst"})
    assert answer.verdict == (403, 50007)


async def test_embeds_come_back_as_discord_shows_them(rest: Rest, sandbox: Sandbox) -> None:
    """Type rich, nulls left out, fields say whether they are inline."""
    embed = {
        "title": "t",
        "url": None,
        "footer": {"text": "f", "icon_url": None},
        "fields": [{"name": "n", "value": "v"}],
    }
    message = await post(rest, sandbox, embeds=[embed])
    field = {"name": "n", "value": "v", "inline": False}
    assert message["embeds"] == [{"type": "rich", "title": "t", "footer": {"text": "f"}, "fields": [field]}]
