"""The bot as a process: reads the settings, opens Redis and the image store, wires the client, serves until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import gc
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import discord
import structlog
import yarl

from bot.announcing import keep_telling
from bot.client import EaselClient
from bot.doctor import discord_findings
from bot.features import FEATURES
from bot.journal import Journal
from bot.settings import BotSettings
from contract.endpoints import Endpoints
from contract.errors import UserError
from contract.sentences import describe
from exchange import progress
from exchange.connection import RedisUnavailable
from exchange.doctor.findings import Finding, Severity, begin_with
from exchange.doctor.host import kept_findings
from exchange.images import StoreUnavailable
from exchange.logs import configure_logs
from exchange.settings import SettingsError, read_settings
from service.background import end
from service.opening import opened
from service.pins import look

log: structlog.stdlib.BoundLogger = structlog.get_logger()

GOODBYE_S = 3.0
"""How long closing the gateway may take."""

LAST_CALL_S = 9.0
"""When a process that was asked to end does so even if something hangs: before Docker's ten seconds are over."""

SIGNALS = (signal.SIGTERM, signal.SIGINT)

CANNOT_START = 2
"""Exit status when the settings, Redis or the token do not allow a start: starting again would not help."""


def main() -> int:
    """Run the bot. 0 after SIGTERM or SIGINT; 2 with one sentence on standard error when it cannot start."""
    argparse.ArgumentParser(
        prog="easel-bot", description="Easel's Discord bot. It takes no options: docs/settings.md has its settings."
    ).parse_args()
    try:
        settings = read_settings(BotSettings)
        endpoints = settings.endpoints()
        configure_logs(settings.log_format, settings.log_level)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nothing here speaks
        if endpoints is not None:
            use_endpoints(endpoints)
        asyncio.run(run(settings, endpoints))
    except UserError as error:
        print(describe(error)[1], file=sys.stderr)
        return CANNOT_START
    except (SettingsError, RedisUnavailable, StoreUnavailable) as error:
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


async def run(settings: BotSettings, endpoints: Endpoints | None = None) -> None:
    """Wire everything and serve until a signal asks to stop. RedisUnavailable, LoginFailure."""
    async with opened(settings) as (redis, services):
        stop = asyncio.Event()
        stop_on_signals(stop)  # before this there is nothing to end in good order
        begin_with(kept_findings(Path(settings.state_folder), Severity.RISKY))
        token = settings.discord_token.get_secret_value()
        if not await _examined(discord_findings(token, endpoints), stop):
            log.info("stopped")
            return
        client = EaselClient(
            services,
            FEATURES,
            cancel_button=settings.cancel_button,
            journal=Journal(Path(settings.state_folder) / "waiting.sqlite3"),
            shard_ids=settings.shard_ids,
            shard_count=settings.shard_count,
        )
        with suppress(UserError):  # the next start looks again
            await look(services)
        subscribed = asyncio.Event()
        events = progress.listen(redis, subscribed)
        await serve(client, token, events, subscribed, stop)


async def _examined(findings: Coroutine[Any, Any, list[Finding]], stop: asyncio.Event) -> bool:
    """Say what is risky at Discord. False when the process is asked to stop meanwhile; Unfit for what is broken."""
    examining, stopping = asyncio.ensure_future(findings), asyncio.create_task(stop.wait())
    await asyncio.wait({examining, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not examining.done():
        examining.cancel()
        return False
    begin_with(examining.result())
    return True


def stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` on SIGTERM or SIGINT; a second one ends the process at once.

    A thread in a network call cannot be cancelled, and Python waits for it without limit. So after `LAST_CALL_S` the
    process ends with status 1 all the same, and says on standard error where each thread was.
    """
    loop = asyncio.get_running_loop()

    def asked() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        faulthandler.dump_traceback_later(LAST_CALL_S, exit=True)
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, asked)


async def serve(
    client: EaselClient,
    token: str,
    events: AsyncIterator[progress.Progress],
    subscribed: asyncio.Event,
    stop: asyncio.Event,
) -> None:
    """Run the client and what goes with it until `stop` is set. Whatever fails first ends all, and is raised."""
    tasks = [
        asyncio.create_task(stop.wait()),
        asyncio.create_task(client.start(token)),
        asyncio.create_task(client.follow(events)),
        asyncio.create_task(client.waiting.keep_showing_positions()),
        asyncio.create_task(client.batches.keep_visiting()),
        asyncio.create_task(keep_telling(client)),
    ]
    ready = asyncio.create_task(_say_ready(client, subscribed))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Jobs do not depend on this process, so it owes nobody a long goodbye.
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await client.close()
        # All there are: a command in the middle of its work talks to Redis too.
        await end({ready, *asyncio.all_tasks()} - {asyncio.current_task()})
    for task in (ready, *tasks):
        if task.done() and not task.cancelled():
            task.exception()  # seen: what the end itself broke off is nobody's news
    for task in done:
        task.result()
    log.info("stopped")


async def _say_ready(client: EaselClient, subscribed: asyncio.Event) -> None:
    """The commands are synced before the gateway opens (`setup_hook`), so these two are all there is to wait for."""
    await subscribed.wait()
    await client.connected.wait()
    gc.freeze()  # what is there now stays: looking it through again and again would stop the loop for 80 ms each time
    log.info("ready", user=str(client.user), shards=client.shard_count)
