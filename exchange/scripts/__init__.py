"""The queue's atomic steps, as Lua that Redis runs in one piece. Nothing else writes the queue's keys.

Every script takes one JSON object (`a` in the scripts) and, where it makes an RQ job, that job's hash as flat name,
value, ... Time is Redis' own, so hosts whose clocks disagree still agree about leases. The keys are listed in
`exchange.keys`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import redis
import redis.asyncio
import redis.client
from redis.exceptions import NoScriptError

from exchange.scripts.asking import CANCEL, ENQUEUE, POSITION, RELEASE, SUBMIT
from exchange.scripts.recovering import BURY, RECOVER
from exchange.scripts.working import BEAT, CLAIM, FINISH

__all__ = [
    "BEAT",
    "BURY",
    "CANCEL",
    "CLAIM",
    "ENQUEUE",
    "FINISH",
    "POSITION",
    "RECOVER",
    "RELEASE",
    "SUBMIT",
    "arguments",
    "load",
    "queue",
    "run",
    "run_async",
]


def arguments(parameters: Mapping[str, Any], fields: Sequence[bytes | str | int | float] = ()) -> list[Any]:
    """What a script receives: one JSON object, then a job's hash."""
    return [_encode(parameters), *fields]


def run(client: redis.Redis, script: str, args: Sequence[Any]) -> Any:
    """Run a script by its digest; sends its text when Redis does not know it (after a restart)."""
    try:
        return client.evalsha(_digest(script), 0, *args)
    except NoScriptError:
        return client.eval(script, 0, *args)


async def run_async(client: redis.asyncio.Redis, script: str, args: Sequence[Any]) -> Any:
    """`run` for an asyncio client."""
    try:
        return await client.evalsha(_digest(script), 0, *args)
    except NoScriptError:
        return await client.eval(script, 0, *args)


def load(client: redis.Redis, *wanted: str) -> None:
    """Make `wanted` scripts known to the server, for `queue`."""
    for script in wanted:
        client.script_load(script)


def queue(pipeline: redis.client.Pipeline, script: str, args: Sequence[Any]) -> None:
    """Put a call of a script that the server knows into a pipeline: many steps in one round trip."""
    pipeline.evalsha(_digest(script), 0, *args)


_encode = json.JSONEncoder(separators=(",", ":")).encode
_digests: dict[str, str] = {}


def _digest(script: str) -> str:
    known = _digests.get(script)
    if known is None:
        known = _digests[script] = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
    return known
