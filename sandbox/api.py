"""How a REST call is taken in: token, faults, rate limit, body, handler, record. The routes are elsewhere."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs

from aiohttp import BodyPartReader, web

from sandbox.core import Sandbox
from sandbox.errors import ApiError, missing_access, missing_permissions, too_large, unauthorized, unknown
from sandbox.faults import Fault
from sandbox.limits import Verdict, refusal_headers
from sandbox.permissions import Permission
from sandbox.rare_answers import RARE, RareAnswer
from sandbox.uploads import File
from sandbox.world import DM, Channel, Message, User

log = logging.getLogger("sandbox")
PREFIXES = ("/api/v9", "/api/v10")
Access = Literal["bot", "user", "any", "token"]


@dataclass
class Call:
    """One request as its handler sees it. ``actor`` is None where the token in the path is the only proof."""

    sandbox: Sandbox
    method: str
    params: dict[str, str]
    query: dict[str, str]
    actor: User | None
    body: Any
    files: list[File]
    status: int = 200
    _afterwards: list[Coroutine[Any, Any, None]] = field(default_factory=list)

    @property
    def user(self) -> User:
        """The caller of a route that asks for a token."""
        if self.actor is None:
            raise unauthorized()
        return self.actor

    @property
    def form(self) -> dict[str, Any]:
        """The body, where it has to be an object."""
        if not isinstance(self.body, dict):
            raise ApiError(400, 50035, "Invalid Form Body")
        return self.body

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this once the answer has been written."""
        self._afterwards.append(work)

    def channel(self, *needed: Permission) -> Channel:
        """The channel in the path, if the caller may do ``needed`` there."""
        return self.find_channel(self.params["channel"], *needed)

    def find_channel(self, channel_id: str, *needed: Permission) -> Channel:
        """A channel by id: 10003 if there is none, 50001 if it may not be seen, 50013 if a right is missing."""
        channel = self.sandbox.world.channels.get(channel_id)
        if channel is None:
            raise unknown("channel")
        if channel.type == DM:
            if self.user.id not in channel.recipients:
                raise missing_access()
        elif self.user.bot:
            if not channel.bot_permissions & Permission.VIEW_CHANNEL:
                raise missing_access()
            for permission in needed:
                if not channel.bot_permissions & permission:
                    raise missing_permissions()
        return channel

    def message(self, channel: Channel) -> Message:
        """The message in the path; ephemeral ones cannot be reached by a channel's routes."""
        message = self.sandbox.world.messages.get(self.params["message"])
        if message is None or message.channel_id != channel.id or message.ephemeral_to is not None:
            raise unknown("message")
        return message


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """A path below the API's root. ``access`` says whose token it takes, ``rule`` which rate limit counts."""

    method: str
    path: str
    handler: Handler
    access: Access = "any"
    rule: str = "other"


class Api:
    """Puts routes on an aiohttp application."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def add(self, app: web.Application, routes: list[Route]) -> None:
        """Serve ``routes`` under every API version."""
        for route in routes:
            for prefix in PREFIXES:
                app.router.add_route(route.method, prefix + route.path, self._endpoint(route))

    def add_rest(self, app: web.Application) -> None:
        """Everything else below /api: 404, and a line in the record, because a client may need what is missing here."""
        app.router.add_route("*", "/api{rest:.*}", self._endpoint(Route("*", "", self._unimplemented, access="token")))

    async def _unimplemented(self, call: Call) -> Any:
        detail = f"{call.method} {call.params['rest']}"
        self._sandbox.record.violation("unimplemented route", detail)
        log.warning("unimplemented route: %s", detail)
        raise ApiError(404, 0, "404: Not Found")

    def _endpoint(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def endpoint(request: web.Request) -> web.StreamResponse:
            return await self._answer(route, request)

        return endpoint

    async def _answer(self, route: Route, request: web.Request) -> web.StreamResponse:
        sandbox = self._sandbox
        sandbox.record.arrived(request.path)
        call = Call(sandbox, request.method, dict(request.match_info), dict(request.query), None, None, [])
        fault: Fault | None = None
        verdict = Verdict(True, {})
        entry: dict[str, Any] = {"method": request.method, "path": request.path_qs, "json": None, "files": []}
        rare: RareAnswer | None = None
        try:
            call.actor = self._authenticate(route, request)
            await self._read(request, call)
            entry["json"] = json.loads(json.dumps(call.body))
            entry["files"] = [{"name": f.name, "filename": f.filename, "size": len(f.data)} for f in call.files]
            fault = self._fault(request, call)
            await self._strike(fault)
            verdict = self._count(route, request, call)
            if not verdict.allowed:
                raise _limited(verdict)
            body = await route.handler(call)
            status = call.status if body is not None else 204
        except RareAnswer as error:
            rare, status, body = error, error.status, error.text
        except ApiError as error:
            status, body = error.status, error.body
        except ConnectionError:
            log.info("the client left in the middle of %s %s", request.method, request.path)
            return web.Response(status=400)
        except Exception:
            log.exception("the sandbox failed at %s %s", request.method, request.path)
            sandbox.record.violation("sandbox error", f"{request.method} {request.path}")
            status, body = 500, {"message": "500: Internal Server Error", "code": 0}
        entry |= {"status": status, "response": body, "headers": _headers(request)}
        entry["user"] = call.actor.id if call.actor is not None and not call.actor.bot else None
        sandbox.record.exchange(entry)
        response = _as_it_is(rare) if rare is not None else self._response(status, body, verdict)
        try:
            await self._send(request, response, fault)
        except ConnectionError:
            log.info("the client left before the answer to %s %s", request.method, request.path)
        for work in call._afterwards:
            sandbox.later(work)
        return response

    async def _send(self, request: web.Request, response: web.Response, fault: Fault | None) -> None:
        """Write the answer, unless a fault keeps it or cuts it off."""
        kind = fault.kind if fault is not None else ""
        if fault is not None and kind == "slow_answer":
            await asyncio.sleep(fault.seconds)
        if kind in ("lost_answer", "lost_request") and request.transport is not None:
            request.transport.abort()
        await response.prepare(request)
        if kind == "half_answer" and isinstance(response.body, bytes) and request.transport is not None:
            # The head promises the whole body.
            await response.write(response.body[: len(response.body) // 2])
            request.transport.close()
            raise ConnectionResetError("cut off on request")
        await response.write_eof()

    def _authenticate(self, route: Route, request: web.Request) -> User | None:
        header = request.headers.get("Authorization", "")
        claims_bot = header.startswith("Bot ")
        user = self._sandbox.world.user_by_token(header.removeprefix("Bot "))
        if user is not None and user.bot != claims_bot:
            user = None
        if user is not None and user.bot:
            self._check_agent(request)
        if route.access == "token":
            return user
        if user is None or (route.access != "any" and (route.access == "bot") != user.bot):
            raise unauthorized()
        return user

    def _check_agent(self, request: web.Request) -> None:
        """Discord asks bots to say who they are; it may cut off those that do not."""
        agent = request.headers.get("User-Agent", "")
        if not agent.startswith("DiscordBot ("):
            self._sandbox.record.violation("User-Agent", f"{request.method} {request.path} came from {agent!r}")

    def _fault(self, request: web.Request, call: Call) -> Fault | None:
        """The planned trouble that this request meets. A caller without a token has an interaction's: a bot."""
        by = "person" if call.actor is not None and not call.actor.bot else "bot"
        return self._sandbox.faults.next(request.method, request.path, json.dumps(call.body, ensure_ascii=False), by)

    async def _strike(self, fault: Fault | None) -> None:
        """What happens before the work."""
        if fault is None:
            return
        if fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "status":
            raise ApiError(fault.status, fault.code, fault.message or f"{fault.status}: on request")
        elif fault.kind == "answer":
            raise RARE[fault.answer](fault.draws)
        elif fault.kind == "lost_request":
            raise ApiError(503, 0, "503: the connection was cut on request")
        elif fault.kind == "rate_limit":
            everywhere = fault.scope == "global"
            text = json.dumps(
                {"message": "You are being rate limited.", "retry_after": fault.seconds, "global": everywhere}
            )
            headers = refusal_headers(fault.seconds) | {"X-RateLimit-Scope": fault.scope}
            raise RareAnswer(429, text, headers=headers | ({"X-RateLimit-Global": "true"} if everywhere else {}))

    def _count(self, route: Route, request: web.Request, call: Call) -> Verdict:
        by_bot = call.actor is not None and call.actor.bot
        if not by_bot and route.access != "token":
            return Verdict(True, {})  # what people click is not limited here
        key = call.params.get("token") or call.params.get("channel") or ""
        if route.rule == "other":
            key = f"{route.method} {route.path} {key}"
        return self._sandbox.buckets.take(route.rule, key, time.time(), counts_globally=route.access != "token")

    async def _read(self, request: web.Request, call: Call) -> None:
        """The body: JSON, or multipart with ``payload_json`` and files."""
        limit = self._sandbox.limits.request_bytes
        if request.content_length is not None and request.content_length > limit:
            raise too_large()
        if request.content_type != "multipart/form-data":
            data = bytearray()
            async for chunk in request.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > limit:
                    raise too_large()
            # py-cord sends an answer without files as an ordinary form with one field.
            if request.content_type == "application/x-www-form-urlencoded":
                fields = parse_qs(data.decode("ascii", errors="replace"))
                data = bytearray(fields.get("payload_json", [""])[0].encode())
            call.body = _parse(bytes(data)) if data else {}
            return
        try:
            await self._read_parts(request, call)
        except ValueError:
            raise ApiError(400, 50035, "Invalid Form Body") from None
        if len(call.files) > self._sandbox.limits.files:
            raise too_large()
        if any(len(file.data) > self._sandbox.limits.file_bytes for file in call.files):
            raise too_large()

    async def _read_parts(self, request: web.Request, call: Call) -> None:
        """A multipart body; ValueError where it is none."""
        call.body, size = {}, 0
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            data = bytearray()
            while chunk := await part.read_chunk(1 << 16):
                data += chunk
                size += len(chunk)
                if size > self._sandbox.limits.request_bytes:
                    raise too_large()
            if part.filename is not None:
                call.files.append(File(part.name or "", part.filename, bytes(data)))
            elif part.name == "payload_json":
                call.body = _parse(bytes(data))

    def _response(self, status: int, body: Any, verdict: Verdict) -> web.Response:
        headers = dict(verdict.headers)
        if status == 204:
            return web.Response(status=204, headers=headers)
        # Exactly this content type: discord.py does not parse JSON under "application/json; charset=utf-8".
        headers["Content-Type"] = "application/json"
        return web.Response(status=status, body=json.dumps(body).encode(), headers=headers)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None


def _as_it_is(rare: RareAnswer) -> web.Response:
    headers = {"Content-Type": rare.content_type, "Via": "1.1 google"} | rare.headers
    if rare.content_type != "application/json":
        del headers["Via"]  # it has not come from Discord
    return web.Response(status=rare.status, body=rare.text.encode(), headers=headers)


def _limited(verdict: Verdict) -> ApiError:
    error = ApiError(429, 0, "You are being rate limited.")
    error.body["retry_after"] = round(verdict.retry_after, 3)
    error.body["global"] = verdict.everywhere
    if not verdict.everywhere:
        del error.body["code"]
    return error


def _headers(request: web.Request) -> dict[str, str]:
    """The request's headers, without the token."""
    return {name: "(redacted)" if name.lower() == "authorization" else value for name, value in request.headers.items()}
