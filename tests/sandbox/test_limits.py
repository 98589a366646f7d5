"""Rates, tokens and permissions: who may do what, and how often."""

import asyncio

import pytest

from sandbox.core import Sandbox
from sandbox.limits import Buckets, Limits
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import Rest
from tests.sandbox_user import Refused, SandboxUser


def test_a_bucket_is_a_window_that_the_first_request_opens() -> None:
    """Five in five seconds; the sixth waits for the rest of the window; the next window is fresh."""
    buckets = Buckets(Limits())
    verdicts = [buckets.take("create", "c", 100.0 + i, counts_globally=False) for i in range(5)]
    assert all(verdict.allowed for verdict in verdicts)
    assert [verdict.headers["X-RateLimit-Remaining"] for verdict in verdicts] == ["4", "3", "2", "1", "0"]
    assert verdicts[4].headers["X-RateLimit-Reset-After"] == "1.000"
    refused = buckets.take("create", "c", 104.5, counts_globally=False)
    assert (refused.allowed, refused.retry_after) == (False, 0.5)
    assert buckets.take("create", "other", 104.5, counts_globally=False).allowed
    assert buckets.take("edit", "c", 104.5, counts_globally=False).allowed
    assert buckets.take("create", "c", 105.0, counts_globally=False).allowed


def test_all_requests_of_a_bot_count_together() -> None:
    """50 a second, whatever they are; what an interaction's token does is not counted."""
    limits = Limits()
    limits.change({"rates": {"other": [1000, 1]}})
    buckets = Buckets(limits)
    for i in range(50):
        assert buckets.take("other", str(i), 10.0, counts_globally=True).allowed
    refused = buckets.take("other", "x", 10.5, counts_globally=True)
    assert (refused.everywhere, refused.headers["X-RateLimit-Global"]) == (True, "true")
    assert buckets.take("webhook", "x", 10.5, counts_globally=False).allowed


def test_an_unknown_limit_is_named() -> None:
    """And the known ones are listed."""
    with pytest.raises(ValueError, match=r"'speed' is no limit; there are enabled, rates"):
        Limits().change({"speed": 1})


@pytest.mark.parametrize(
    ("rule", "count", "window_s"), [("create", 5, 5.0), ("edit", 5, 5.0), ("delete", 5, 1.0), ("webhook", 5, 2.0)]
)
def test_the_defaults_are_those_commonly_reported(rule: str, count: int, window_s: float) -> None:
    """Discord documents none."""
    assert Limits().rates[rule] == (count, window_s)


async def test_the_sixth_message_is_refused(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """429 with everything a client reads; edits count apart; another channel too; people are not limited."""
    path = f"/channels/{sandbox.channel_id}/messages"
    for number in range(5):
        answer = await rest("POST", path, {"content": str(number)})
        assert answer.headers["X-RateLimit-Remaining"] == str(4 - number)
    refused = await rest("POST", path, {"content": "one too many"})
    assert refused.status == 429
    assert set(refused.body) == {"message", "retry_after", "global"}
    assert (refused.body["global"], 0 < refused.body["retry_after"] <= 5) == (False, True)
    assert (refused.headers["Via"], refused.headers["X-RateLimit-Scope"]) == ("1.1 google", "user")
    assert int(refused.headers["Retry-After"]) >= refused.body["retry_after"]
    assert (await rest("PATCH", f"{path}/{answer.body['id']}", {"content": "x"})).status == 200
    other = sandbox.world.guild_channels[1].id
    assert (await rest("POST", f"/channels/{other}/messages", {"content": "x"})).status == 200
    for number in range(7):
        await ada.say(str(number))


async def test_edits_of_a_channel_share_a_bucket(sandbox: Sandbox, rest: Rest) -> None:
    """Progress of several jobs in one channel meets this."""
    sandbox.limits.change({"rates": {"edit": [2, 0.2]}})
    path = f"/channels/{sandbox.channel_id}/messages"
    ids = [(await rest("POST", path, {"content": "x"})).body["id"] for _ in range(3)]
    statuses = [(await rest("PATCH", f"{path}/{one}", {"content": "y"})).status for one in ids]
    assert statuses == [200, 200, 429]
    await asyncio.sleep(0.25)
    assert (await rest("PATCH", f"{path}/{ids[2]}", {"content": "y"})).status == 200


async def test_each_interaction_token_has_its_own_bucket(sandbox: Sandbox, ada: SandboxUser) -> None:
    """Five in two seconds."""
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        for nth in (1, 2):
            await ada.slash("go")
            interaction = await bot.interaction(nth)
            await bot.answer(interaction, 4, {"content": "x"})
            answers = [await bot.by_token(interaction, "POST", "", {"content": "x"}) for _ in range(6)]
            assert [answer.status for answer in answers] == [200] * 5 + [429]


async def test_limits_can_be_switched_off(sandbox: Sandbox, rest: Rest) -> None:
    """Then nothing is refused, and no header speaks of limits."""
    sandbox.limits.change({"enabled": False})
    for _ in range(8):
        answer = await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": "x"})
        assert (answer.status, "X-RateLimit-Limit" in answer.headers) == (200, False)


async def test_a_token_opens_only_its_own_doors(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """401 with code 0: no token, a wrong one, a bot's on a person's route, and the reverse."""
    unauthorized = {"message": "401: Unauthorized", "code": 0}
    index = f"/guilds/{sandbox.guild_id}/application-command-index"
    commands = f"/applications/{sandbox.application_id}/commands"
    for authorization, path in (
        ("", "/users/@me"),
        ("Bot wrong", "/users/@me"),
        (sandbox.bot_token, "/users/@me"),
        (f"Bot {sandbox.user_token}", "/users/@me"),
        (f"Bot {sandbox.bot_token}", index),
        (sandbox.user_token, commands),
        (sandbox.user_token, "/gateway/bot"),
    ):
        answer = await rest.by(authorization)("GET", path)
        assert (answer.status, answer.body) == (401, unauthorized), path
    answer = await rest("POST", "/interactions", {"type": 2})
    assert (answer.status, answer.body) == (401, unauthorized)
    assert (await rest("GET", "/users/@me")).body["bot"] is True


async def test_json_is_announced_as_discord_does(rest: Rest) -> None:
    """discord.py compares the whole header."""
    assert (await rest("GET", "/users/@me")).headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("denied", "body", "files", "verdict"),
    [
        ("view_channel", {"content": "x"}, None, (403, 50001)),
        ("send_messages", {"content": "x"}, None, (403, 50013)),
        ("attach_files", {"content": "x"}, {"a.png": b"x"}, (403, 50013)),
        ("embed_links", {"embeds": [{"title": "t"}]}, None, (403, 50013)),
        ("read_message_history", {"content": "x", "message_reference": {"message_id": "?"}}, None, (400, 160002)),
    ],
)
async def test_the_bot_meets_its_permissions(
    sandbox: Sandbox,
    rest: Rest,
    ada: SandboxUser,
    denied: str,
    body: dict[str, object],
    files: dict[str, bytes] | None,
    verdict: tuple[int, int],
) -> None:
    """One right less in a channel, changed while running."""
    if "message_reference" in body:
        body = body | {"message_reference": {"message_id": (await ada.say("x"))["id"]}}
    url = f"{sandbox.base_url}/_sandbox/permissions"
    async with rest.session.post(url, json={"channel_id": sandbox.channel_id, "deny": [denied]}) as answer:
        assert (await answer.json())[sandbox.channel_id]["missing"] == [denied]
    path = f"/channels/{sandbox.channel_id}/messages"
    assert (await rest("POST", path, body, files=files)).verdict == verdict
    other = sandbox.world.guild_channels[1].id
    body.pop("message_reference", None)
    assert (await rest("POST", f"/channels/{other}/messages", body, files=files)).status == 200


async def test_interactions_work_where_the_bot_may_not_write(sandbox: Sandbox, ada: SandboxUser) -> None:
    """The interaction says so in ``app_permissions``; its own answer needs no right; the channel shows an overwrite."""
    channel = sandbox.world.channels[sandbox.channel_id]
    channel.bot_permissions = 1 << 10
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        nonce = await ada.slash("go")
        interaction = await bot.interaction()
        assert interaction["app_permissions"] == str(1 << 10)
        (overwrite,) = interaction["channel"]["permission_overwrites"]
        assert (overwrite["id"], int(overwrite["deny"]) & 1 << 11) == (sandbox.application_id, 1 << 11)
        await bot.answer(interaction, 4, {"content": "I may not write here.", "flags": 64})
        await ada.wait_answer(nonce)
        refused = await bot.rest("POST", f"/channels/{channel.id}/messages", {"content": "x"})
        assert refused.verdict == (403, 50013)


async def test_history_without_the_right_to_read_it_is_empty(sandbox: Sandbox, rest: Rest) -> None:
    """No error."""
    sandbox.world.channels[sandbox.channel_id].bot_permissions &= ~(1 << 16)
    await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": "x"})
    assert (await rest("GET", f"/channels/{sandbox.channel_id}/messages")).body == []


async def test_a_hidden_channel_sends_the_bot_no_events(sandbox: Sandbox, ada: SandboxUser) -> None:
    """Only word of the change itself, and interactions."""
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        body = {"channel_id": sandbox.channel_id, "deny": ["view_channel"]}
        async with bot.rest.session.post(f"{sandbox.base_url}/_sandbox/permissions", json=body):
            await bot.wait("CHANNEL_UPDATE")
        await ada.say("unseen")
        await ada.slash("go")
        await bot.interaction()
        assert "MESSAGE_CREATE" not in bot.events()


async def test_a_person_manages_only_what_a_member_may(ada: SandboxUser, ben: SandboxUser) -> None:
    """The owner deletes anybody's message; another member does not."""
    hers, his = await ada.say("hers"), await ben.say("his")
    with pytest.raises(Refused, match="50013"):
        await ben.request("DELETE", f"/channels/{ben.channel_id}/messages/{hers['id']}")
    await ada.request("DELETE", f"/channels/{ada.channel_id}/messages/{his['id']}")


async def test_a_person_may_do_more_in_one_channel(sandbox: Sandbox, rest: Rest, ben: SandboxUser) -> None:
    """The channel's overwrite reaches the person's interactions there, and what they may do; nowhere else."""
    other = sandbox.world.guild_channels[1].id
    body = {"channel_id": sandbox.channel_id, "user_id": ben.user["id"], "allow": ["manage_messages"]}
    async with rest.session.post(f"{rest.base_url}/_sandbox/permissions", json=body):
        pass
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        for nth, (channel_id, may) in enumerate([(sandbox.channel_id, True), (other, False)], start=1):
            ben.channel_id = channel_id
            await ben.slash("go")
            interaction = await bot.interaction(nth)
            held = [int(interaction["member"]["permissions"]), int(interaction["channel"]["permissions"])]
            assert [bool(bits & 1 << 13) for bits in held] == [may, may]
            message = (await rest("POST", f"/channels/{channel_id}/messages", {"content": "x"})).body
            answer = await rest.by(sandbox.second_user_token)(
                "DELETE", f"/channels/{channel_id}/messages/{message['id']}"
            )
            assert answer.status == (204 if may else 403)
    (overwrite,) = (await rest("GET", f"/channels/{sandbox.channel_id}")).body["permission_overwrites"]
    assert (overwrite["id"], overwrite["allow"], overwrite["deny"]) == (ben.user["id"], str(1 << 13), "0")
