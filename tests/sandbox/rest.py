"""A thin REST client: status, body and headers of one call."""

import io
import json
from dataclasses import dataclass
from typing import Any

import aiohttp

AGENT = "DiscordBot (https://example.org/tests, 1)"


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]

    @property
    def verdict(self) -> tuple[int, int | None]:
        """Status and Discord's code."""
        return self.status, self.body.get("code") if isinstance(self.body, dict) else None

    def complaints(self, path: str) -> list[str]:
        """The codes of the complaints about a dotted path in a refused form."""
        node = self.body["errors"]
        for key in path.split("."):
            node = node.get(key, {})
        return [error["code"] for error in node.get("_errors", [])]


class Rest:
    """Calls below ``/api/v10`` with one Authorization header (empty: none)."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str, authorization: str) -> None:
        self.session = session
        self.base_url = base_url
        self.authorization = authorization

    def by(self, authorization: str) -> "Rest":
        """The same client with another token."""
        return Rest(self.session, self.base_url, authorization)

    async def __call__(
        self, method: str, path: str, body: Any = None, *, files: dict[str, bytes] | None = None, agent: str = AGENT
    ) -> Answer:
        headers = {"User-Agent": agent}
        if self.authorization:
            headers["Authorization"] = self.authorization
        arguments: dict[str, Any] = {"json": body} if body is not None else {}
        if files is not None:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("payload_json", json.dumps(body or {}), content_type="application/json")
            for number, (filename, data) in enumerate(files.items()):
                form.add_field(
                    f"files[{number}]", io.BytesIO(data), filename=filename, content_type="application/octet-stream"
                )
            arguments = {"data": form}
        url = f"{self.base_url}/api/v10{path}"
        async with self.session.request(method, url, headers=headers, **arguments) as answer:
            text = await answer.text()
            return Answer(answer.status, json.loads(text) if text else None, dict(answer.headers))
