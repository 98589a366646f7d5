"""Work that goes on after its request has been answered."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any

import structlog

from service import budget

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FINISH_S = 2.0
"""How long work may go on when its process ends."""
GOODBYE_S = 3.0
"""How long a process waits for tasks that it has cancelled."""
AGAIN_S = 0.1
"""How often it cancels them meanwhile."""


class Background:
    """The tasks of one process. None is waited for by anybody, so what one raises is logged."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` go on by itself, outside the budget of the request it was started in."""
        task = asyncio.create_task(work, context=budget.outside())
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def finish(self) -> None:
        """Return when all work is done, what is started meanwhile included."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def close(self) -> None:
        """Return when nothing goes on any more: what has not come to its end after `FINISH_S` is cancelled.

        Before the clients that it works with are closed: work that found its connection closed would open another one.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                await self.finish()
        await end(self._tasks)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("work in the background failed", exc_info=error)


async def end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks until they have ended, or `GOODBYE_S` have passed.

    Once is not enough: redis-py sends with `asyncio.wait_for`, and that of Python 3.11 loses a cancellation that comes
    just when the sending is done. A loop around it then goes on for ever, and with it the process.
    """
    left, until_s = set(tasks), asyncio.get_running_loop().time() + GOODBYE_S
    while left and asyncio.get_running_loop().time() < until_s:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=AGAIN_S)
