"""Drives every operation of `mutiny-sdk` that has a button or command here, and prints what it understood.

Its hosts, and the ids of Midjourney's application and commands, are fixed in its code: those are set, nothing else.
"""

import asyncio
import json
import os
import urllib.request
from typing import Any

import mutiny.discord.gateway_client as gateway
import mutiny.discord.payload_builder as payloads
from mutiny import Config, Mutiny
from mutiny.discord import constants

PATIENCE_S = 120
PRESSES, FORM_WITHIN_S = 3, 40
"""It sends a form even when Discord has said that the press failed, because the bot's answer took more than 3 s: on a
machine that stood still. A person presses again. And it takes any change of an older message for a result of a custom
zoom, so only the channel says whether there is one."""


class Token:
    """What it asks for the user's token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self) -> str:
        """The token itself."""
        return self._token


def learn_ids(settings: dict[str, str]) -> None:
    """The application's and the commands', as a client of Discord's own reads them."""
    payloads.APPLICATION_ID = settings["BotId"]
    address = f"{settings['DiscordBaseUrl']}/api/v9/guilds/{settings['ServerId']}/application-command-index"
    request = urllib.request.Request(address, headers={"Authorization": settings["SalaiToken"]})
    with urllib.request.urlopen(request) as answer:
        commands = {one["name"]: one for one in json.load(answer)["application_commands"]}
    for known in (constants.IMAGINE, constants.DESCRIBE, constants.BLEND):
        known.update({key: commands[known["name"]][key] for key in ("id", "version")})


async def stands(settings: dict[str, str], *words: str) -> bool:
    """Whether a message with a picture and all of these words comes to the channel soon."""
    address = f"{settings['DiscordBaseUrl']}/api/v9/channels/{settings['ChannelId']}/messages?limit=20"
    request = urllib.request.Request(address, headers={"Authorization": settings["SalaiToken"]})
    for _ in range(FORM_WITHIN_S):
        with await asyncio.to_thread(urllib.request.urlopen, request) as answer:
            messages = json.load(answer)
        if any(one["attachments"] and all(word in one["content"] for word in words) for one in messages):
            return True
        await asyncio.sleep(1)
    return False


async def main() -> None:
    settings = json.loads(os.environ["CLIENT"])
    gateway.GATEWAY_BASE = settings["WsBaseUrl"].partition("/?")[0]
    learn_ids(settings)
    config = Config.create(
        token_provider=Token(settings["SalaiToken"]),
        guild_id=settings["ServerId"],
        channel_id=settings["ChannelId"],
        api_endpoint=f"{settings['DiscordBaseUrl']}/api/v9",
    )
    client = Mutiny(config)
    await client.start()
    await client.wait_ready(60)

    async def ended(name: str, handle: Any) -> str:
        job = await client.wait_for_job(handle.id, timeout_s=PATIENCE_S)
        value = {
            "status": str(job.status),
            "kind": job.kind,
            "fail_reason": job.fail_reason,
            "output": repr(job.output),
        }
        print(json.dumps({"name": name, "value": value}), flush=True)
        return str(job.id)

    grid = await ended("imagine", await client.imagine("a green tree"))
    single = await ended("upscale", await client.upscale(grid, index=2))
    await ended("vary", await client.vary(grid, index=1))
    # It presses U3 by itself where a button stands under a single picture only.
    for mode in ("subtle", "creative"):
        await ended(f"upscale {mode}", await client.upscale(grid, index=3, mode=mode))
    await ended("vary subtle", await client.vary(grid, index=3, mode="subtle"))
    await ended("vary strong", await client.vary(single, index=1, mode="strong"))
    await ended("pan", await client.pan(grid, index=3, direction="left"))
    await ended("zoom", await client.zoom(grid, index=3, factor=2.0))
    for _ in range(PRESSES):
        handle = await client.zoom(grid, index=3, factor=1.3, prompt="a green tree in the snow")
        if await stands(settings, "**a green tree in the snow", "Zoom Out by"):
            break
    else:
        raise SystemExit("no custom zoom came to the channel")
    await ended("custom zoom", handle)
    await client.close()


asyncio.run(main())
