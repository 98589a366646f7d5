"""How a door's process, or an operator's command, gets a door's services: checked, watched, and closed again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from typing import TypeVar

import redis.asyncio

from contract.events import Observer
from exchange.connection import connect_async
from exchange.logs import configure_logs
from exchange.metrics import watch
from exchange.observing import all_of, log_event
from exchange.opening import address_of, await_redis, open_redis
from exchange.settings import read_settings
from exchange.tracing import tracers
from service.doctor import at_start
from service.services import Services, open_services
from service.settings import DoorSettings

T = TypeVar("T")


@asynccontextmanager
async def opened(
    settings: DoorSettings, *, watched: bool = True
) -> AsyncIterator[tuple[redis.asyncio.Redis, Services]]:
    """A Redis that answers and gives the rights that are needed, and what every door works with.

    `watched`: serve /metrics where the settings want it, and wait for a Redis that cannot be worked with yet; a command
    that ends at once does neither. RedisUnavailable, SettingsError (Unfit) or UserError
    `bad_catalogue`, with what is wrong.
    """
    url = address_of(settings)
    client = connect_async(url)
    try:
        await await_redis(settings, patient=watched)
        if watched:
            await asyncio.to_thread(_examine, settings)
        services = await open_services(
            client,
            image_store=settings.image_store,
            catalogue=settings.catalogue,
            commercial=settings.commercial,
            limits=settings.limits,
            observe=all_of(log_event, *(_metrics(settings) if watched else ())),
            blocked_words=await asyncio.to_thread(settings.read_blocked_words),
        )
        yield client, services
    finally:
        await client.aclose()


def with_services(command: Callable[[Services], Awaitable[T]]) -> T:
    """Run an operator's command that needs a door's services; what it comes to. Errors as `opened`, and its own."""
    settings = read_settings(DoorSettings)
    configure_logs("console", "warning")

    async def run() -> T:
        async with opened(settings, watched=False) as (_, services):
            return await command(services)

    return asyncio.run(run())


def _metrics(settings: DoorSettings) -> list[Observer]:
    """What counts events for Prometheus and traces jobs, where that is wanted."""
    metrics = watch(settings)
    return [*([] if metrics is None else [metrics]), *tracers("easel")]


def _examine(settings: DoorSettings) -> None:
    with closing(open_redis(settings)) as client:
        at_start(settings, client)
