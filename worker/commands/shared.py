"""What several commands begin with."""

from __future__ import annotations

import redis

from exchange.connection import RedisUnavailable, check, connect
from exchange.rights import check_rights
from worker.settings import WorkerSettings


def open_redis(settings: WorkerSettings) -> redis.Redis:
    """A client that is known to reach its server, with the rights that are needed there."""
    if settings.redis_url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    client = connect(settings.redis_url.get_secret_value())
    check(client)
    check_rights(client)
    return client
