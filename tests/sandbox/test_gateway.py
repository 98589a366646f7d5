"""The gateway's rules: hello, identify, resume, intents, shards, compression and close codes."""

import asyncio
import json
from typing import Any

import pytest

from sandbox.core import Sandbox
from tests.sandbox.raw import DEFAULT_INTENTS, RawBot, RawGateway
from tests.sandbox.rest import Rest
from tests.sandbox_user import SandboxUser


async def test_a_bot_is_greeted(sandbox: Sandbox) -> None:
    """HELLO, an ACK even before IDENTIFY, READY with an unavailable guild, GUILD_CREATE."""
    async with RawGateway(sandbox) as gateway:
        hello = await gateway.wait_op(10)
        assert hello["d"]["heartbeat_interval"] == 45_000
        await gateway.send(1, None)
        await gateway.wait_op(11)
        ready = await gateway.identify()
        assert ready["guilds"] == [{"id": sandbox.guild_id, "unavailable": True}]
        assert ready["application"]["id"] == ready["user"]["id"] == sandbox.application_id
        assert ready["resume_gateway_url"] == sandbox.gateway_url
        guild = await gateway.wait("GUILD_CREATE")
        assert [channel["name"] for channel in guild["channels"]] == ["newcomers", "general-art", "showcase"]
        assert (guild["member_count"], len(guild["members"])) == (3, 3)


@pytest.mark.parametrize("compress", ["zlib-stream", "zstd-stream"])
async def test_one_compressed_stream_runs_through_the_connection(sandbox: Sandbox, rest: Rest, compress: str) -> None:
    """Every frame is decodable as it arrives."""
    async with RawGateway(sandbox, compress) as gateway:
        await gateway.identify()
        for number in range(3):
            await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": f"number {number}"})
            await gateway.wait("MESSAGE_CREATE", lambda d, n=number: d["content"] == f"number {n}")  # type: ignore[misc]


async def send_identify(gateway: RawGateway, **changes: Any) -> None:
    """An IDENTIFY that may be wrong."""
    body = {"token": gateway.sandbox.bot_token, "intents": DEFAULT_INTENTS, "properties": {}}
    await gateway.send(2, body | changes)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"token": "MTEx.sandbox.wrong"}, 4004),
        ({"shard": [2, 2]}, 4010),
        ({"intents": 1 << 30}, 4013),
        ({"intents": "all"}, 4013),
        ({"intents": 1 << 15}, 4014),
        ({"intents": 1 << 1}, 4014),
        ({"intents": 1 << 8}, 4014),
        ({"properties": {"os": "x" * 4096}}, 4002),
    ],
)
async def test_an_identify_that_is_wrong_is_closed(sandbox: Sandbox, changes: dict[str, Any], code: int) -> None:
    """With the code that names what was wrong."""
    async with RawGateway(sandbox) as gateway:
        await send_identify(gateway, **changes)
        assert await gateway.wait_closed() == code


async def test_frames_out_of_order_are_closed(sandbox: Sandbox) -> None:
    """4002 no JSON, 4003 before IDENTIFY, 4005 twice, 4001 unknown opcode, 4012 another version."""
    async with RawGateway(sandbox) as gateway:
        await gateway.send_text("{nonsense")
        assert await gateway.wait_closed() == 4002
    async with RawGateway(sandbox) as gateway:
        await gateway.send(3, {})
        assert await gateway.wait_closed() == 4003
    async with RawGateway(sandbox) as gateway:
        await gateway.identify()
        await send_identify(gateway)
        assert await gateway.wait_closed() == 4005
    async with RawGateway(sandbox) as gateway:
        await gateway.identify()
        await gateway.send(99, None)
        assert await gateway.wait_closed() == 4001
    async with RawGateway(sandbox, query="v=5&encoding=json") as gateway:
        assert await gateway.wait_closed() == 4012


async def test_a_bot_that_sends_too_much_is_closed(sandbox: Sandbox) -> None:
    """4008 at the 121st frame within a minute."""
    async with RawBot(sandbox) as bot:
        for _ in range(119):
            await bot.send(3, {})
        await bot.send(1, None)
        assert await bot.wait_closed() == 4008


async def test_a_bot_that_does_not_beat_is_dropped(sandbox: Sandbox) -> None:
    """After one and a half intervals; one that beats stays."""
    sandbox.limits.change({"heartbeat_ms": 200})
    async with RawBot(sandbox) as silent, RawBot(sandbox) as alive:
        async with asyncio.timeout(10):
            while silent.closed is None:
                await alive.send(1, 1)
                await asyncio.sleep(0.05)
        assert (silent.closed, alive.closed) == (4009, None)


async def test_what_was_missed_is_replayed(sandbox: Sandbox, rest: Rest) -> None:
    """RESUME from a sequence number brings the events after it, then RESUMED, in order."""
    async with RawGateway(sandbox) as first:
        ready = await first.identify()
        await first.wait("GUILD_CREATE")
        await first.hang_up(4000)
    for number in range(2):
        await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": str(number)})
    async with RawGateway(sandbox) as second:
        await second.send(6, {"token": sandbox.bot_token, "session_id": ready["session_id"], "seq": 2})
        await second.wait("RESUMED")
        assert second.events() == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
        assert [frame["s"] for frame in second.frames if frame["op"] == 0] == [3, 4, 5]


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_session_closed_normally_cannot_be_resumed(sandbox: Sandbox, code: int) -> None:
    """Opcode 9 with false; the connection may identify again."""
    async with RawGateway(sandbox) as first:
        ready = await first.identify()
        await first.hang_up(code)
    async with RawGateway(sandbox) as second:
        await second.send(6, {"token": sandbox.bot_token, "session_id": ready["session_id"], "seq": 1})
        assert (await second.wait_op(9))["d"] is False
        await second.identify()


async def test_a_sequence_of_the_future_is_closed(sandbox: Sandbox) -> None:
    """4007; and 4004 for a wrong token."""
    async with RawGateway(sandbox) as first:
        ready = await first.identify()
        await first.hang_up(4000)
    body = {"token": sandbox.bot_token, "session_id": ready["session_id"], "seq": 99}
    async with RawGateway(sandbox) as second:
        await second.send(6, body)
        assert await second.wait_closed() == 4007
    async with RawGateway(sandbox) as third:
        await third.send(6, body | {"token": "wrong"})
        assert await third.wait_closed() == 4004


@pytest.mark.parametrize(("resumable", "outcome"), [(True, "RESUMED"), (False, 9)])
async def test_an_invalidated_session(sandbox: Sandbox, resumable: bool, outcome: str | int) -> None:
    """Opcode 9 says whether resuming is worth trying, and it is then true."""
    async with RawGateway(sandbox) as first:
        ready = await first.identify()
        sandbox.gateway.disturb("invalid_session", resumable=resumable)
        assert (await first.wait_op(9))["d"] is resumable
        await first.hang_up(4000)
    async with RawGateway(sandbox) as second:
        await second.send(6, {"token": sandbox.bot_token, "session_id": ready["session_id"], "seq": 1})
        if resumable:
            await second.wait("RESUMED")
        else:
            assert (await second.wait_op(9))["d"] is False


async def test_events_follow_the_intents(sandbox: Sandbox, rest: Rest, ada: SandboxUser) -> None:
    """Without the message intents there are none; other people's words need one more."""
    sandbox.limits.change({"privileged_intents": 1 << 15})
    async with RawGateway(sandbox) as deaf, RawGateway(sandbox) as blind, RawGateway(sandbox) as reader:
        await deaf.identify(intents=1 | 1 << 10)
        await blind.identify(intents=1 | 1 << 9)
        await reader.identify(intents=1 | 1 << 9 | 1 << 15)
        await ada.react(await ada.say("secret"), "🦊")
        await ada.say(f"<@{sandbox.application_id}> hello")
        await rest("POST", f"/channels/{sandbox.channel_id}/messages", {"content": "own"})
        contents: list[list[str]] = []
        for gateway in (blind, reader):
            await gateway.wait("MESSAGE_CREATE", lambda d: d["content"] == "own")
            contents.append([f["d"]["content"] for f in gateway.frames if f.get("t") == "MESSAGE_CREATE"])
        mention = f"<@{sandbox.application_id}> hello"
        assert contents == [["", mention, "own"], ["secret", mention, "own"]]
        await deaf.wait("MESSAGE_REACTION_ADD", lambda d: d["user_id"] == ada.user["id"])
        assert "MESSAGE_CREATE" not in deaf.events()
        assert "MESSAGE_REACTION_ADD" not in reader.events()


async def test_a_guild_lives_on_one_shard(sandbox: Sandbox, ada: SandboxUser) -> None:
    """Events and interactions of the guild go to its shard, direct messages to shard 0."""
    home = (int(sandbox.guild_id) >> 22) % 2
    async with RawGateway(sandbox) as zero, RawGateway(sandbox) as one:
        assert (await zero.identify(shard=[0, 2]))["shard"] == [0, 2]
        await one.identify(shard=[1, 2])
        mine, other = (one, zero) if home else (zero, one)
        await mine.wait("GUILD_CREATE")
        await ada.say("in the guild")
        await mine.wait("MESSAGE_CREATE")
        async with await ada.direct(sandbox.application_id) as private:
            await private.say("in private")
            await zero.wait("MESSAGE_CREATE", lambda d: "guild_id" not in d)
        assert "GUILD_CREATE" not in other.events()
        assert all("guild_id" not in f["d"] for f in other.frames if f.get("t") == "MESSAGE_CREATE")


async def test_members_are_sent_in_chunks(sandbox: Sandbox) -> None:
    """Opcode 8, answered with the nonce."""
    async with RawBot(sandbox) as bot:
        await bot.send(8, {"guild_id": sandbox.guild_id, "query": "", "limit": 0, "nonce": "7"})
        chunk = await bot.wait("GUILD_MEMBERS_CHUNK")
        assert (len(chunk["members"]), chunk["nonce"], chunk["chunk_count"]) == (3, "7", 1)
        await bot.send(8, {"guild_id": sandbox.guild_id, "user_ids": [sandbox.application_id], "nonce": "8"})
        chunk = await bot.wait("GUILD_MEMBERS_CHUNK", lambda d: d["nonce"] == "8")
        assert [member["user"]["username"] for member in chunk["members"]] == ["Easel"]


async def test_peoples_clients_are_not_held_to_the_rules_of_bots(sandbox: Sandbox) -> None:
    """IDENTIFY before HELLO is read, without intents; odd heartbeats; long and unknown frames."""
    async with RawGateway(sandbox, query="encoding=json&v=9") as gateway:
        properties = {"os": "x" * 5000}
        await gateway.send(2, {"token": sandbox.user_token, "capabilities": 8189, "properties": properties})
        ready = await gateway.wait("READY")
        assert (ready["user"]["username"], ready["user"]["global_name"]) == ("ada", "Ada")
        assert ready["guilds"][0]["channels"][0]["id"] == sandbox.channel_id
        for _ in range(130):
            await gateway.send(14, {"anything": True})
        await gateway.send(1, 12345)
        await gateway.wait_op(11)
        assert gateway.closed is None


async def test_rest_tells_where_the_gateway_is(sandbox: Sandbox, rest: Rest) -> None:
    """With the recommended number of shards."""
    sandbox.limits.change({"shards": 3})
    body = (await rest("GET", "/gateway/bot")).body
    assert (body["url"], body["shards"]) == (sandbox.gateway_url, 3)
    assert (await rest.by("")("GET", "/gateway")).body == {"url": sandbox.gateway_url}


async def test_events_are_recorded_as_sent(sandbox: Sandbox, ada: SandboxUser) -> None:
    """One line for each receiver that differs, with the bot's view stripped by its intents."""
    async with RawBot(sandbox) as bot:
        await ada.say("secret")
        await bot.wait("MESSAGE_CREATE")
        lines = [json.loads(line) for line in sandbox.record.lines()]
        seen = {line["user"]: line["d"]["content"] for line in lines if line.get("t") == "MESSAGE_CREATE"}
        assert seen == {None: "", ada.user["id"]: "secret"}
