"""What every route begins with: what it works with, and who asks."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated
from weakref import WeakValueDictionary

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.errors import ApiError
from api.waiting import Waiting
from contract.ids import JobId, parse_job_id
from contract.jobs import Program, User
from exchange.api_keys import ApiKey
from service.asker import Asker
from service.budget import promptly
from service.services import Services

BEARER = HTTPBearer(auto_error=False, description="A key that `easel keys create` made, such as `easel-…`.")


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes work with.

    `find_key` gives the key that has a secret. `secret` signs links to pictures, which begin with `base_url`. `wait_s`
    is how long a request waits for its pictures.
    """

    services: Services
    waiting: Waiting
    find_key: Callable[[str], Awaitable[ApiKey | None]]
    secret: str
    base_url: str
    wait_s: float
    turns: WeakValueDictionary[int, asyncio.Lock] = field(default_factory=WeakValueDictionary, repr=False)

    def turn(self, key: int) -> asyncio.Lock:
        """Requests with one key (`Asker.key`) are begun one after another."""
        return self.turns.setdefault(key, asyncio.Lock())


def the_door(request: Request) -> Door:
    """What `api.app.create_app` was given."""
    door: Door = request.app.state.door
    return door


def locale_of(request: Request) -> str:
    """The language that a caller reads."""
    return request.headers.get("accept-language", "en-US").split(",")[0].strip()[:20] or "en-US"


async def _key(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> ApiKey:
    if credentials is None or not credentials.credentials:
        raise ApiError(401, "Send your key as `Authorization: Bearer easel-…`.", "missing_api_key")
    async with promptly():
        key = await the_door(request).find_key(credentials.credentials.strip())
    if key is None:
        raise ApiError(401, "This key is unknown or was revoked.", "invalid_api_key")
    return key


def _asker(
    request: Request,
    key: Annotated[ApiKey, Depends(_key)],
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Asker:
    """The program behind a request. The same `Idempotency-Key` makes the same jobs: repeating it is harmless."""
    if idempotency_key is None:
        number = secrets.randbits(63)
    else:
        number = int.from_bytes(hashlib.blake2b(f"{key.id}:{idempotency_key}".encode(), digest_size=8).digest()) >> 1
    return Asker(
        user=User(key.user_id, key.name),
        destination=Program(key.id, key.webhook),
        asked_ms=int(time.time() * 1000),
        key=number,
        locale=locale_of(request),
        returns=idempotency_key is not None,
        quota=key.quota,
    )


TheDoor = Annotated[Door, Depends(the_door)]
TheAsker = Annotated[Asker, Depends(_asker)]


def job_id_of(text: str) -> JobId:
    """The id in an address. ApiError 404 when it is none."""
    try:
        return parse_job_id(text)
    except ValueError:
        raise ApiError(404, "This is no job's id.", "no_such_job") from None
