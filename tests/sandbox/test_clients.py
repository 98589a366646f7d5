"""What other people's libraries cannot do without: py-cord, interactions.py, eris, discord.py-self and their kind.

Each fact was found by logging in with the library itself, unchanged; they clash with each other and with discord.py, so
they are no part of the test environment.
"""

import aiohttp
import pytest

from sandbox.core import Sandbox
from tests.sandbox.raw import RawBot, RawGateway
from tests.sandbox.rest import AGENT, Rest
from tests.sandbox_user import SandboxUser

DISCORDS_OWN_CLIENT = 16381  # the capabilities that Discord's web client names


async def test_an_answer_may_be_an_ordinary_form(sandbox: Sandbox, ada: SandboxUser) -> None:
    """py-cord sends an answer without files url-encoded, as one field named ``payload_json``."""
    async with RawBot(sandbox) as bot, aiohttp.ClientSession() as session:
        await bot.register({"name": "go"})
        nonce = await ada.slash("go")
        interaction = await bot.interaction()
        url = f"{sandbox.base_url}/api/v10/interactions/{interaction['id']}/{interaction['token']}/callback"
        body = aiohttp.FormData({"payload_json": '{"type": 4, "data": {"content": "50 % & more = ü"}}'})
        async with session.post(url, data=body, headers={"User-Agent": AGENT}) as answer:
            assert answer.status == 204
        assert (await ada.wait_answer(nonce))["content"] == "50 % & more = ü"


async def test_sounds_are_an_empty_list(sandbox: Sandbox, rest: Rest) -> None:
    """py-cord asks for them before it is ready."""
    assert (await rest("GET", "/soundboard-default-sounds")).body == []
    assert (await rest("GET", f"/guilds/{sandbox.guild_id}/soundboard-sounds")).body == {"items": []}
    assert (await rest("GET", "/guilds/1/soundboard-sounds")).verdict == (403, 50001)


async def test_the_application_has_a_summary(rest: Rest) -> None:
    """Empty since years; interactions.py does not start without."""
    assert (await rest("GET", "/oauth2/applications/@me")).body["summary"] == ""


async def test_counts_come_with_guilds_for_those_who_ask(sandbox: Sandbox, rest: Rest) -> None:
    """For one guild and for the list; ``true`` and ``1`` ask, other words do not."""
    guild = f"/guilds/{sandbox.guild_id}"
    for yes in ("true", "1", "True"):
        assert (await rest("GET", f"{guild}?with_counts={yes}")).body["approximate_member_count"] == 3
        (listed,) = (await rest("GET", f"/users/@me/guilds?with_counts={yes}")).body
        assert (listed["approximate_member_count"], listed["approximate_presence_count"]) == (3, 3)
    for no in ("?with_counts=false", ""):
        assert "approximate_member_count" not in (await rest("GET", f"{guild}{no}")).body
        assert "approximate_member_count" not in (await rest("GET", f"/users/@me/guilds{no}")).body[0]


async def test_a_bot_is_told_of_no_private_channels(sandbox: Sandbox, ada: SandboxUser) -> None:
    """The list is there and empty, even where there are some: eris walks through it."""
    async with await ada.direct(sandbox.application_id), RawGateway(sandbox) as gateway:
        ready = await gateway.identify()
    assert (ready["private_channels"], ready["relationships"]) == ([], [])


@pytest.mark.parametrize(
    ("capabilities", "read_state", "settings"),
    [(0, list, list), (1 << 2, dict, list), (1 << 3, list, dict), (DISCORDS_OWN_CLIENT, dict, dict)],
)
async def test_people_get_lists_or_versioned_objects(
    sandbox: Sandbox, capabilities: int, read_state: type, settings: type
) -> None:
    """As their client's capabilities ask for."""
    async with RawGateway(sandbox, query="encoding=json&v=9") as gateway:
        await gateway.send(2, {"token": sandbox.user_token, "capabilities": capabilities})
        ready = await gateway.wait("READY")
    assert (type(ready["read_state"]), type(ready["user_guild_settings"])) == (read_state, settings)


async def test_a_prioritized_ready_has_a_supplement(sandbox: Sandbox) -> None:
    """One's own membership in READY, the others' in READY_SUPPLEMENTAL, by guild; discord.py-self waits."""
    async with RawGateway(sandbox, query="encoding=json&v=9") as gateway:
        await gateway.send(2, {"token": sandbox.user_token, "capabilities": DISCORDS_OWN_CLIENT})
        ready = await gateway.wait("READY")
        supplement = await gateway.wait("READY_SUPPLEMENTAL")
    assert [guild["members"] for guild in ready["guilds"]] == [[]]
    assert [member["user_id"] for member in ready["merged_members"][0]] == [ready["user"]["id"]]
    assert {member["user_id"] for member in supplement["merged_members"][0]} == {user["id"] for user in ready["users"]}
    assert [guild["id"] for guild in supplement["guilds"]] == [sandbox.guild_id]
    assert len(supplement["merged_presences"]["guilds"]) == 1
    async with RawGateway(sandbox, query="encoding=json&v=9") as plain:
        await plain.send(2, {"token": sandbox.user_token, "capabilities": 0})
        assert len((await plain.wait("READY"))["guilds"][0]["members"]) == 3
        await plain.send(1, None)
        await plain.wait_op(11)
        assert plain.events() == ["READY"]


async def test_people_may_ask_for_members(sandbox: Sandbox) -> None:
    """In chunks, and as the list at a channel's side, in its older and its newer form."""
    ranges = {"channels": {sandbox.channel_id: [[0, 99]]}}
    async with RawGateway(sandbox, query="encoding=json&v=9") as gateway:
        await gateway.send(2, {"token": sandbox.user_token, "capabilities": DISCORDS_OWN_CLIENT})
        await gateway.wait("READY")
        await gateway.send(8, {"guild_id": [sandbox.guild_id], "query": "", "nonce": "1"})
        assert len((await gateway.wait("GUILD_MEMBERS_CHUNK"))["members"]) == 3
        await gateway.send(14, {"guild_id": sandbox.guild_id} | ranges)
        shown = await gateway.wait("GUILD_MEMBER_LIST_UPDATE")
        assert (shown["member_count"], [op["op"] for op in shown["ops"]]) == (3, ["SYNC"])
        await gateway.send(37, {"subscriptions": {sandbox.guild_id: ranges}})
        await gateway.send(37, {"subscriptions": {sandbox.guild_id: {}}})  # nothing to show
        await gateway.send(1, None)
        await gateway.wait_op(11)
        assert gateway.events().count("GUILD_MEMBER_LIST_UPDATE") == 2


async def test_a_modal_follows_the_success_of_its_interaction(sandbox: Sandbox, ada: SandboxUser) -> None:
    """Clients look the interaction up when the modal comes."""
    async with RawBot(sandbox) as bot:
        await bot.register({"name": "go"})
        nonce = await ada.slash("go")
        field = {"type": 4, "custom_id": "a", "style": 1, "label": "l"}
        modal = {"title": "t", "custom_id": "m", "components": [{"type": 1, "components": [field]}]}
        await bot.answer(await bot.interaction(), 9, modal)
        await ada.wait_modal(nonce)
    names = [name for name, _ in ada.events if name.startswith("INTERACTION_")]
    assert names == ["INTERACTION_CREATE", "INTERACTION_SUCCESS", "INTERACTION_MODAL_CREATE"]


@pytest.mark.parametrize("name", ["a b.png", "a#b?c%2F%.png", 'it\'s "ü".png', "日本.png", "../x.png"])
async def test_a_slot_may_be_filled_whatever_the_file_is_called(sandbox: Sandbox, ada: SandboxUser, name: str) -> None:
    """The link is safe as it stands; the message carries the file."""
    attachment = await ada.upload(b"data", name)
    message = await ada.say("", attachments=[attachment])
    assert await ada.fetch(message["attachments"][0]["url"]) == b"data"
