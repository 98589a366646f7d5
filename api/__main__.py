"""The API as a process: reads the settings, opens Redis and the image store, serves until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys

import structlog
import uvicorn

from api.app import create_app
from api.door import Door
from api.settings import ApiSettings
from api.waiting import Waiting
from contract.errors import UserError
from contract.sentences import describe
from exchange import api_keys, progress
from exchange.connection import RedisUnavailable
from exchange.images import StoreUnavailable
from exchange.logs import configure_logs
from exchange.settings import SettingsError, read_settings
from service.background import end
from service.opening import opened

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CANNOT_START = 2
"""Exit status when the settings, Redis or the store do not allow a start: starting again would not help."""


def main() -> int:
    """Run the API. 0 after SIGTERM or SIGINT; 2 with one sentence on standard error when it cannot start."""
    argparse.ArgumentParser(
        prog="easel-api", description="OpenAI's Images API. It takes no options: docs/settings.md has its settings."
    ).parse_args()
    try:
        settings = read_settings(ApiSettings)
        configure_logs(settings.log_format, settings.log_level)
        asyncio.run(run(settings))
    except UserError as error:
        print(describe(error)[1], file=sys.stderr)
        return CANNOT_START
    except (SettingsError, RedisUnavailable, StoreUnavailable, OSError) as error:
        print(error, file=sys.stderr)
        return CANNOT_START
    return 0


async def run(settings: ApiSettings) -> None:
    """Wire everything and serve until a signal asks to stop."""
    async with opened(settings) as (client, services):
        waiting = Waiting(services.queue, services.images)
        # Links that this process alone made are good as long as it lives, which is enough for one host.
        secret = secrets.token_hex() if settings.api_secret is None else settings.api_secret.get_secret_value()
        server = _Server(
            uvicorn.Config("unused", host=settings.api_host, port=settings.api_port, log_config=None, access_log=False)
        )
        base_url = settings.api_url.rstrip("/") or f"http://{settings.api_host}:{settings.api_port}"
        door = Door(services, waiting, lambda key: api_keys.find(client, key), secret, base_url, settings.api_wait_s)
        server.config.app = create_app(door)
        following = asyncio.create_task(waiting.follow(progress.listen(client)))
        try:
            await server.serve()
        finally:
            await end({following})
            await services.background.close()


class _Server(uvicorn.Server):
    async def startup(self, sockets: object = None) -> None:
        await super().startup()
        for server in self.servers:
            for socket in server.sockets:
                log.info("ready", address="http://{}:{}".format(*socket.getsockname()[:2]))


if __name__ == "__main__":
    sys.exit(main())
