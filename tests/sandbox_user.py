"""A person on the sandbox, for end-to-end tests: types commands, presses buttons, and sees what a person would see.

Nothing here is private to the sandbox's insides: it speaks the routes and the gateway of a user's client.
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import aiohttp

JSON = dict[str, Any]
CHAT_OPTIONS = {str: 3, int: 4, bool: 5, float: 10}


class Refused(Exception):
    """The sandbox did not take what the user did; ``status`` and ``body`` are its answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class SandboxUser:
    """One person in one channel. Use it as ``async with``; time-outs are in seconds and end in TimeoutError, whose text
    lists what was seen instead.

    ``events`` holds every gateway event as ``(name, payload)`` in the order of arrival.
    """

    def __init__(self, base_url: str, token: str, guild_id: str | None, channel_id: str) -> None:
        self.base_url = base_url
        self.guild_id = guild_id
        self.channel_id = channel_id
        self.user: JSON = {}
        self.events: list[tuple[str, JSON]] = []
        self._token = token
        self._changed = asyncio.Condition()
        self._session_id = ""
        self._application_id = ""

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(headers={"Authorization": self._token})
        self._socket = await self._http.ws_connect(f"{self.base_url}/?v=9&encoding=json", max_msg_size=0)
        self._reader = asyncio.create_task(self._read())
        await self._socket.send_json({"op": 2, "d": {"token": self._token, "properties": {}, "capabilities": 16381}})
        ready = await self.wait_event("READY")
        self.user, self._session_id = ready["user"], ready["session_id"]
        self._application_id = next(user["id"] for user in ready["users"] if user.get("bot"))
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beating.cancel()
        await self._socket.close()
        await self._reader
        await self._http.close()

    # What a person does ------------------------------------------------------------------------------------------

    async def commands(self) -> list[JSON]:
        """The commands that the picker offers in this place."""
        place = f"guilds/{self.guild_id}" if self.guild_id else f"channels/{self.channel_id}"
        index = await self.request("GET", f"/{place}/application-command-index")
        found: list[JSON] = index["application_commands"]
        return found

    async def slash(self, command: str, **options: str | int | float | bool | bytes) -> str:
        """Type a command (``"prefer remix"`` for a subcommand); bytes are sent as an attachment. Returns the nonce."""
        name, *words = command.split()
        registered = next((one for one in await self.commands() if one["name"] == name), None)
        if registered is None:
            raise LookupError(f"no command /{name} is registered")
        known, attachments = registered.get("options", []), list[JSON]()
        for word in words:
            known = next(option for option in known if option["name"] == word).get("options", [])
        kinds = {option["name"]: option["type"] for option in known}
        given: list[JSON] = []
        for key, value in options.items():
            if isinstance(value, bytes):
                attachments.append(await self.upload(value, f"{key}.png", str(len(attachments))))
                value = attachments[-1]["id"]
            given.append({"type": kinds.get(key, CHAT_OPTIONS.get(type(value), 3)), "name": key, "value": value})
        for kind, word in enumerate(reversed(words), start=1):  # a subcommand is of type 1, its group of type 2
            given = [{"type": kind, "name": word, "options": given}]
        data = {name: registered[name] for name in ("id", "name", "version", "type")}
        return await self._interact(2, data | {"options": given, "attachments": attachments})

    async def autocomplete(self, command: str, option: str, typed: str) -> list[JSON]:
        """Type into an option; the choices that the bot offers."""
        registered = next(one for one in await self.commands() if one["name"] == command)
        data = {name: registered[name] for name in ("id", "name", "version", "type")}
        nonce = await self._interact(
            4, data | {"options": [{"type": 3, "name": option, "value": typed, "focused": True}]}
        )
        answer = await self.wait_event("APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE", lambda d: d["nonce"] == nonce)
        choices: list[JSON] = answer["choices"]
        return choices

    async def press(self, message: JSON, button: str, *, values: list[str] | None = None) -> str:
        """Press a button (by custom id, label or emoji) or choose from a select (by custom id). Returns the nonce."""
        part = find_component(message, button)
        data: JSON = {"component_type": part["type"], "custom_id": part["custom_id"]}
        if values is not None:
            data |= {"type": part["type"], "values": values}
        return await self._interact(3, data, message_id=message["id"], message_flags=message.get("flags", 0))

    async def menu(self, command: str, message: JSON) -> str:
        """Use a command of a message's context menu. Returns the nonce."""
        registered = next(one for one in await self.commands() if one["name"] == command)
        data = {name: registered[name] for name in ("id", "name", "version", "type")}
        return await self._interact(2, data | {"target_id": message["id"], "options": [], "attachments": []})

    async def submit_modal(self, modal: JSON, **values: Any) -> str:
        """Fill in the modal of :meth:`wait_modal`: values by custom id, or by position as ``field0``, ``field1``; what
        is left out keeps what the bot filled in. Returns the nonce."""
        filled: list[JSON] = []
        inputs = [part for part in components(modal["components"]) if "custom_id" in part]
        for index, field in enumerate(inputs):
            value = values.get(field["custom_id"], values.get(f"field{index}", field.get("value", "")))
            key = "values" if isinstance(value, list) else "value"
            filled.append(
                {"type": 1, "components": [{"type": field["type"], "custom_id": field["custom_id"], key: value}]}
            )
        return await self.send_modal(modal, filled)

    async def send_modal(self, modal: JSON, filled: list[JSON], attachments: list[JSON] | None = None) -> str:
        """Submit a modal with components written out in full, and files from :meth:`upload`. Returns the nonce."""
        data = {"id": modal["id"], "custom_id": modal["custom_id"], "components": filled}
        return await self._interact(5, data | {"attachments": attachments or []})

    async def say(self, content: str, **more: Any) -> JSON:
        """Write a message into the channel."""
        message: JSON = await self.request("POST", f"/channels/{self.channel_id}/messages", {"content": content} | more)
        return message

    async def react(self, message: JSON, emoji: str) -> None:
        """Put an emoji under a message."""
        await self.request("PUT", f"/channels/{message['channel_id']}/messages/{message['id']}/reactions/{emoji}/@me")

    async def unreact(self, message: JSON, emoji: str) -> None:
        """Take one's emoji away again."""
        path = f"/channels/{message['channel_id']}/messages/{message['id']}/reactions/{emoji}/@me"
        await self.request("DELETE", path)

    async def upload(self, data: bytes, filename: str, number: str = "0") -> JSON:
        """Put a file into a slot; what a message or interaction lists under ``attachments`` to use it."""
        body = {"files": [{"filename": filename, "file_size": len(data), "id": number}]}
        slot = (await self.request("POST", f"/channels/{self.channel_id}/attachments", body))["attachments"][0]
        async with self._http.put(slot["upload_url"], data=data) as answer:
            answer.raise_for_status()
        return {"id": number, "filename": filename, "uploaded_filename": slot["upload_filename"]}

    async def history(self, limit: int = 50) -> list[JSON]:
        """The channel's messages, newest first."""
        messages: list[JSON] = await self.request("GET", f"/channels/{self.channel_id}/messages?limit={limit}")
        return messages

    async def fetch(self, url: str) -> bytes:
        """The bytes behind an attachment's link."""
        async with self._http.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def direct(self, user_id: str) -> "SandboxUser":
        """The same person in the direct messages with somebody; to be entered with ``async with``."""
        channel = await self.request("POST", "/users/@me/channels", {"recipients": [user_id]})
        return SandboxUser(self.base_url, self._token, None, channel["id"])

    async def request(self, method: str, path: str, body: Any = None) -> Any:
        """Any call below ``/api/v9``; raises :class:`Refused` unless it succeeds."""
        async with self._http.request(method, f"{self.base_url}/api/v9{path}", json=body) as answer:
            text = await answer.text()
            content = json.loads(text) if text else None
            if answer.status >= 400:
                raise Refused(answer.status, content)
            return content

    # What a person sees ------------------------------------------------------------------------------------------

    async def wait_event(
        self,
        name: str,
        predicate: Callable[[JSON], bool] = lambda payload: True,
        timeout_s: float = 30.0,
        since: int = 0,
    ) -> JSON:
        """The first event of this name (from number ``since`` on) that fits; those already here count."""
        async with self._changed:
            try:
                async with asyncio.timeout(timeout_s):
                    while True:
                        for event, payload in self.events[since:]:
                            if event == name and predicate(payload):
                                return payload
                        await self._changed.wait()
            except TimeoutError:
                seen = "\n".join(f"  {event} {json.dumps(payload)[:200]}" for event, payload in self.events[since:])
                raise TimeoutError(f"no such {name} within {timeout_s} s; there were:\n{seen}") from None

    async def wait_message(
        self, predicate: Callable[[JSON], bool] = lambda message: True, timeout_s: float = 30.0, since: int = 0
    ) -> JSON:
        """The first new message in this channel that fits."""
        return await self.wait_event("MESSAGE_CREATE", self._here(predicate), timeout_s, since)

    async def wait_answer(self, nonce: str, timeout_s: float = 30.0) -> JSON:
        """The message that answers the interaction with this nonce."""
        return await self.wait_message(lambda message: message.get("nonce") == nonce, timeout_s)

    async def wait_update(
        self,
        message: JSON,
        predicate: Callable[[JSON], bool] = lambda message: True,
        timeout_s: float = 30.0,
        since: int = 0,
    ) -> JSON:
        """The first edit of ``message`` that fits."""
        wanted = message["id"]
        return await self.wait_event("MESSAGE_UPDATE", lambda d: d["id"] == wanted and predicate(d), timeout_s, since)

    async def wait_delete(self, message: JSON, timeout_s: float = 30.0) -> None:
        """Return when ``message`` is gone."""
        await self.wait_event("MESSAGE_DELETE", lambda payload: payload["id"] == message["id"], timeout_s)

    async def wait_modal(self, nonce: str, timeout_s: float = 30.0) -> JSON:
        """The modal that answers the interaction with this nonce."""
        return await self.wait_event("INTERACTION_MODAL_CREATE", lambda d: d["nonce"] == nonce, timeout_s)

    def messages(self) -> list[JSON]:
        """The messages in this channel that have arrived so far and are still there, in their latest form."""
        current: dict[str, JSON] = {}
        for name, payload in self.events:
            if name in ("MESSAGE_CREATE", "MESSAGE_UPDATE") and payload["channel_id"] == self.channel_id:
                current[payload["id"]] = payload
            elif name == "MESSAGE_DELETE":
                current.pop(payload["id"], None)
        return list(current.values())

    def _here(self, predicate: Callable[[JSON], bool]) -> Callable[[JSON], bool]:
        return lambda message: message["channel_id"] == self.channel_id and predicate(message)

    async def _interact(self, kind: int, data: JSON, **more: Any) -> str:
        nonce = str(secrets.randbits(62))
        body = {
            "type": kind,
            "application_id": self._application_id,
            "guild_id": self.guild_id,
            "channel_id": self.channel_id,
            "session_id": self._session_id,
            "nonce": nonce,
            "data": data,
        }
        await self.request("POST", "/interactions", body | more)
        return nonce

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(40)
            await self._socket.send_json({"op": 1, "d": None})

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type != aiohttp.WSMsgType.TEXT:
                continue
            payload = json.loads(frame.data)
            if payload["op"] == 0:
                async with self._changed:
                    self.events.append((payload["t"], payload["d"]))
                    self._changed.notify_all()


def components(parts: list[JSON]) -> list[JSON]:
    """Every component at every depth."""
    found: list[JSON] = []
    for part in parts:
        found += [part, *components(part.get("components", []))]
        found += components([part[key] for key in ("accessory", "component") if key in part])
    return found


def find_component(message: JSON, name: str) -> JSON:
    """A message's component by custom id, label or emoji."""
    for part in components(message["components"]):
        if name in (part.get("custom_id"), part.get("label"), (part.get("emoji") or {}).get("name")):
            return part
    raise LookupError(
        f"no {name!r} among {[p.get('label') or p.get('custom_id') for p in components(message['components'])]}"
    )
