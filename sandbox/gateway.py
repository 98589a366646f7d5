"""The gateway: sessions of bots and people over WebSocket, with resuming, intents, shards and close codes."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.greetings import greeting
from sandbox.limits import Limits
from sandbox.permissions import Permission
from sandbox.record import Record
from sandbox.sessions import Connection, Session
from sandbox.wire import Wire
from sandbox.world import DM, Channel, User, World

HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME = 1, 2, 3, 4, 6
RECONNECT, REQUEST_MEMBERS, INVALID_SESSION, HELLO, HEARTBEAT_ACK = 7, 8, 9, 10, 11
SUBSCRIBE, SUBSCRIBE_MANY = 14, 37  # of people's clients: the member list at a channel's side

GUILDS, GUILD_MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
PRIVILEGED = GUILD_MEMBERS | PRESENCES | MESSAGE_CONTENT
ALL_INTENTS = (1 << 26) - 1
# Which intent an event needs, by the first word found in its name (a reaction's name has "MESSAGE" in it too).
GUILD_INTENTS = {"REACTION": 1 << 10, "TYPING": 1 << 11, "MESSAGE": 1 << 9}
DIRECT_INTENTS = {"REACTION": 1 << 13, "TYPING": 1 << 14, "MESSAGE": 1 << 12}

PAYLOAD_BYTES = 4096
SENDS_A_MINUTE = 120
RESUMABLE_S = 120.0
CLOSING_S = 1.0


class Closed(Exception):
    """The server ends the connection with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gateway:
    """All sessions, and the ways events reach them."""

    def __init__(self, world: World, wire: Wire, limits: Limits, record: Record) -> None:
        self._world = world
        self._wire = wire
        self._limits = limits
        self._record = record
        self._sessions: dict[str, Session] = {}
        self._connections: set[Connection] = set()

    # Events out --------------------------------------------------------------------------------------------------

    def publish(self, event: str, channel: Channel, payload_for: Callable[[User], dict[str, Any]]) -> None:
        """Send a channel's event to everyone who sees the channel, each as ``payload_for`` shows it to that user."""
        guild_id = self._world.channel_guild(channel)
        intents = GUILD_INTENTS if guild_id else DIRECT_INTENTS
        needed = next((bit for family, bit in intents.items() if family in event), GUILDS)
        hidden = needed != GUILDS and not channel.bot_permissions & Permission.VIEW_CHANNEL
        payloads: dict[str, dict[str, Any]] = {}
        for session in self._alive():
            user = session.user
            if channel.type == DM and user.id not in channel.recipients:
                continue
            if user.bot and (hidden or not session.intents & needed or not session.serves(guild_id)):
                continue
            first = user.id not in payloads
            if first:
                payloads[user.id] = payload_for(user)
            payload = self._readable(event, payloads[user.id], session)
            session.dispatch(event, payload)
            if first:
                self._note(event, payload, user)

    def tell(self, user: User, event: str, payload: dict[str, Any], *, guild_id: str | None = None) -> None:
        """Send an event to one user's sessions; for the bot, to those of the guild's shard."""
        self._note(event, payload, user)
        for session in self._alive():
            if session.user is user and (not user.bot or session.serves(guild_id)):
                session.dispatch(event, payload, partial(self._record.left, event, payload) if user.bot else None)

    def disturb(self, kind: str, *, bots: bool = True, resumable: bool = True, seconds: float = 60.0) -> int:
        """``drop``, ``reconnect``, ``invalid_session`` or ``silence`` (nothing, not even an ACK, for ``seconds``).

        It meets every connected bot (or person); how many those are."""
        struck = 0
        for connection in list(self._connections):
            if connection.session is None or connection.session.user.bot != bots:
                continue
            struck += 1
            if kind == "drop":
                connection.drop()
            elif kind == "reconnect":
                connection.send_op(RECONNECT)
            elif kind == "silence":
                connection.hold_back(seconds)
            else:
                connection.send_op(INVALID_SESSION, resumable)
                if not resumable:
                    self._forget(connection.session)
        return struck

    def sessions(self) -> list[dict[str, Any]]:
        """Who is connected, for tests that wait for a bot."""
        return [
            {"user_id": s.user.id, "bot": s.user.bot, "shard": s.shard, "connected": s.connection is not None}
            for s in self._alive()
        ]

    async def close(self) -> None:
        """Send everybody away (1001: the server is going down)."""
        await asyncio.gather(*(connection.close(1001) for connection in list(self._connections)))

    # One connection ------------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one client's connection until it ends."""
        socket = web.WebSocketResponse(max_msg_size=1 << 20, compress=False, timeout=CLOSING_S)
        await socket.prepare(request)
        connection = Connection(request, socket)
        self._connections.add(connection)
        writer = asyncio.create_task(connection.write())
        connection.send_op(HELLO, {"heartbeat_interval": self._limits.heartbeat_ms, "_trace": []})
        try:
            if request.query.get("v", "10") not in ("9", "10"):
                raise Closed(4012, "Invalid API version")
            if request.query.get("encoding", "json") != "json":
                raise Closed(4002, "Only the JSON encoding is spoken here")
            await self._listen(connection)
        except Closed as closed:
            connection.finish()
            await writer
            await connection.close(closed.code, closed.reason)
        finally:
            connection.finish()
            await writer
            self._connections.discard(connection)
            self._lose(connection)
        return socket

    async def _listen(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            patience_s = connection.beat_at + 1.5 * self._limits.heartbeat_ms / 1000 - loop.time()
            try:
                message = await connection.socket.receive(timeout=max(0.001, patience_s))
            except TimeoutError:
                raise Closed(4009, "Session timed out") from None
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self._receive(connection, message.data)

    def _receive(self, connection: Connection, data: str | bytes) -> None:
        try:
            payload = json.loads(data)
            op, body = payload["op"], payload.get("d")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Closed(4002, "Error while decoding payload") from None
        session = connection.session
        lenient = self._is_person(session, op, body)
        if not lenient:
            self._police(connection, data)
        if op == HEARTBEAT:
            connection.beat_at = asyncio.get_running_loop().time()
            connection.send_op(HEARTBEAT_ACK)
        elif op == IDENTIFY:
            if session is not None:
                raise Closed(4005, "Already authenticated")
            self._identify(connection, body if isinstance(body, dict) else {})
        elif op == RESUME:
            if session is not None:
                raise Closed(4005, "Already authenticated")
            self._resume(connection, body if isinstance(body, dict) else {})
        elif session is None:
            raise Closed(4003, "Not authenticated")
        elif op == REQUEST_MEMBERS:
            self._chunk(session, body)
        elif op in (SUBSCRIBE, SUBSCRIBE_MANY) and lenient:
            self._list_members(session, body)
        elif op not in (PRESENCE, VOICE) and not lenient:
            raise Closed(4001, "Unknown opcode")

    def _is_person(self, session: Session | None, op: int, body: Any) -> bool:
        """Whether this comes from a human user's client, which is not held to the bots' rules."""
        if session is not None:
            return not session.user.bot
        token = body.get("token") if isinstance(body, dict) and op in (IDENTIFY, RESUME) else None
        user = self._world.user_by_token(str(token).removeprefix("Bot "))
        return user is not None and not user.bot

    def _police(self, connection: Connection, data: str | bytes) -> None:
        if len(data if isinstance(data, bytes) else data.encode()) > PAYLOAD_BYTES:
            raise Closed(4002, "Payload too large")
        now = asyncio.get_running_loop().time()
        connection.sends.append(now)
        while connection.sends[0] <= now - 60:
            connection.sends.popleft()
        if len(connection.sends) > SENDS_A_MINUTE:
            raise Closed(4008, "Rate limited")

    def _identify(self, connection: Connection, body: dict[str, Any]) -> None:
        user = self._world.user_by_token(str(body.get("token")).removeprefix("Bot "))
        if user is None:
            raise Closed(4004, "Authentication failed")
        intents, shard = ALL_INTENTS, None
        if user.bot:
            intents, shard = self._bot_terms(body)
        capabilities = body.get("capabilities")
        session = Session(user, intents, shard, capabilities if isinstance(capabilities, int) else 0)
        session.connection, connection.session = connection, session
        self._sessions[session.id] = session
        for event, payload in greeting(self._world, self._wire, session):
            session.dispatch(event, payload)

    def _bot_terms(self, body: dict[str, Any]) -> tuple[int, tuple[int, int] | None]:
        intents = body.get("intents")
        if not isinstance(intents, int) or not 0 <= intents <= ALL_INTENTS:
            raise Closed(4013, "Invalid intent(s)")
        if intents & PRIVILEGED & ~self._limits.privileged_intents:
            raise Closed(4014, "Disallowed intent(s)")
        shard = body.get("shard")
        if shard is None:
            return intents, None
        match shard:
            case [int(index), int(count)] if 0 <= index < count:
                return intents, (index, count)
        raise Closed(4010, "Invalid shard")

    def _resume(self, connection: Connection, body: dict[str, Any]) -> None:
        user = self._world.user_by_token(str(body.get("token")).removeprefix("Bot "))
        if user is None:
            raise Closed(4004, "Authentication failed")
        session = next((s for s in self._alive() if s.id == body.get("session_id")), None)
        sequence = body.get("seq")
        if session is None or session.user is not user:
            connection.send_op(INVALID_SESSION, False)
            return
        if not isinstance(sequence, int) or not 0 <= sequence <= session.sequence:
            raise Closed(4007, "Invalid sequence")
        if session.replay and session.replay[0][0] > sequence + 1:
            self._forget(session)
            connection.send_op(INVALID_SESSION, False)
            return
        if session.connection is not None:
            session.connection.session = None
            session.connection.drop()
        session.connection, session.lost_at, connection.session = connection, None, session
        for number, text in session.replay:
            if number > sequence:
                connection.send(text)
        session.dispatch("RESUMED", {"_trace": []})

    def _chunk(self, session: Session, body: Any) -> None:
        body = body if isinstance(body, dict) else {}
        wanted, query = body.get("user_ids"), str(body.get("query") or "").lower()
        ids = [str(user_id) for user_id in (wanted if isinstance(wanted, list) else [wanted])] if wanted else None
        members = [
            self._wire.member(user)
            for user in self._world.users.values()
            if (user.id in ids if ids is not None else user.username.lower().startswith(query))
        ]
        payload = {"guild_id": self._world.guild_id, "members": members, "chunk_index": 0, "chunk_count": 1}
        if body.get("nonce") is not None:
            payload["nonce"] = body["nonce"]
        session.dispatch("GUILD_MEMBERS_CHUNK", payload)

    def _list_members(self, session: Session, body: Any) -> None:
        """The member list that a person's client asks for; the guild fits into its first range."""
        guild_id = self._world.guild_id
        wanted = body.get("subscriptions", {body.get("guild_id"): body}) if isinstance(body, dict) else {}
        subscription = wanted.get(guild_id) if isinstance(wanted, dict) else None
        if not (isinstance(subscription, dict) and subscription.get("channels")):
            return
        members = [self._wire.member(user) for user in self._world.users.values()]
        group = {"id": "online", "count": len(members)}
        payload = {
            "guild_id": guild_id,
            "id": "everyone",
            "member_count": len(members),
            "online_count": len(members),
            "groups": [group],
            "ops": [
                {"op": "SYNC", "range": [0, 99], "items": [{"group": group}, *({"member": one} for one in members)]}
            ],
        }
        session.dispatch("GUILD_MEMBER_LIST_UPDATE", payload)

    # Sessions --------------------------------------------------------------------------------------------------------

    def _lose(self, connection: Connection) -> None:
        """The connection is gone; a client that closed with 1000 or 1001 has given up its session too."""
        session = connection.session
        if session is None or session.connection is not connection:
            return
        session.connection, session.lost_at = None, asyncio.get_running_loop().time()
        if connection.socket.close_code in (1000, 1001):
            self._forget(session)

    def _forget(self, session: Session) -> None:
        self._sessions.pop(session.id, None)
        if session.connection is not None:
            session.connection.session = None
            session.connection = None

    def _alive(self) -> list[Session]:
        now = asyncio.get_running_loop().time()
        for session in list(self._sessions.values()):
            if session.lost_at is not None and now - session.lost_at > RESUMABLE_S:
                self._forget(session)
        return list(self._sessions.values())

    def _readable(self, event: str, payload: dict[str, Any], session: Session) -> dict[str, Any]:
        """A message without its content, for a bot that lacks the intent and is not concerned."""
        if not event.startswith("MESSAGE_") or "content" not in payload or not session.user.bot:
            return payload
        own = payload["author"]["id"] == session.user.id
        mentioned = any(user["id"] == session.user.id for user in payload["mentions"])
        if session.intents & MESSAGE_CONTENT or own or mentioned or "guild_id" not in payload:
            return payload
        return payload | {"content": "", "embeds": [], "attachments": [], "components": []}

    def _note(self, event: str, payload: dict[str, Any], user: User) -> None:
        self._record.event(event, payload, None if user.bot else user.id)
