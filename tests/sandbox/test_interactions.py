"""Interactions seen from both sides, with every refusal that Discord has for them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.core import Sandbox
from sandbox.images import square
from tests.sandbox.raw import RawBot
from tests.sandbox.test_refusals import button, row, select
from tests.sandbox_user import Refused, SandboxUser

IMAGINE = {
    "name": "imagine",
    "options": [
        {"type": 3, "name": "prompt", "description": "words", "required": True, "min_length": 2, "max_length": 50},
        {"type": 4, "name": "count", "description": "how many", "min_value": 1, "max_value": 4},
        {"type": 3, "name": "style", "description": "s", "choices": [{"name": "Raw", "value": "raw"}]},
        {"type": 5, "name": "fast", "description": "f"},
        {"type": 6, "name": "friend", "description": "u"},
        {"type": 7, "name": "place", "description": "c"},
        {"type": 11, "name": "image", "description": "i"},
    ],
}


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[RawBot]:
    """A bot with /imagine."""
    async with RawBot(sandbox) as client:
        await client.register(IMAGINE)
        yield client


async def begun(bot: RawBot, ada: SandboxUser, nth: int = 1) -> tuple[dict[str, Any], str]:
    """An interaction that waits for its answer, and its nonce."""
    nonce = await ada.slash("imagine", prompt="a fox")
    return await bot.interaction(nth), nonce


async def test_an_interaction_arrives_with_everything_a_bot_reads(
    bot: RawBot, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """Options, resolved things, member, channel, permissions and limits."""
    image = square(1, 2, 3, side=24)
    await ada.slash("imagine", prompt="a fox", count=2, fast=True, friend=ada.user["id"], image=image)
    interaction = await bot.interaction()
    assert (interaction["type"], interaction["context"], interaction["version"]) == (2, 0, 1)
    assert (interaction["guild_id"], interaction["guild"]["id"]) == (sandbox.guild_id, sandbox.guild_id)
    assert interaction["channel"]["name"] == "newcomers"
    assert interaction["member"]["user"]["id"] == ada.user["id"]
    assert interaction["attachment_size_limit"] == 10 << 20
    assert int(interaction["app_permissions"]) & 1 << 11
    data = interaction["data"]
    values = {option["name"]: option["value"] for option in data["options"]}
    assert (values["prompt"], values["count"], values["fast"]) == ("a fox", 2, True)
    assert data["resolved"]["users"][ada.user["id"]]["username"] == "ada"
    assert data["resolved"]["attachments"][values["image"]]["width"] == 24


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({}, "data.options.prompt"),
        ({"prompt": "x"}, "data.options.0.value"),
        ({"prompt": "x" * 51}, "data.options.0.value"),
        ({"prompt": "fox", "count": 0}, "data.options.1.value"),
        ({"prompt": "fox", "count": 5}, "data.options.1.value"),
        ({"prompt": "fox", "count": 1.5}, "data.options.1.value"),
        ({"prompt": "fox", "style": "other"}, "data.options.1.value"),
        ({"prompt": "fox", "fast": "yes"}, "data.options.1.value"),
        ({"prompt": "fox", "friend": "1"}, "data.options.1.value"),
        ({"prompt": "fox", "image": "0"}, "data.options.1.value"),
        ({"prompt": "fox", "size": "large"}, "data.options.1.name"),
    ],
)
async def test_input_that_does_not_fit_the_command_never_reaches_the_bot(
    bot: RawBot, ada: SandboxUser, options: dict[str, Any], path: str
) -> None:
    """400 50035 to the user."""
    with pytest.raises(Refused) as refused:
        await ada.slash("imagine", **options)
    assert (refused.value.status, refused.value.body["code"]) == (400, 50035)
    node = refused.value.body["errors"]
    for key in path.split("."):
        node = node[key]
    assert node["_errors"]
    await begun(bot, ada)
    assert bot.events().count("INTERACTION_CREATE") == 1


async def test_only_the_registered_version_of_a_command_can_be_used(
    bot: RawBot, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """Unknown, renamed or outdated: 400 50035; another application: 404 10002."""
    (command,) = await ada.commands()
    place = {"type": 2, "guild_id": sandbox.guild_id, "channel_id": sandbox.channel_id, "nonce": "1"}
    data = {"id": command["id"], "name": "imagine", "version": command["version"], "type": 1, "options": []}
    for change in ({"id": "1"}, {"name": "blend"}, {"version": "1"}):
        body = place | {"application_id": sandbox.application_id, "data": data | change}
        with pytest.raises(Refused, match="50035"):
            await ada.request("POST", "/interactions", body)
    with pytest.raises(Refused, match="10002"):
        await ada.request("POST", "/interactions", place | {"application_id": "1", "data": data})
    await bot.register(IMAGINE | {"description": "changed"})
    (changed,) = await ada.commands()
    assert (changed["id"], changed["version"] != command["version"]) == (command["id"], True)


async def test_a_press_must_be_on_a_living_button_of_that_message(bot: RawBot, ada: SandboxUser) -> None:
    """Another custom id, a disabled button, a foreign message: refused, and the bot hears nothing."""
    parts = [row(button("on"), button("off", disabled=True)), row(select(3, max_values=2))]
    message = (
        await bot.rest("POST", f"/channels/{ada.channel_id}/messages", {"content": "x", "components": parts})
    ).body
    with pytest.raises(Refused, match="50035"):
        await ada.press(message, "off")
    forged = message | {"components": [row(button("forged"))]}
    with pytest.raises(Refused, match="50035"):
        await ada.press(forged, "forged")
    with pytest.raises(Refused, match="10008"):
        await ada.press(message | {"id": "1"}, "on")
    for values in ([], ["0", "1", "2"], ["7"]):
        with pytest.raises(Refused, match="50035"):
            await ada.press(message, "s", values=values)
    await ada.press(message, "s", values=["0", "2"])
    interaction = await bot.interaction()
    assert interaction["data"]["values"] == ["0", "2"]
    assert interaction["message"]["id"] == message["id"]
    assert bot.events().count("INTERACTION_CREATE") == 1


@pytest.mark.parametrize(
    ("kind", "family", "key"),
    [(5, "users", "user"), (6, "roles", "guild"), (7, "users", "user"), (8, "channels", "channel")],
)
async def test_selects_of_things_resolve_what_was_chosen(
    bot: RawBot, sandbox: Sandbox, ada: SandboxUser, kind: int, family: str, key: str
) -> None:
    """Users, roles, mentionables, channels; what does not exist is refused."""
    chosen = {"user": ada.user["id"], "guild": sandbox.guild_id, "channel": sandbox.channel_id}[key]
    body = {"content": "x", "components": [row({"type": kind, "custom_id": "s"})]}
    message = (await bot.rest("POST", f"/channels/{ada.channel_id}/messages", body)).body
    with pytest.raises(Refused, match="50035"):
        await ada.press(message, "s", values=["1"])
    await ada.press(message, "s", values=[chosen])
    data = (await bot.interaction())["data"]
    assert data["resolved"][family][chosen]["id"] == chosen


async def test_a_foreign_guild_is_refused(bot: RawBot, ada: SandboxUser) -> None:
    """404 10004."""
    ada.guild_id = "1"
    message = (
        await bot.rest("POST", f"/channels/{ada.channel_id}/messages", {"content": "x", "components": [row(button())]})
    ).body
    with pytest.raises(Refused, match="10004"):
        await ada.press(message, "a")


async def test_the_user_hears_create_then_answer_then_success(bot: RawBot, ada: SandboxUser) -> None:
    """The nonce comes with each; the callback response names the message."""
    interaction, nonce = await begun(bot, ada)
    answer = await bot.answer(interaction, 4, {"content": "hello"})
    assert answer.status == 200
    message = answer.body["resource"]["message"]
    assert answer.body["interaction"]["response_message_id"] == message["id"]
    assert answer.body["resource"]["type"] == 4
    await ada.wait_event("INTERACTION_SUCCESS")
    names = [name for name, payload in ada.events if payload.get("nonce") == nonce]
    assert names == ["INTERACTION_CREATE", "MESSAGE_CREATE", "INTERACTION_SUCCESS"]
    assert "nonce" not in await bot.wait("MESSAGE_CREATE")


async def test_an_interaction_is_answered_once(bot: RawBot, ada: SandboxUser) -> None:
    """400 40060 the second time; 204 where no response is asked for; 404 10062 for an unknown one."""
    interaction, _ = await begun(bot, ada)
    path = f"/interactions/{interaction['id']}/{interaction['token']}/callback"
    assert (await bot.anonymous("POST", path, {"type": 5})).status == 204
    assert (await bot.answer(interaction, 4, {"content": "x"})).verdict == (400, 40060)
    assert (await bot.anonymous("POST", "/interactions/1/nothing/callback", {"type": 5})).verdict == (404, 10062)


async def test_a_refused_answer_may_be_repeated(bot: RawBot, ada: SandboxUser) -> None:
    """A body out of form (50035, paths under data), an empty one (50006): then the right one."""
    interaction, _ = await begun(bot, ada)
    refused = await bot.answer(interaction, 4, {"content": "x" * 2001})
    assert refused.verdict == (400, 50035)
    assert refused.complaints("data.content")
    assert (await bot.answer(interaction, 4, {})).verdict == (400, 50006)
    for kind in (6, 7, 8, 12):
        assert (await bot.answer(interaction, kind, {"content": "x"})).verdict == (400, 50035)
    assert (await bot.answer(interaction, 4, {"content": "x"})).status == 200


async def test_without_an_answer_in_three_seconds_the_interaction_has_failed(
    bot: RawBot, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """INTERACTION_FAILURE with a reason to the user, 404 10062 to the bot, 10015 for the webhook."""
    interaction, nonce = await begun(bot, ada)
    sandbox.clock.advance(3)
    failure = await ada.wait_event("INTERACTION_FAILURE")
    assert failure == {"id": interaction["id"], "nonce": nonce, "reason_code": 2}
    assert (await bot.answer(interaction, 4, {"content": "late"})).verdict == (404, 10062)
    assert (await bot.by_token(interaction, "POST", "", {"content": "late"})).verdict == (404, 10015)


async def test_a_token_lives_for_fifteen_minutes(bot: RawBot, sandbox: Sandbox, ada: SandboxUser) -> None:
    """401 50027 afterwards; 404 10015 for a token that never was, or before the first answer."""
    interaction, _ = await begun(bot, ada)
    assert (await bot.by_token(interaction, "GET", "/messages/@original")).verdict == (404, 10015)
    await bot.answer(interaction, 4, {"content": "x"})
    sandbox.clock.advance(899)
    assert (await bot.by_token(interaction, "PATCH", "/messages/@original", {"content": "y"})).status == 200
    sandbox.clock.advance(2)
    assert (await bot.by_token(interaction, "PATCH", "/messages/@original", {"content": "z"})).verdict == (401, 50027)
    unknown = interaction | {"token": "nothing"}
    assert (await bot.by_token(unknown, "POST", "", {"content": "x"})).verdict == (404, 10015)


async def test_the_first_answer_is_read_edited_and_deleted_by_its_token(bot: RawBot, ada: SandboxUser) -> None:
    """``@original``, also with an encoded ``@``; 404 10008 once it is gone."""
    interaction, nonce = await begun(bot, ada)
    await bot.answer(interaction, 4, {"content": "x"})
    message = await ada.wait_answer(nonce)
    edited = await bot.by_token(interaction, "PATCH", "/messages/%40original", {"content": "y"})
    assert (edited.body["id"], edited.body["content"]) == (message["id"], "y")
    assert (await bot.by_token(interaction, "GET", f"/messages/{message['id']}")).body["content"] == "y"
    other = (await bot.rest("POST", f"/channels/{ada.channel_id}/messages", {"content": "x"})).body
    assert (await bot.by_token(interaction, "PATCH", f"/messages/{other['id']}", {"content": "y"})).verdict == (
        404,
        10008,
    )
    assert (await bot.by_token(interaction, "DELETE", "/messages/@original")).status == 204
    await ada.wait_delete(message)
    assert (await bot.by_token(interaction, "GET", "/messages/@original")).verdict == (404, 10008)


async def test_an_answer_is_also_an_ordinary_message_of_the_bot(bot: RawBot, ada: SandboxUser) -> None:
    """It is edited and deleted by the channel's routes, long after the token died."""
    interaction, nonce = await begun(bot, ada)
    await bot.answer(interaction, 4, {"content": "x"})
    message = await ada.wait_answer(nonce)
    path = f"/channels/{ada.channel_id}/messages/{message['id']}"
    assert (await bot.rest("PATCH", path, {"content": "y"})).body["content"] == "y"
    assert (await bot.rest("DELETE", path)).status == 204


async def test_ephemeral_messages_are_out_of_the_channels_reach(
    bot: RawBot, ada: SandboxUser, ben: SandboxUser
) -> None:
    """404 10008 by channel route, no event for the bot or others, not in the history; the token reaches them."""
    interaction, nonce = await begun(bot, ada)
    await bot.answer(interaction, 4, {"content": "psst", "flags": 64, "components": [row(button("a"))]})
    message = await ada.wait_answer(nonce)
    assert message["flags"] & 64
    path = f"/channels/{ada.channel_id}/messages/{message['id']}"
    assert (await bot.rest("PATCH", path, {"content": "y"})).verdict == (404, 10008)
    assert (await bot.rest("DELETE", path)).verdict == (404, 10008)
    assert await ada.history() == []
    with pytest.raises(Refused, match="10008"):
        await ben.press(message, "a")
    await ada.press(message, "a")
    press = await bot.interaction(2)
    assert (await bot.answer(press, 7, {"content": "quiet"})).body["resource"]["message"]["content"] == "quiet"
    assert (await ada.wait_update(message))["content"] == "quiet"
    assert "MESSAGE_CREATE" not in bot.events()
    assert (await bot.by_token(interaction, "DELETE", "/messages/@original")).status == 204
    await ada.wait_delete(message)


async def test_a_press_may_be_answered_without_a_word(bot: RawBot, ada: SandboxUser) -> None:
    """Type 6 shows nothing; ``@original`` is then the pressed message."""
    body = {"content": "x", "components": [row(button("a"))]}
    message = (await bot.rest("POST", f"/channels/{ada.channel_id}/messages", body)).body
    await ada.press(message, "a")
    press = await bot.interaction()
    answer = await bot.answer(press, 6)
    assert (answer.status, "resource" in answer.body) == (200, False)
    await ada.wait_event("INTERACTION_SUCCESS")
    assert [name for name, _ in ada.events].count("MESSAGE_CREATE") == 1
    edited = await bot.by_token(press, "PATCH", "/messages/@original", {"content": "y"})
    assert (edited.body["id"], edited.body["content"]) == (message["id"], "y")
    further = (await bot.by_token(press, "POST", "", {"content": "more"})).body
    assert further["message_reference"]["message_id"] == message["id"]


def text(custom_id: str = "t", **more: Any) -> dict[str, Any]:
    """A row with a text input."""
    return {"type": 1, "components": [{"type": 4, "custom_id": custom_id, "style": 1, "label": "l"} | more]}


@pytest.mark.parametrize(
    ("modal", "path"),
    [
        ({"title": "x" * 46}, "data.title"),
        ({"title": ""}, "data.title"),
        ({"custom_id": "x" * 101}, "data.custom_id"),
        ({"components": []}, "data.components"),
        ({"components": [text(str(i)) for i in range(6)]}, "data.components"),
        ({"components": [text(), text()]}, "data.components.1.components.0.custom_id"),
        ({"components": [text(label="x" * 46)]}, "data.components.0.components.0.label"),
        ({"components": [text(placeholder="x" * 101)]}, "data.components.0.components.0.placeholder"),
        ({"components": [text(max_length=4001)]}, "data.components.0.components.0.max_length"),
        ({"components": [row(button())]}, "data.components.0.components.0.type"),
        ({"components": [{"type": 10, "content": ""}]}, "data.components.0.content"),
    ],
)
async def test_a_modal_out_of_form_is_refused(bot: RawBot, ada: SandboxUser, modal: dict[str, Any], path: str) -> None:
    """400 50035; the user sees none."""
    interaction, _ = await begun(bot, ada)
    answer = await bot.answer(interaction, 9, {"title": "t", "custom_id": "m", "components": [text()]} | modal)
    assert answer.verdict == (400, 50035)
    assert answer.complaints(path), answer.body


async def test_a_modal_takes_only_what_its_fields_allow(bot: RawBot, ada: SandboxUser) -> None:
    """Too short, missing, or for another modal: 400 50035 to the user; then the right input."""
    interaction, nonce = await begun(bot, ada)
    fields = [text("words", min_length=3, max_length=9), text("maybe", required=False)]
    await bot.answer(interaction, 9, {"title": "t", "custom_id": "m", "components": fields})
    modal = await ada.wait_modal(nonce)
    for words in ("", "ab", "x" * 10):
        with pytest.raises(Refused, match="50035"):
            await ada.submit_modal(modal, words=words)
    with pytest.raises(Refused, match="50035"):
        await ada.submit_modal(modal | {"custom_id": "other"}, words="fox")
    with pytest.raises(Refused, match="50035"):
        await ada.submit_modal(modal | {"id": "1"}, words="fox")
    await ada.submit_modal(modal, words="fox")
    submitted = await bot.interaction(2)
    assert submitted["data"]["components"][0]["components"][0]["value"] == "fox"
    assert (await bot.answer(submitted, 9, {"title": "t", "custom_id": "m", "components": fields})).verdict == (
        400,
        50035,
    )
    message = (await bot.answer(submitted, 4, {"content": "x"})).body["resource"]["message"]
    metadata = message["interaction_metadata"]
    assert (metadata["type"], metadata["triggering_interaction_metadata"]["name"]) == (5, "imagine")


async def test_a_modal_of_the_new_style_has_labels_selects_and_files(bot: RawBot, ada: SandboxUser) -> None:
    """Type 18 around every field; uploaded files are resolved."""
    interaction, nonce = await begun(bot, ada)
    options = [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}]
    fields: list[dict[str, Any]] = [
        {"type": 10, "content": "read this"},
        {"type": 18, "label": "Size", "component": {"type": 3, "custom_id": "size", "options": options}},
        {"type": 18, "label": "Mode", "component": {"type": 21, "custom_id": "mode", "options": options}},
        {"type": 18, "label": "Sure", "component": {"type": 23, "custom_id": "sure"}},
        {"type": 18, "label": "File", "component": {"type": 19, "custom_id": "file"}},
    ]
    assert (await bot.answer(interaction, 9, {"title": "t", "custom_id": "m", "components": fields})).status == 200
    modal = await ada.wait_modal(nonce)
    slot = await ada.upload(square(1, 1, 1, side=12), "in.png")
    given = [
        {"type": 18, "component": {"type": 3, "custom_id": "size", "values": ["b"]}},
        {"type": 18, "component": {"type": 21, "custom_id": "mode", "value": "a"}},
        {"type": 18, "component": {"type": 23, "custom_id": "sure", "value": True}},
        {"type": 18, "component": {"type": 19, "custom_id": "file", "values": ["0"]}},
    ]
    await ada.send_modal(modal, given, [slot])
    data = (await bot.interaction(2))["data"]
    assert [part["type"] for part in data["components"]] == [10, 18, 18, 18, 18]
    size, mode, sure, file = (part["component"] for part in data["components"][1:])
    assert (size["values"], mode["value"], sure["value"]) == (["b"], "a", True)
    assert data["resolved"]["attachments"][file["values"][0]]["width"] == 12


async def test_people_chosen_in_a_modal_are_resolved(bot: RawBot, ada: SandboxUser, sandbox: Sandbox) -> None:
    """And somebody who does not exist is refused."""
    interaction, nonce = await begun(bot, ada)
    select = {"type": 18, "label": "Who", "component": {"type": 5, "custom_id": "who"}}
    assert (await bot.answer(interaction, 9, {"title": "t", "custom_id": "m", "components": [select]})).status == 200
    modal = await ada.wait_modal(nonce)

    def chosen(user_id: str) -> list[dict[str, Any]]:
        return [{"type": 18, "component": {"type": 5, "custom_id": "who", "values": [user_id]}}]

    with pytest.raises(Refused, match="Nothing here has the id '1'"):
        await ada.send_modal(modal, chosen("1"))
    await ada.send_modal(modal, chosen(ada.user["id"]))
    data = (await bot.interaction(2))["data"]
    assert data["resolved"]["users"][ada.user["id"]]["username"] == "ada"
    assert data["resolved"]["members"][ada.user["id"]]["roles"] == []


async def test_choices_are_held_to_their_limits(bot: RawBot, sandbox: Sandbox, ada: SandboxUser) -> None:
    """25 choices, names of 100 characters; an autocomplete interaction takes no message."""
    await bot.register(
        {"name": "style", "options": [{"type": 3, "name": "n", "description": "d", "autocomplete": True}]}
    )
    (command,) = await ada.commands()
    option = {"type": 3, "name": "n", "value": "cu", "focused": True}
    data = {key: command[key] for key in ("id", "name", "version", "type")} | {"options": [option]}
    place = {"application_id": sandbox.application_id, "guild_id": ada.guild_id, "channel_id": ada.channel_id}
    await ada.request("POST", "/interactions", place | {"type": 4, "nonce": "9", "data": data})
    interaction = await bot.interaction()
    assert interaction["data"]["options"] == [option]
    assert (await bot.answer(interaction, 4, {"content": "x"})).verdict == (400, 50035)
    assert (await bot.answer(interaction, 8, {"choices": [{"name": "x", "value": "x"}] * 26})).verdict == (400, 50035)
    assert (await bot.answer(interaction, 8, {"choices": [{"name": "x" * 101, "value": "x"}]})).verdict == (400, 50035)
    assert (await bot.answer(interaction, 8, {"choices": [{"name": "cubism", "value": "cubism"}]})).status == 200
    offered = await ada.wait_event("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE")
    assert (offered["nonce"], offered["choices"][0]["value"]) == ("9", "cubism")


async def test_a_command_for_managers_is_not_for_everyone(bot: RawBot, ada: SandboxUser, ben: SandboxUser) -> None:
    """``default_member_permissions`` lets the owner through and refuses others with 403 50013."""
    await bot.register(IMAGINE | {"default_member_permissions": str(1 << 13)})
    await ada.slash("imagine", prompt="a fox")
    with pytest.raises(Refused, match="50013"):
        await ben.slash("imagine", prompt="a fox")
