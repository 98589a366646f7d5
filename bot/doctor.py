"""What is wrong with the bot at Discord: its token, where its interactions go, and what it may do in its servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import aiohttp
import discord
import structlog

from bot.permissions import missing_permissions
from contract.endpoints import Endpoints
from exchange.doctor.findings import Finding, broken, risky

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ABOUT = "Discord"
DISCORD = "https://discord.com/api/v10"
WITHIN_S = 10.0
NAMED = 5
"""How many servers of a kind are named."""

NEEDED = discord.Permissions(
    view_channel=True, send_messages=True, embed_links=True, attach_files=True, read_message_history=True
)


async def discord_findings(token: str, endpoints: Endpoints | None = None) -> list[Finding]:
    """What Discord says of this bot. A Discord that does not answer is one risky finding: it is waited for."""
    base = DISCORD if endpoints is None else endpoints.rest_base
    headers = {
        "Authorization": f"Bot {token}",
        "User-Agent": f"DiscordBot (https://github.com/Rapptz/discord.py, {discord.__version__})",
    }
    timeout = aiohttp.ClientTimeout(total=WITHIN_S)
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
            answers = []
            for path in ("/users/@me", "/applications/@me", "/users/@me/guilds"):
                async with session.get(base + path) as answer:
                    if answer.status == 401:
                        return [broken(ABOUT, f"Discord does not know DISCORD_TOKEN{_what_it_is(token)}.")]
                    if answer.status == 404 and endpoints is not None:
                        return [risky(ABOUT, _nothing_at(base + path))]
                    if answer.status != 200:
                        return [risky(ABOUT, f"Discord answers {path} with {answer.status}; it is asked again later.")]
                    answers.append(await answer.json())
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        words = str(error) or type(error).__name__
        return [risky(ABOUT, f"Discord cannot be reached ({words}): check DNS, firewall and proxy of this host.")]
    me, application, guilds = answers
    if not (isinstance(me, dict) and isinstance(application, dict) and isinstance(guilds, list)):
        return [
            risky(ABOUT, f"What answers at {base} is not Discord: is a proxy or a page to sign in at before it?"),
        ]
    return [*_of_application(me, application), *_of_guilds(application, guilds)]


def _what_it_is(token: str) -> str:
    """What stands beside the token on the application's pages, and where that is."""
    shapes = {
        r"\d{15,20}": "it looks like an application's id",
        r"[0-9a-f]{64}": "it looks like an application's public key",
        r"[\w-]{32}": "it looks like an application's client secret",
        r"https?://.*": "it is an address",
    }
    found = next((words for shape, words in shapes.items() if re.fullmatch(shape, token)), "")
    return f" ({found}): take the token from the Bot page" if found else ": copy it again from the Bot page"


def _of_application(me: dict[str, Any], application: dict[str, Any]) -> Iterator[Finding]:
    if not me.get("bot", False):
        yield broken(ABOUT, "DISCORD_TOKEN is a person's, not a bot's: take the one from the Bot page.")
    if address := application.get("interactions_endpoint_url"):
        yield broken(
            ABOUT,
            f"The application sends its commands to {address} and not to the bot: empty “Interactions Endpoint URL” on "
            "its General Information page.",
        )
    if application.get("bot_require_code_grant"):
        yield risky(
            ABOUT, "The bot cannot be invited by a link: turn “Requires OAuth2 Code Grant” off on its Bot page."
        )


def _of_guilds(application: dict[str, Any], guilds: list[dict[str, Any]]) -> Iterator[Finding]:
    if not guilds:
        yield risky(ABOUT, f"The bot is in no server: invite it with {invitation(str(application.get('id', '')))}.")
    lacking: dict[str, list[str]] = {}
    for guild in guilds:
        granted = discord.Permissions(int(guild.get("permissions", 0)))
        if granted.administrator or guild.get("owner"):
            continue
        missing = ", ".join(missing_permissions(granted, in_thread=False))
        if missing:
            lacking.setdefault(missing, []).append(str(guild.get("name")))
    for missing, names in sorted(lacking.items()):
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield risky(
            ABOUT,
            f"The bot's role lacks {missing.replace('_', ' ')} in {', '.join(names[:NAMED])}{more}: pictures cannot be "
            "posted there; give it back in the server's roles.",
        )


def invitation(application_id: str) -> str:
    """The link that puts the bot into a server with the rights that it needs."""
    return (
        f"https://discord.com/oauth2/authorize?client_id={application_id}&scope=bot+applications.commands"
        f"&permissions={NEEDED.value}"
    )


def _nothing_at(address: str) -> str:
    return (
        f"Nothing of Discord's is at {address}: DISCORD_API_BASE is scheme, host and port alone, without /api or a "
        "version."
    )
