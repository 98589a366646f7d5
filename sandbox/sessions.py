"""The two halves of a gateway client: the connection that may break, and the session that outlives it."""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.streams import open_stream
from sandbox.world import User

DISPATCH = 0
REPLAYED_EVENTS = 1000
Sent = Callable[[], None] | None


class Connection:
    """One socket. Frames leave in the order they were queued, no matter who queued them."""

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self._request = request
        self.session: Session | None = None
        self._stream = open_stream(request.query.get("compress"))
        self._frames: asyncio.Queue[tuple[str, Sent] | None] = asyncio.Queue()
        self.beat_at = asyncio.get_running_loop().time()
        self.sends: deque[float] = deque()
        self._silent_until = 0.0
        self._finished = asyncio.Event()

    def hold_back(self, seconds: float) -> None:
        """Send nothing for so long; what is queued meanwhile leaves afterwards, if the client is still there."""
        self._silent_until = asyncio.get_running_loop().time() + seconds

    def send(self, text: str, sent: Sent = None) -> None:
        """Queue one message; ``sent`` is called when it has left."""
        self._frames.put_nowait((text, sent))

    def send_op(self, op: int, data: Any = None) -> None:
        """Queue one message that is no event."""
        self.send(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def finish(self) -> None:
        """Let :meth:`write` return once everything queued has been sent."""
        self._finished.set()
        self._frames.put_nowait(None)

    async def write(self) -> None:
        """Send what is queued until :meth:`finish` or until the client is gone."""
        while (frame := await self._frames.get()) is not None:
            text, sent = frame
            if (silence_s := self._silent_until - asyncio.get_running_loop().time()) > 0:
                await self._wait_for_the_end(silence_s)
            try:
                if self._stream is None:
                    await self.socket.send_str(text)
                else:
                    await self.socket.send_bytes(self._stream.frame(text))
            except ConnectionError:
                return
            if sent is not None:
                sent()

    async def _wait_for_the_end(self, at_most_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._finished.wait()

    async def close(self, code: int, reason: str = "") -> None:
        """End the connection with a close frame."""
        await self.socket.close(code=code, message=reason.encode())

    def drop(self) -> None:
        """End the connection as a cut cable does: without a close frame."""
        if self._request.transport is not None:
            self._request.transport.abort()


class Session:
    """An identified client; it outlives its connection for two minutes, collecting events for a RESUME.

    ``intents`` are a bot's, ``capabilities`` a person's client's.
    """

    def __init__(self, user: User, intents: int, shard: tuple[int, int] | None, capabilities: int = 0) -> None:
        self.id = secrets.token_hex(16)
        self.user = user
        self.intents = intents
        self.shard = shard
        self.capabilities = capabilities
        self.sequence = 0
        self.replay: deque[tuple[int, str]] = deque(maxlen=REPLAYED_EVENTS)
        self.connection: Connection | None = None
        self.lost_at: float | None = None

    def dispatch(self, event: str, payload: dict[str, Any], sent: Sent = None) -> None:
        """Send an event, and keep it for a RESUME; ``sent`` is called when it has left for the first time."""
        self.sequence += 1
        text = json.dumps({"op": DISPATCH, "d": payload, "s": self.sequence, "t": event})
        self.replay.append((self.sequence, text))
        if self.connection is not None:
            self.connection.send(text, sent)

    def serves(self, guild_id: str | None) -> bool:
        """Whether events of this guild (None: direct messages) belong to this session's shard."""
        if self.shard is None:
            return True
        index, count = self.shard
        return index == ((int(guild_id) >> 22) % count if guild_id else 0)
