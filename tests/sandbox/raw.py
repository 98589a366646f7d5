"""A bot without a library: exactly the frames and calls that a test names."""

import asyncio
import json
import zlib
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
import zstandard

from sandbox.core import Sandbox
from tests.sandbox.rest import AGENT, Answer, Rest

JSON = dict[str, Any]
DEFAULT_INTENTS = (1 << 25) - 1 & ~(1 << 1 | 1 << 8 | 1 << 15) & ~(0b1111 << 16)


class RawGateway:
    """One socket. ``closed`` is the close code once the server has ended the connection."""

    def __init__(self, sandbox: Sandbox, compress: str = "", query: str = "v=10&encoding=json") -> None:
        self.sandbox = sandbox
        self.frames: list[JSON] = []
        self.closed: int | None = None
        self._query = query + (f"&compress={compress}" if compress else "")
        self._changed = asyncio.Condition()
        self._inflate: Callable[[bytes], bytes] = zlib.decompressobj().decompress
        if compress == "zstd-stream":
            self._inflate = zstandard.ZstdDecompressor().decompressobj().decompress

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession()
        self._socket = await self._http.ws_connect(f"{self.sandbox.base_url}/?{self._query}")
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._reader
        await self._http.close()

    async def send(self, op: int, data: Any) -> None:
        """Send one frame."""
        await self._socket.send_str(json.dumps({"op": op, "d": data}))

    async def send_text(self, text: str) -> None:
        """Send any text."""
        await self._socket.send_str(text)

    async def hang_up(self, code: int) -> None:
        """Close with this code."""
        await self._socket.close(code=code)

    async def identify(self, **changes: Any) -> JSON:
        """Identify as the bot; READY's payload."""
        token = self.sandbox.bot_token
        await self.send(2, {"token": token, "intents": DEFAULT_INTENTS, "properties": {}} | changes)
        return await self.wait("READY")

    async def wait(self, name: str, fits: Callable[[JSON], bool] = lambda payload: True) -> JSON:
        """The first event of this name that fits."""
        frame = await self._until(lambda f: f.get("t") == name and fits(f["d"]))
        payload: JSON = frame["d"]
        return payload

    async def wait_op(self, op: int) -> JSON:
        """The first frame with this opcode."""
        return await self._until(lambda f: f["op"] == op)

    async def wait_closed(self) -> int | None:
        """The code with which the server ended the connection (None: without one)."""
        async with asyncio.timeout(10):
            await self._reader
        return self.closed

    def events(self) -> list[str]:
        """The names of all events so far."""
        return [frame["t"] for frame in self.frames if frame["op"] == 0]

    async def _until(self, fits: Callable[[JSON], bool]) -> JSON:
        async with asyncio.timeout(10), self._changed:
            while True:
                for frame in self.frames:
                    if fits(frame):
                        return frame
                await self._changed.wait()

    async def _read(self) -> None:
        async for message in self._socket:
            data = message.data
            if message.type == aiohttp.WSMsgType.BINARY:
                data = self._inflate(data)
            async with self._changed:
                self.frames.append(json.loads(data))
                self._changed.notify_all()
        self.closed = self._socket.close_code


class RawBot(RawGateway):
    """An identified bot with the callback route at hand."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        await self.identify()
        await self.wait("GUILD_CREATE")
        self.rest = Rest(self._http, self.sandbox.base_url, f"Bot {self.sandbox.bot_token}")
        self.anonymous = Rest(self._http, self.sandbox.base_url, "")
        return self

    async def register(self, *commands: JSON) -> list[JSON]:
        """Overwrite the global commands; descriptions are added."""
        path = f"/applications/{self.sandbox.application_id}/commands"
        answer = await self.rest("PUT", path, [{"description": "a command"} | command for command in commands])
        assert answer.status == 200, answer.body
        registered: list[JSON] = answer.body
        return registered

    async def interaction(self, nth: int = 1) -> JSON:
        """The ``nth`` interaction."""
        async with asyncio.timeout(10), self._changed:
            while True:
                found: list[JSON] = [frame["d"] for frame in self.frames if frame.get("t") == "INTERACTION_CREATE"]
                if len(found) >= nth:
                    return found[nth - 1]
                await self._changed.wait()

    async def answer(self, interaction: JSON, kind: int, data: JSON | None = None, **more: Any) -> Answer:
        """The callback, asking for the response."""
        path = f"/interactions/{interaction['id']}/{interaction['token']}/callback?with_response=1"
        return await self.anonymous("POST", path, {"type": kind} | ({"data": data} if data is not None else {}), **more)

    async def by_token(self, interaction: JSON, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        """A call on the interaction's webhook, such as ``"/messages/@original"``."""
        base = f"/webhooks/{self.sandbox.application_id}/{interaction['token']}"
        return await self.anonymous(method, base + path, body, agent=AGENT, **more)
