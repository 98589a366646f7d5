"""What was said: every exchange and event as a raw JSON line, so that others can hold it to Discord's documents."""

import json
from collections import deque
from typing import Any

REMEMBERED = 20_000


class Record:
    """The last exchanges and events, and what was wrong about them without being refused."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=REMEMBERED)
        self._dropped = 0
        self.violations: list[dict[str, str]] = []

    def exchange(self, entry: dict[str, Any]) -> None:
        """Keep one request and its answer. Written down at once: what happens to the objects later cannot change it."""
        self._keep(entry)

    def event(self, name: str, payload: dict[str, Any], user_id: str | None) -> None:
        """Keep one gateway event; ``user_id`` is None where the bot received it."""
        self._keep({"t": name, "d": payload, "user": user_id})

    def left(self, name: str, payload: dict[str, Any]) -> None:
        """The bot's connection has just been handed this event. Nothing is kept; for those who take times."""

    def arrived(self, path: str) -> None:
        """A request for ``path`` has just arrived. Nothing is kept; for those who take times."""

    def violation(self, rule: str, detail: str) -> None:
        """Keep a breach that Discord may let pass, but a well-behaved client does not commit."""
        self.violations.append({"rule": rule, "detail": detail})

    def lines(self, since: int = 0) -> list[str]:
        """The lines from number ``since`` on (the first ever is 0)."""
        return list(self._lines)[max(0, since - self._dropped) :]

    def _keep(self, entry: dict[str, Any]) -> None:
        if len(self._lines) == REMEMBERED:
            self._dropped += 1
        self._lines.append(json.dumps(entry))
