"""Keys of programs that ask over HTTP. Redis holds a digest of each secret, never the secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import redis
import redis.asyncio
import redis.client
import structlog
from pydantic import TypeAdapter, ValidationError

from exchange import keys
from exchange.policies import OPERATOR, note
from exchange.quotas import ANY_AMOUNT, Quota
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_SECRET = re.compile(r"easel-(?P<id>[0-9a-f]{8})-[0-9a-f]{40}")
_DISCORD_EPOCH_MS = 1_420_070_400_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. `user_id` is whose turn its jobs take: a Discord user's, or a number of its own.

    `webhook` hears of the ends of its jobs. `quota` is how much may be made with it, beside what its user may.
    Times are Unix milliseconds; `revoked_ms` is None while it is good.
    """

    id: str
    name: str
    user_id: int
    digest: str
    created_ms: int
    webhook: str | None = None
    revoked_ms: int | None = None
    quota: Quota = ANY_AMOUNT


_KEY = TypeAdapter(ApiKey)


def create(
    client: redis.Redis,
    name: str,
    *,
    user_id: int | None = None,
    webhook: str | None = None,
    quota: Quota = ANY_AMOUNT,
) -> tuple[ApiKey, str]:
    """A new key, and its secret, which nobody can show again."""
    now_ms = int(time.time() * 1000)
    id = secrets.token_hex(4)
    secret = f"easel-{id}-{secrets.token_hex(20)}"
    own = ((now_ms - _DISCORD_EPOCH_MS) << 22) | secrets.randbits(22)  # shaped as Discord's ids are, so none of them
    key = ApiKey(id, name, own if user_id is None else user_id, _digest(secret), now_ms, webhook, quota=quota)
    client.hset(keys.api_keys(), id, _KEY.dump_json(key))
    note(client, OPERATOR, "key", f"key {id}", f"made for user {key.user_id}: {name}")
    return key, secret


def listed(client: redis.Redis) -> list[ApiKey]:
    """Every key there ever was, oldest first."""
    found = [_read(value) for value in client.hgetall(keys.api_keys()).values()]
    return sorted((key for key in found if key is not None), key=lambda key: key.created_ms)


def revoke(client: redis.Redis, id: str) -> bool:
    """End a key at once. False when there is no such key, or it was revoked before."""
    now_ms = int(time.time() * 1000)
    key = _change(client, id, lambda key: replace(key, revoked_ms=now_ms) if key.revoked_ms is None else None)
    if key is not None:
        note(client, OPERATOR, "revoke", f"key {id}", key.name)
    return key is not None


def limit(client: redis.Redis, id: str, quota: Quota) -> bool:
    """Let a key have this quota from now on. False when there is no such key."""
    key = _change(client, id, lambda key: replace(key, quota=quota))
    if key is not None:
        note(client, OPERATOR, "quota", f"key {id}", str(quota))
    return key is not None


async def find(client: redis.asyncio.Redis, secret: str) -> ApiKey | None:
    """The key that has this secret; None when it has none, or is revoked."""
    found = _SECRET.fullmatch(secret)
    value = await client.hget(keys.api_keys(), found["id"]) if found else None
    key = None if value is None else _read(value)
    if key is None or key.revoked_ms is not None or not hmac.compare_digest(key.digest, _digest(secret)):
        return None
    return key


def shown(key: ApiKey) -> dict[str, object]:
    """What an operator may see of a key."""
    return {name: value for name, value in asdict(key).items() if name != "digest"}


def _change(client: redis.Redis, id: str, change: Callable[[ApiKey], ApiKey | None]) -> ApiKey | None:
    """Keep what `change` makes of a key; no change that another process makes at that moment is lost. What is kept,
    None when there is no such key or nothing to change."""

    def one(pipe: redis.client.Pipeline) -> Any:  # redis says that it gives nothing, yet hands on what it gives
        value = pipe.hget(keys.api_keys(), id)
        key = None if value is None else _read(value)
        changed = None if key is None else change(key)
        pipe.multi()
        if changed is not None:
            pipe.hset(keys.api_keys(), id, _KEY.dump_json(changed))
        return changed

    changed: Any = client.transaction(one, keys.api_keys(), value_from_callable=True)
    return changed if isinstance(changed, ApiKey) else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(value: bytes | str) -> ApiKey | None:
    try:
        return _KEY.validate_json(text(value))
    except (ValidationError, UnicodeDecodeError) as error:
        log.warning("an API key cannot be read and counts as none", error=type(error).__name__)
        return None
