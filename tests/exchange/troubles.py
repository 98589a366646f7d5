"""Redis in trouble: each function breaks a server by a client that may do everything, and returns what heals it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import redis


def full(admin: redis.Redis) -> Callable[[], object]:
    """OOM at every write."""
    admin.config_set("maxmemory", 1)
    return lambda: admin.config_set("maxmemory", 0)


def read_only(admin: redis.Redis) -> Callable[[], object]:
    """A replica of a master that is not there: READONLY at every write."""
    admin.execute_command("REPLICAOF", "127.0.0.1", "1")
    return lambda: admin.execute_command("REPLICAOF", "NO", "ONE")


def stale(admin: redis.Redis) -> Callable[[], object]:
    """A replica that answers nothing without its master: MASTERDOWN."""
    admin.config_set("replica-serve-stale-data", "no")
    admin.execute_command("REPLICAOF", "127.0.0.1", "1")

    def heal() -> None:
        admin.execute_command("REPLICAOF", "NO", "ONE")
        admin.config_set("replica-serve-stale-data", "yes")

    return heal


def without_rights(admin: redis.Redis) -> Callable[[], object]:
    """NOPERM for everything that a worker does."""
    admin.execute_command(
        "ACL", "SETUSER", "default", "-evalsha", "-eval", "-blmove", "-subscribe", "-hset", "-@pubsub"
    )
    return lambda: admin.execute_command("ACL", "SETUSER", "default", "+@all")


def busy(admin: redis.Redis) -> Callable[[], object]:
    """Somebody's endless script: BUSY."""
    admin.config_set("busy-reply-threshold", 1)
    other = redis.Redis(connection_pool=admin.connection_pool)

    def spin() -> None:
        with suppress(redis.exceptions.RedisError):
            other.eval("while true do end", 0)

    thread = threading.Thread(target=spin)
    thread.start()

    def heal() -> None:
        deadline = time.monotonic() + 20
        while thread.is_alive():
            assert time.monotonic() < deadline
            with suppress(redis.exceptions.RedisError):
                admin.script_kill()
            thread.join(0.1)
        admin.config_set("busy-reply-threshold", 5000)

    return heal


def crowded(admin: redis.Redis) -> Callable[[], object]:
    """As many clients as there may be: who is dropped is not let in again."""
    before = str(admin.config_get("maxclients")["maxclients"])
    admin.config_set("maxclients", 1)
    admin.client_kill_filter(_type="normal", skipme=True)
    admin.client_kill_filter(_type="pubsub", skipme=True)
    return lambda: admin.config_set("maxclients", before)


def locked(admin: redis.Redis) -> Callable[[], object]:
    """Somebody sets a password: who is dropped has the wrong one."""
    admin.config_set("requirepass", "another")
    admin.client_kill_filter(_type="normal", skipme=True)
    admin.client_kill_filter(_type="pubsub", skipme=True)
    return lambda: admin.config_set("requirepass", "")
