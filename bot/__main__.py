"""`python -m bot`: reads the settings, opens Redis and the image store, wires the client and runs it until SIGTERM."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import aiohttp
import discord
import structlog
import yarl

from bot.client import EaselClient
from bot.services import Services
from bot.settings import BotSettings, InvalidSettings, read_settings
from contract.endpoints import Endpoints, discord_endpoints
from contract.errors import UserError
from contract.sentences import describe
from exchange import progress
from exchange.accounts import Accounts
from exchange.catalogue import open_catalogue
from exchange.connection import RedisUnavailable, check_async, connect_async
from exchange.images import open_store
from exchange.logs import configure_logs
from exchange.preferences import Preferences
from exchange.queue import JobQueue

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GOODBYE_S = 5.0
"""How long closing the gateway may take."""

CANNOT_START = 2
"""Exit status when the settings, Redis or the token do not allow a start: starting again would not help."""


def main() -> int:
    """Run the bot. 0 after SIGTERM or SIGINT; 2 with one sentence on standard error when it cannot start."""
    try:
        settings = read_settings()
        endpoints = discord_endpoints(
            settings.discord_api_base,
            settings.discord_gateway_url,
            allow_remote=settings.discord_allow_remote_api,
        )
        configure_logs(settings.log_format, settings.log_level)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nothing here speaks
        if endpoints is not None:
            use_endpoints(endpoints)
        asyncio.run(run(settings))
    except UserError as error:
        print(describe(error)[1], file=sys.stderr)
        return CANNOT_START
    except (InvalidSettings, RedisUnavailable) as error:
        print(error, file=sys.stderr)
        return CANNOT_START
    except discord.LoginFailure:
        print("Discord does not accept DISCORD_TOKEN: copy the token again from the Bot page.", file=sys.stderr)
        return CANNOT_START
    except (aiohttp.ClientError, discord.GatewayNotFound) as error:
        print(f"Discord cannot be reached: {error}", file=sys.stderr)
        return 1
    return 0


def use_endpoints(endpoints: Endpoints) -> None:
    """Point discord.py at a stand-in for Discord. Loud, because the bot's token goes there."""
    discord.http.Route.BASE = endpoints.rest_base
    discord.asset.Asset.BASE = endpoints.api_base
    if endpoints.gateway_url:
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(endpoints.gateway_url)
    log.warning("NOT THE REAL DISCORD: the bot's token goes to a stand-in", api_base=endpoints.api_base)


async def run(settings: BotSettings) -> None:
    """Wire everything and serve until a signal asks to stop. RedisUnavailable, LoginFailure."""
    if settings.redis_url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    redis = connect_async(settings.redis_url.get_secret_value())
    try:
        await check_async(redis)
        services = Services(
            settings=settings,
            queue=JobQueue(redis, settings.limits),
            images=await asyncio.to_thread(open_store, settings.image_store),
            preferences=Preferences(redis),
            accounts=Accounts(redis),
            catalogue=open_catalogue(settings.catalogue),
        )
        client = EaselClient(services, shard_ids=settings.shard_ids, shard_count=settings.shard_count)
        subscribed = asyncio.Event()
        await serve(client, settings.discord_token.get_secret_value(), progress.listen(redis, subscribed), subscribed)
    finally:
        await redis.aclose()


async def serve(
    client: EaselClient, token: str, events: AsyncIterator[progress.Progress], subscribed: asyncio.Event
) -> None:
    """Run the client and what goes with it until SIGTERM or SIGINT. Whatever fails first ends all, and is raised."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(client.start(token)),
        asyncio.create_task(client.follow(events)),
        asyncio.create_task(client.waiting.keep_noting()),
    ]
    ready = asyncio.create_task(_say_ready(client, subscribed))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Jobs do not depend on this process, so it owes nobody a long goodbye.
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await client.close()
        for task in (ready, *tasks):
            task.cancel()
        await asyncio.wait((ready, *tasks), timeout=GOODBYE_S)
    for task in done:
        task.result()
    log.info("stopped")


async def _say_ready(client: EaselClient, subscribed: asyncio.Event) -> None:
    """The commands are synced before the gateway opens (`setup_hook`), so these two are all there is to wait for."""
    await subscribed.wait()
    await client.connected.wait()
    log.info("ready", user=str(client.user), shards=client.shard_count)


if __name__ == "__main__":
    sys.exit(main())
