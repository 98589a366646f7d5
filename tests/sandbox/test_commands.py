"""Registering application commands."""

from typing import Any

import pytest

from sandbox.core import Sandbox
from tests.sandbox.raw import RawBot
from tests.sandbox.rest import Rest
from tests.sandbox_user import SandboxUser

OPTION = {"type": 3, "name": "o", "description": "d"}


def command(name: str = "imagine", **more: Any) -> dict[str, Any]:
    """A slash command."""
    return {"name": name, "description": "d"} | more


@pytest.fixture
def base(sandbox: Sandbox) -> str:
    """The route of the global commands."""
    return f"/applications/{sandbox.application_id}/commands"


async def test_commands_are_kept_as_discord_shows_them(rest: Rest, base: str, sandbox: Sandbox) -> None:
    """Ids and versions are made here; a guild's command names its guild, a global one does not."""
    created = await rest("POST", base, command())
    assert created.status == 201
    assert created.body["type"] == 1
    assert created.body["application_id"] == sandbox.application_id
    assert "guild_id" not in created.body
    guild_base = f"/applications/{sandbox.application_id}/guilds/{sandbox.guild_id}/commands"
    local = (await rest("POST", guild_base, command("local"))).body
    assert local["guild_id"] == sandbox.guild_id
    assert [one["name"] for one in (await rest("GET", base)).body] == ["imagine"]
    assert [one["name"] for one in (await rest("GET", guild_base)).body] == ["local"]


async def test_a_command_changes_its_version_only_when_it_changes(rest: Rest, base: str) -> None:
    """Overwriting with the same keeps both; POST of a known name answers 200; PATCH changes one field."""
    (first,) = (await rest("PUT", base, [command()])).body
    (same,) = (await rest("PUT", base, [command()])).body
    assert (same["id"], same["version"]) == (first["id"], first["version"])
    changed = await rest("POST", base, command(description="other"))
    assert (changed.status, changed.body["id"], changed.body["version"] != first["version"]) == (200, first["id"], True)
    edited = (await rest("PATCH", f"{base}/{first['id']}", {"nsfw": True})).body
    assert (edited["description"], edited["nsfw"]) == ("other", True)
    assert (await rest("GET", f"{base}/{first['id']}")).body == edited
    assert (await rest("DELETE", f"{base}/{first['id']}")).status == 204
    assert (await rest("GET", f"{base}/{first['id']}")).verdict == (404, 10063)


async def test_other_applications_are_out_of_reach(rest: Rest, sandbox: Sandbox) -> None:
    """403 20012; a foreign guild: 403 50001."""
    assert (await rest("GET", "/applications/1/commands")).verdict == (403, 20012)
    path = f"/applications/{sandbox.application_id}/guilds/1/commands"
    assert (await rest("GET", path)).verdict == (403, 50001)


async def test_the_index_keeps_the_order_of_registration(
    rest: Rest, base: str, sandbox: Sandbox, ada: SandboxUser
) -> None:
    """By guild or channel; in direct messages only what is allowed there."""
    names = ["imagine", "blend", "describe"]
    await rest("PUT", base, [command(name, dm_permission=name != "blend") for name in names])
    for place in (f"guilds/{sandbox.guild_id}", f"guilds/{sandbox.channel_id}", f"channels/{sandbox.channel_id}"):
        index = await ada.request("GET", f"/{place}/application-command-index")
        assert [one["name"] for one in index["application_commands"]] == names
        assert index["applications"][0]["id"] == sandbox.application_id
    index = await ada.request("GET", "/users/@me/application-command-index")
    assert [one["name"] for one in index["application_commands"]] == ["imagine", "describe"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (command("Imagine"), "name"),
        (command("two words"), "name"),
        (command("x" * 33), "name"),
        (command(description=""), "description"),
        (command(description="x" * 101), "description"),
        (command(type=7), "type"),
        ({"name": "Menu", "type": 3, "description": "d"}, "description"),
        (command(options=[OPTION] * 26), "options"),
        (command(options=[OPTION, OPTION]), "options.1.name"),
        (command(options=[OPTION | {"type": 12}]), "options.0.type"),
        (command(options=[OPTION, OPTION | {"name": "p", "required": True}]), "options.1"),
        (command(options=[OPTION | {"choices": [{"name": "x", "value": "x"}] * 26}]), "options.0.choices"),
        (command(options=[OPTION | {"choices": [{"name": "", "value": "x"}]}]), "options.0.choices.0.name"),
        (command(options=[{"type": 1, "name": "s", "description": ""}]), "options.0.description"),
        (
            command(options=[OPTION | {"name": f"o{i}", "description": "x" * 100, "choices": [
                {"name": "n" * 100, "value": f"{j}" * 100} for j in range(5)
            ]} for i in range(8)]),
            "name",
        ),
    ],
)  # fmt: skip
async def test_a_command_out_of_form_is_refused(rest: Rest, base: str, body: dict[str, Any], path: str) -> None:
    """400 50035, alone and in a list (where the path begins with its place)."""
    alone = await rest("POST", base, body)
    assert alone.verdict == (400, 50035)
    assert alone.complaints(path), alone.body
    listed = await rest("PUT", base, [command("fine"), body])
    assert listed.verdict == (400, 50035)
    assert listed.complaints(f"1.{path}"), listed.body
    assert (await rest("GET", base)).body == []


async def test_names_are_unique_in_a_scope(rest: Rest, base: str) -> None:
    """400 50035 at the second one."""
    answer = await rest("PUT", base, [command(), command()])
    assert answer.complaints("1.name") == ["APPLICATION_COMMANDS_DUPLICATE_NAME"]


async def test_a_context_menu_command_names_its_target(sandbox: Sandbox, ada: SandboxUser) -> None:
    """The message comes resolved."""
    said = await ada.say("look")
    async with RawBot(sandbox) as bot:
        path = f"/applications/{sandbox.application_id}/commands"
        await bot.rest("PUT", path, [{"name": "Send to me", "type": 3}])
        await ada.menu("Send to me", said)
        data = (await bot.interaction())["data"]
        assert (data["target_id"], data["resolved"]["messages"][said["id"]]["content"]) == (said["id"], "look")


async def test_a_bulk_update_may_not_leave_out_the_entry_point(rest: Rest, base: str) -> None:
    """Once an operator has enabled Activities: 400 50240 and nothing is changed; kept, or deleted alone, it is fine."""
    async with rest.session.post(f"{rest.base_url}/_sandbox/activities", json={}) as answer:
        entry_point = await answer.json()
    assert (await rest("GET", base)).body == [entry_point]
    refused = await rest("PUT", base, [command()])
    assert refused.verdict == (400, 50240)
    assert (await rest("GET", base)).body == [entry_point]
    kept, _ = (await rest("PUT", base, [entry_point, command()])).body
    assert kept == entry_point
    assert (await rest("DELETE", f"{base}/{entry_point['id']}")).status == 204
    assert (await rest("PUT", base, [command()])).status == 200
