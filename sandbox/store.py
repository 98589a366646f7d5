"""Where the world outlives the process: SQLite for records, a folder for files; or neither, in memory."""

import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Locked until the process ends, however it ends: two worlds in one folder would overwrite each other.
# NORMAL survives a killed process; only a power cut may take the last records.
SCHEMA = """
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, json TEXT, PRIMARY KEY (kind, key));
"""


class Store:
    """Records by kind and key, and blobs by id. When a call returns, its work survives the death of the process.

    OSError if the folder cannot be written to, or another process has it.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}
        self._database: sqlite3.Connection | None = None
        if folder is not None:
            (folder / "attachments").mkdir(mode=0o700, parents=True, exist_ok=True)
            path = folder / "world.sqlite3"
            path.touch(mode=0o600)  # it holds tokens: nobody else's business on a shared machine
            self._database = sqlite3.connect(path, isolation_level=None, timeout=0)
            try:
                self._database.executescript(SCHEMA)
            except sqlite3.OperationalError as error:
                self._database.close()
                raise OSError(errno.EBUSY, f"another sandbox is using {folder} ({error})") from error

    def load(self, kind: str) -> Iterator[dict[str, Any]]:
        """All records of a kind, oldest key first (keys are snowflakes, or fixed names)."""
        if self._database is not None:
            rows = self._database.execute(
                "SELECT json FROM records WHERE kind = ? ORDER BY length(key), key", (kind,)
            ).fetchall()
            for (text,) in rows:
                yield json.loads(text)

    def put(self, kind: str, key: str, value: dict[str, Any]) -> None:
        """Write a record, replacing the one with this kind and key."""
        if self._database is not None:
            self._database.execute("REPLACE INTO records VALUES (?, ?, ?)", (kind, key, json.dumps(value)))

    def delete(self, kind: str, key: str) -> None:
        """Forget a record; no error if there is none."""
        if self._database is not None:
            self._database.execute("DELETE FROM records WHERE kind = ? AND key = ?", (kind, key))

    def write_blob(self, blob_id: str, data: bytes) -> None:
        """Keep a file's bytes under a decimal id."""
        if self._folder is None:
            self._memory[blob_id] = data
            return
        path = self._blob_path(blob_id)
        # A half-written picture must never be served: write beside it, then put it in place.
        partial = path.with_suffix(".partial")
        partial.write_bytes(data)
        os.replace(partial, path)

    def read_blob(self, blob_id: str) -> bytes | None:
        """A file's bytes, or None if it is not (or no longer) kept."""
        if self._folder is None:
            return self._memory.get(blob_id)
        try:
            return self._blob_path(blob_id).read_bytes()
        except FileNotFoundError:
            return None

    def delete_blob(self, blob_id: str) -> None:
        """Forget a file; no error if there is none."""
        self._memory.pop(blob_id, None)
        if self._folder is not None:
            self._blob_path(blob_id).unlink(missing_ok=True)

    def blob_ids(self) -> list[str]:
        """The ids of all files kept."""
        if self._folder is None:
            return list(self._memory)
        return [path.name for path in (self._folder / "attachments").iterdir() if path.name.isdecimal()]

    def close(self) -> None:
        """Let go of the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _blob_path(self, blob_id: str) -> Path:
        assert self._folder is not None
        # The id comes from a URL: only digits may reach the file system.
        return self._folder / "attachments" / str(int(blob_id))
