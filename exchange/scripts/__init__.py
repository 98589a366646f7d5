"""The queue's atomic steps, as Lua that Redis runs in one piece. Nothing else writes the queue's keys.

A script is the file `<name>.lua` beside this one. Its first line may say which of `parts/` it needs; the key names it
uses (`keys.rq_job(id)`) come from `exchange.keys`. Every script takes one JSON object (`args`) and, where it makes an
RQ job, that job's hash as flat name, value, ... (`args` and `fields` here). Time is Redis' own (`now`), so hosts whose
clocks disagree still agree about leases.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import redis
import redis.asyncio
import redis.client
from redis.exceptions import NoScriptError

from exchange.keys import KEYS

_HERE = files(__name__)


@dataclass(frozen=True, slots=True)
class Script:
    """One atomic step: its text as Redis gets it, and the digest Redis knows it by."""

    name: str
    text: str
    digest: str


def arguments(parameters: Mapping[str, Any], fields: Sequence[bytes | str | int | float] = ()) -> list[Any]:
    """What a script receives: one JSON object, then a job's hash."""
    return [_encode(parameters), *fields]


def run(client: redis.Redis, script: Script, args: Sequence[Any]) -> Any:
    """Run a script by its digest; sends its text when Redis does not know it (after a restart)."""
    try:
        return client.evalsha(script.digest, 0, *args)
    except NoScriptError:
        return client.eval(script.text, 0, *args)


async def run_async(client: redis.asyncio.Redis, script: Script, args: Sequence[Any]) -> Any:
    """`run` for an asyncio client."""
    try:
        return await client.evalsha(script.digest, 0, *args)
    except NoScriptError:
        return await client.eval(script.text, 0, *args)


def load(client: redis.Redis, *wanted: Script) -> None:
    """Make `wanted` scripts known to the server, for `queue`."""
    for script in wanted:
        client.script_load(script.text)


def queue(pipeline: redis.client.Pipeline, script: Script, args: Sequence[Any]) -> None:
    """Put a call of a script that the server knows into a pipeline: many steps in one round trip."""
    pipeline.evalsha(script.digest, 0, *args)


def assemble(name: str) -> Script:
    """The script `<name>.lua` with the parts it needs before it, each once, and the names of the keys they use.

    KeyError for a key that `exchange.keys` does not list.
    """
    texts: dict[str, str] = {}
    _collect([name], texts)
    body = "\n".join(texts.values())
    used = sorted(set(re.findall(r"\bkeys\.(\w+)", body)))
    table = "".join(f"  {name} = {KEYS[name].lua()},\n" for name in used)
    text = f"local keys = {{\n{table}}}\n{body}"
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _collect(names: Iterable[str], texts: dict[str, str]) -> None:
    for name in names:
        if name not in texts:
            file = _HERE / f"{name}.lua"
            text = file.read_text(encoding="utf-8")
            needs = re.match(r"-- needs:(.*)\n", text)
            _collect((f"parts/{part}" for part in (needs[1].split() if needs else ())), texts)
            texts[name] = text


_encode = json.JSONEncoder(separators=(",", ":")).encode

# Those who ask.
SUBMIT = assemble("submit")
RELEASE = assemble("release")
CANCEL = assemble("cancel")
REQUEUE = assemble("requeue")
ENQUEUE = assemble("enqueue")
POSITION = assemble("position")
POST = assemble("post")
# Those who work.
CLAIM = assemble("claim")
BEAT = assemble("beat")
FINISH = assemble("finish")
# What puts right that nobody holds any more.
RECOVER = assemble("recover")
BURY = assemble("bury")
PUT_ASIDE = assemble("put_aside")
# Beside the queue.
RIGHTS = assemble("rights")
COUNT_DELIVERED = assemble("count_delivered")
STRIKE = assemble("strike")
TIME_OUT = assemble("time_out")
FAVOUR = assemble("favour")
DISFAVOUR = assemble("disfavour")
FORGET_JOB = assemble("forget_job")
SET_QUOTA = assemble("set_quota")
