"""Redis as every process and every command opens it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import closing

import redis

from exchange.connection import NotServing, RedisUnavailable, check, connect
from exchange.rights import check_rights
from exchange.settings import CommonSettings
from exchange.weather import Weather

AGAIN_S = 1.0


def open_redis(settings: CommonSettings, *, patient: bool = False) -> redis.Redis:
    """A client that is known to reach its server, with the rights that are needed there. RedisUnavailable.

    A process that is to stay is `patient`: a server that answers, but cannot be worked with yet, is waited for.
    """
    client = connect(address_of(settings))
    for pause_s in _tries(client, patient=patient):
        time.sleep(pause_s)
    return client


async def await_redis(settings: CommonSettings, *, patient: bool = True) -> None:
    """Return once the server can be worked with, as `open_redis` does. RedisUnavailable."""
    with closing(connect(address_of(settings))) as client:
        tries = _tries(client, patient=patient)
        while (pause_s := await asyncio.to_thread(next, tries, None)) is not None:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(pause_s)


def address_of(settings: CommonSettings) -> str:
    """REDIS_URL. RedisUnavailable when it is not set."""
    if settings.redis_url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    return settings.redis_url.get_secret_value()


def _tries(client: redis.Redis, *, patient: bool) -> Iterator[float]:
    """Tries until one succeeds; the pauses between them, in seconds. What is waited for is said once."""
    weather = Weather("Redis")
    while True:
        try:
            check(client)
            check_rights(client)
        except NotServing as error:
            if not patient:
                raise
            weather.bad(error)
            yield AGAIN_S
        else:
            weather.good()
            return
