"""The time that a request may take before its answer, one budget for all that it asks of Redis and the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import Context, ContextVar, copy_context

import redis.exceptions
import structlog

from contract.errors import UserError

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DEFAULT_S = 10.0
"""What `promptly` allows where no budget runs: nobody waits for an answer there."""

_until_s: ContextVar[float | None] = ContextVar("until_s", default=None)


@contextmanager
def budget(seconds: float) -> Iterator[None]:
    """Whatever is asked inside this, `promptly` ends it after `seconds` in all. One inside another changes nothing."""
    if _until_s.get() is not None:
        yield
        return
    token = _until_s.set(asyncio.get_running_loop().time() + seconds)
    try:
        yield
    finally:
        _until_s.reset(token)


def left_s() -> float:
    """Seconds that are left of the budget, `DEFAULT_S` where none runs; never negative."""
    until_s = _until_s.get()
    return DEFAULT_S if until_s is None else max(0.0, until_s - asyncio.get_running_loop().time())


def outside() -> Context:
    """The present context, except that no budget runs in it: for work that the request does not wait for."""
    context = copy_context()
    context.run(_until_s.set, None)
    return context


@asynccontextmanager
async def promptly(limit_s: float | None = None) -> AsyncIterator[None]:
    """Ask Redis inside this: UserError `queue_unreachable` when it does not answer in time.

    Its client is patient, for a restart of Redis must not lose a thing; a person is not. Without `limit_s` it is what
    the budget has left; after an answer, when the budget has done its work, give one.
    """
    try:
        async with asyncio.timeout(left_s() if limit_s is None else limit_s):
            yield
    except (TimeoutError, redis.exceptions.RedisError) as error:
        log.error("the queue cannot be reached", error=type(error).__name__)
        raise UserError("queue_unreachable") from error
