"""The client tells Discord of its commands, and of nothing that is not its own."""

from __future__ import annotations

from typing import Any

import discord
import pytest
from simcord.env import Env

from bot.client import ENTRY_POINT, ENTRY_POINT_LEFT_OUT, EaselClient

LAUNCH = {"id": "7", "type": ENTRY_POINT, "name": "launch", "handler": 2}


async def test_a_command_that_launches_an_activity_stays(simcord_env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    """Discord refuses a list of commands without it, once the people who run the bot have switched activities on."""
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    upsert = bot.http.bulk_upsert_global_commands
    sent: list[list[str]] = []

    async def present(application_id: int) -> list[dict[str, Any]]:
        return [{"id": "6", "type": 1, "name": "old"}, LAUNCH]

    async def keep(application_id: int, payload: Any) -> Any:
        sent.append([command["name"] for command in payload])
        if LAUNCH not in payload:
            return await upsert(application_id, payload=payload)  # which is refused below
        return []

    simcord_env.inject_error("PUT", "/applications/*/commands", status=400, code=ENTRY_POINT_LEFT_OUT)
    monkeypatch.setattr(bot.http, "get_global_commands", present)
    monkeypatch.setattr(bot.http, "bulk_upsert_global_commands", keep)
    await bot.tree.sync()
    first, second = sent
    assert first[0] == "imagine"
    assert second == [*first, "launch"]


async def test_any_other_refusal_of_the_commands_is_an_error(simcord_env: Env) -> None:
    """What is wrong with them has to be mended."""
    bot = simcord_env.bot
    assert isinstance(bot, EaselClient)
    simcord_env.inject_error("PUT", "/applications/*/commands", status=400, code=50109)
    with pytest.raises(discord.HTTPException):
        await bot.tree.sync()
