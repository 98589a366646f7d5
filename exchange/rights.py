"""Whether this Redis lets us do what we need, tried out before anything is begun; and whether it keeps what it is told.

A right that is missing would show in the middle of a job. So every command of the scripts and of the clients is tried
once, on keys and channels that nothing else uses.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from contextlib import closing, suppress

import redis
import structlog

from contract.errors import EaselError
from exchange import keys, scripts
from exchange.connection import RedisUnavailable, unavailable
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

PROBE_KEYS = (keys.probe(), keys.rq_probe())
RULE = "~rq:* ~easel:* &rq:* &easel:* +@all -@dangerous +info +acl|getuser"
"""What an ACL user for Easel needs."""

_OF_CLIENTS = (
    *("BLMOVE", "DEL", "EXISTS", "EXPIRE", "GET", "HDEL", "HEXISTS", "HGET", "HGETALL", "HKEYS"),
    *("HLEN", "HMGET", "HSET", "HSETNX", "INCR"),
    *("LLEN", "LPUSH", "PUBLISH", "SADD", "SCARD", "SET", "SISMEMBER", "SMEMBERS", "SREM", "SUNION", "TTL", "TYPE"),
    *("XADD", "ZADD", "ZCARD"),
    *("ZRANGE", "ZREM", "ZREVRANGE"),
)
_SAFE_VERSIONS = {"valkey": (9, 1, 2), "redis": (8, 6, 0)}
"""Before these, an append-only file is read back with the rights of the default user: redis/redis#14541,
valkey-io/valkey#3983."""


_NOT_ALLOWED = re.compile(r"NOPERM|has no permissions|EXEC without MULTI")


class RightsMissing(RedisUnavailable):
    """The ACL user lacks something. The sentence names it and the rule that gives it."""

    def __init__(self, lacks: str) -> None:
        EaselError.__init__(
            self, f"Redis does not let us work: {lacks}. Give the user in REDIS_URL the rule `{RULE}` (ACL SETUSER)."
        )


class ForgetfulServer(RedisUnavailable):
    """This server would lose the whole queue when it starts again."""

    def __init__(self) -> None:
        EaselError.__init__(
            self,
            "Redis would lose all waiting jobs at its next start: its default user is off, and this version reads its "
            "append-only file back with that user's rights (valkey-io/valkey#3983). Give it `user default off "
            ">LONG-RANDOM-PASSWORD ~* &* +@all`: it stays off, and the file can be read.",
        )


def check_rights(client: redis.Redis) -> None:
    """Try everything out. RightsMissing or ForgetfulServer with a sentence for the operator; NotServing while the
    server answers with an error that passes."""
    try:
        _try_in_a_script(client)
        _try_outside_of_scripts(client)
        _check_memory(client)
    except redis.exceptions.RedisError as error:
        if _NOT_ALLOWED.search(str(error)):  # within several steps it is an error of another name
            raise RightsMissing(_words(error)) from None
        raise unavailable(error) from error


def _try_in_a_script(client: redis.Redis) -> None:
    commands = sorted({*_OF_CLIENTS, *_of_scripts()})
    refused = scripts.run(client, scripts.RIGHTS, scripts.arguments({"keys": PROBE_KEYS, "commands": commands}))
    if refused:
        raise RightsMissing(_plain(text(refused[0])))


def _try_outside_of_scripts(client: redis.Redis) -> None:
    """What no script can do: listen, wait for a list, and several steps at once."""
    with closing(client.pubsub()) as listener:
        listener.subscribe(keys.cancel_channel(), keys.progress_channel(), keys.rq_commands("probe"))
        until = time.monotonic() + 2
        while listener.get_message(timeout=0.05) is None and time.monotonic() < until:
            pass
    client.blmove(PROBE_KEYS[1], PROBE_KEYS[1], 0.01, "LEFT", "LEFT")  # type: ignore[arg-type]
    client.scan(0, match=keys.node("*"), count=1)
    with client.pipeline() as pipe:
        pipe.watch(PROBE_KEYS[0])
        pipe.multi()
        pipe.delete(PROBE_KEYS[0])
        with suppress(redis.exceptions.WatchError):  # another process tries the same out: it was allowed all the same
            pipe.execute()


def _check_memory(client: redis.Redis) -> None:
    """Whether a restart would lose the queue, as far as this user may see it."""
    try:
        server = client.info("server")
        persistent = bool(client.info("persistence").get("aof_enabled"))
    except redis.exceptions.NoPermissionError:
        return
    kind = "valkey" if "valkey_version" in server else "redis"
    version = tuple(int(part) for part in re.findall(r"\d+", str(server.get(f"{kind}_version", "0")))[:3])
    if not persistent or version >= _SAFE_VERSIONS[kind]:
        return
    try:
        default = client.acl_getuser("default")
    except redis.exceptions.NoPermissionError:
        log.warning("whether Redis keeps its jobs at a restart cannot be seen", missing_right="+acl|getuser")
        return
    if isinstance(default, dict) and "off" in str(default.get("flags")) and not _may_everything(default):
        raise ForgetfulServer()


def _may_everything(user: Mapping[str, object]) -> bool:
    commands = f"{user.get('commands')} {user.get('categories')}"  # the library sorts them apart
    return "+@all" in commands and "*" in str(user.get("keys")) and "*" in str(user.get("channels"))


def _of_scripts() -> set[str]:
    """The commands that the scripts use, and other words in capitals: those are no commands, so no right is missing."""
    every = [script.text for script in vars(scripts).values() if isinstance(script, scripts.Script)]
    return {name for body in every for name in re.findall(r"'([A-Z]{3,})'", body)}


def _words(error: Exception) -> str:
    return _plain((str(error).splitlines() or [type(error).__name__])[0])


def _plain(words: str) -> str:
    """Redis' own sentence, without where in a script it came about."""
    return re.sub(r" script: [0-9a-f]{40}.*", "", words).removeprefix("NOPERM ").strip().rstrip(".")
