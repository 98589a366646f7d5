"""The journal: documents that outlive their process, and no error of the disk that stops it."""

from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from bot.journal import Journal


def test_what_is_written_outlives_the_process(tmp_path: Path) -> None:
    """By kind and key, oldest first; what is struck or written again is not there twice."""
    file = tmp_path / "deep" / "journal.sqlite3"
    first = Journal(file)
    for key in ("b", "a", "c"):
        first.write("waiting", key, {"key": key})
    first.write("batch", "a", {"other": 1})
    first.strike("waiting", "b")
    first.write("waiting", "a", {"key": "new"})
    second = Journal(file)  # the first was killed: it has closed nothing
    assert second.read("waiting") == {"c": {"key": "c"}, "a": {"key": "new"}}
    assert second.read("batch") == {"a": {"other": 1}}
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    first.close()
    second.close()


def test_without_a_file_it_lasts_as_long_as_the_process() -> None:
    """It is used in the same way."""
    journal = Journal()
    journal.write("waiting", "a", {"key": 1})
    assert journal.read("waiting") == {"a": {"key": 1}}
    assert Journal().read("waiting") == {}


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be taken for one" * 40, b""])
def test_a_file_that_is_no_journal_stops_nothing(tmp_path: Path, content: bytes) -> None:
    """Damaged, or a folder in its place: the process goes on without it."""
    file = tmp_path / "journal.sqlite3"
    file.write_bytes(content) if content else file.mkdir()
    journal = Journal(file)
    journal.write("waiting", "a", {"key": 1})
    assert journal.read("waiting") == {"a": {"key": 1}}


def test_damaged_entries_are_left_out(tmp_path: Path) -> None:
    """The others are there."""
    file = tmp_path / "journal.sqlite3"
    journal = Journal(file)
    journal.write("waiting", "a", {"key": 1})
    with sqlite3.connect(file) as database:
        database.execute("INSERT INTO kept VALUES ('waiting', 'b', '{')")
        database.execute("INSERT INTO kept VALUES ('waiting', 'c', NULL)")
    assert journal.read("waiting") == {"a": {"key": 1}}
    journal.close()
