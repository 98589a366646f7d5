"""Keys of programs that ask over HTTP. Redis holds a digest of each secret, never the secret."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import asdict, dataclass, replace

import redis
import redis.asyncio
import structlog
from pydantic import TypeAdapter, ValidationError

from exchange import keys
from exchange.reading import text

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_SECRET = re.compile(r"easel-(?P<id>[0-9a-f]{8})-[0-9a-f]{40}")
_DISCORD_EPOCH_MS = 1_420_070_400_000


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. `user_id` is whose turn its jobs take: a Discord user's, or a number of its own.

    `webhook` hears of the ends of its jobs. Times are Unix milliseconds; `revoked_ms` is None while it is good.
    """

    id: str
    name: str
    user_id: int
    digest: str
    created_ms: int
    webhook: str | None = None
    revoked_ms: int | None = None


_KEY = TypeAdapter(ApiKey)


def create(
    client: redis.Redis, name: str, *, user_id: int | None = None, webhook: str | None = None
) -> tuple[ApiKey, str]:
    """A new key, and its secret, which nobody can show again."""
    now_ms = int(time.time() * 1000)
    id = secrets.token_hex(4)
    secret = f"easel-{id}-{secrets.token_hex(20)}"
    own = ((now_ms - _DISCORD_EPOCH_MS) << 22) | secrets.randbits(22)  # shaped as Discord's ids are, so none of them
    key = ApiKey(id, name, own if user_id is None else user_id, _digest(secret), now_ms, webhook)
    client.hset(keys.api_keys(), id, _KEY.dump_json(key))
    return key, secret


def listed(client: redis.Redis) -> list[ApiKey]:
    """Every key there ever was, oldest first."""
    found = [_read(value) for value in client.hgetall(keys.api_keys()).values()]
    return sorted((key for key in found if key is not None), key=lambda key: key.created_ms)


def revoke(client: redis.Redis, id: str) -> bool:
    """End a key at once. False when there is no such key, or it was revoked before."""
    value = client.hget(keys.api_keys(), id)
    key = None if value is None else _read(value)
    if key is None or key.revoked_ms is not None:
        return False
    client.hset(keys.api_keys(), id, _KEY.dump_json(replace(key, revoked_ms=int(time.time() * 1000))))
    return True


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


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _read(value: bytes | str) -> ApiKey | None:
    try:
        return _KEY.validate_json(text(value))
    except (ValidationError, UnicodeDecodeError) as error:
        log.warning("an API key cannot be read and counts as none", error=type(error).__name__)
        return None
