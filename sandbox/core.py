"""One running sandbox: the world and everything that acts on it, in one place that the routes are handed."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.limits import Buckets, Limits
from sandbox.record import Record
from sandbox.store import Store
from sandbox.uploads import Uploads
from sandbox.wire import Wire
from sandbox.world import World


class Sandbox:
    """Addresses, tokens and ids for callers; world, gateway and limits for the routes."""

    def __init__(self, data: Path | None = None) -> None:
        self.clock = Clock()
        self.store = Store(data)
        self.world = World(self.clock, self.store)
        self.wire = Wire(self.world)
        self.limits = Limits()
        self.buckets = Buckets(self.limits)
        self.faults = Faults()
        self.record = Record()
        self.uploads = Uploads()
        self.gateway = Gateway(self.world, self.wire, self.limits, self.record)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def base_url(self) -> str:
        """The root, without a slash at the end: clients add ``/api/v10``."""
        return self.wire.base_url

    @property
    def page_url(self) -> str:
        """Where a person looks."""
        return f"{self.base_url}/"

    @property
    def gateway_url(self) -> str:
        """The gateway's root: clients add ``/?v=10&encoding=json``."""
        return self.base_url.replace("http", "ws", 1)

    @property
    def bot_token(self) -> str:
        """The bot's token, without the word ``Bot``."""
        return self.world.bot.token

    @property
    def user_token(self) -> str:
        """The first person's token; this person owns the guild."""
        return self.world.people[0].token

    @property
    def second_user_token(self) -> str:
        """The second person's token."""
        return self.world.people[1].token

    @property
    def application_id(self) -> str:
        """The application's id, which is the bot's user id too."""
        return self.world.bot_id

    @property
    def guild_id(self) -> str:
        """The only guild."""
        return self.world.guild_id

    @property
    def channel_id(self) -> str:
        """The channel that the page opens first."""
        return self.world.guild_channels[0].id

    def description(self) -> dict[str, str]:
        """What a client has to know, as printed when the sandbox is ready."""
        names = ("page_url", "base_url", "gateway_url", "bot_token", "user_token", "second_user_token")
        ids = ("application_id", "guild_id", "channel_id")
        return {name: getattr(self, name) for name in names + ids}

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside the request that asked for it; what fails in it is reported by the event loop."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def close(self) -> None:
        """Stop what runs beside the requests, and let go of the folder."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.store.close()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            context = {"message": "the sandbox failed beside a request", "exception": error, "task": task}
            task.get_loop().call_exception_handler(context)
