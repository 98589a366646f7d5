"""What a bot process would know no more after a restart, in a file of its own.

Redis holds it all. Only where Redis comes back empty, and the bot is started again too, is this the one place that
still knows of the messages that people were given, and makes them go on. So it may be missing or lag a little, and no
error of it stops anything.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange.weather import Weather

BUSY_S = 0.2
"""How long to wait for another process of this host that writes to the same file."""

Json = Any


class Journal:
    """Documents by their kind and key. Without a file it is empty at each start."""

    def __init__(self, file: Path | None = None) -> None:
        self._weather = Weather("the bot's journal")
        self._database = self._open(file) or self._open(None)

    def write(self, kind: str, key: str, document: Mapping[str, Json]) -> None:
        """Keep a document in place of what was kept under its kind and key."""
        self._execute("REPLACE INTO kept VALUES (?, ?, ?)", kind, key, json.dumps(document, separators=(",", ":")))

    def strike(self, kind: str, key: str) -> None:
        """Keep it no longer."""
        self._execute("DELETE FROM kept WHERE kind = ? AND key = ?", kind, key)

    def read(self, kind: str) -> dict[str, Json]:
        """All documents of a kind by their keys, oldest first. What cannot be read is left out."""
        rows = self._execute("SELECT key, document FROM kept WHERE kind = ? ORDER BY rowid", kind)
        found = {}
        for key, document in rows:
            try:
                found[str(key)] = json.loads(document)
            except (TypeError, ValueError):
                self.strike(kind, str(key))
        return found

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()

    def _open(self, file: Path | None) -> sqlite3.Connection | None:
        try:
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.touch(mode=0o600)  # prompts are people's own
            database = sqlite3.connect(file or ":memory:", timeout=BUSY_S, isolation_level=None)
            # A process that is killed loses nothing; only a power cut may, and then Redis has its own file.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("CREATE TABLE IF NOT EXISTS kept (kind, key, document, UNIQUE (kind, key))")
        except (OSError, sqlite3.Error) as error:
            self._weather.bad(error)
            return None
        return database

    def _execute(self, command: str, *values: str) -> list[Any]:
        if self._database is None:
            return []
        try:
            rows = self._database.execute(command, values).fetchall()
        except sqlite3.Error as error:
            self._weather.bad(error)
            return []
        self._weather.good()
        return rows
