"""One command line for all that an operator does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from console.command_line import app
from console.environment import known_settings, unknown_settings
from exchange.answering import answer

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_command_of_the_house_is_there() -> None:
    """The worker's, the policy's, the keys', the bot and the API."""
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).output
    words = (
        "start",
        "bot",
        "api",
        "deliver",
        "intake",
        "status",
        "prune",
        "verify",
        "check",
        "policy",
        "keys",
        "reset-breaker",
        "trace",
    )
    for word in words:
        assert f"\n  {word} " in shown, word
    assert "serve" not in shown.split("Commands:")[1].split()


def test_the_version_is_the_packages() -> None:
    """The one that pyproject.toml names, without Redis, token or settings."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SLOT", "SLOTS"),
        ("RETENTION_DAY", "RETENTION_DAYS"),
        ("MAX_QUEUED_PERUSER", "MAX_QUEUED_PER_USER"),
        ("DISCORD_TOKKEN", "DISCORD_TOKEN"),
        ("IMAGES_STORE", "IMAGE_STORE"),
        ("METRIC_PORT", "METRICS_PORT"),
    ],
)
def test_a_setting_that_is_nearly_right_is_named(name: str, nearest: str, tmp_path: Path) -> None:
    """From the environment and from `.env` alike."""
    assert unknown_settings({name: "8"}, tmp_path / ".env") == [(name, nearest)]
    (tmp_path / ".env").write_text(f"{name}=8\nSLOTS=4\n")
    assert unknown_settings({}, tmp_path / ".env") == [(name, nearest)]


@pytest.mark.parametrize("as_json", [False, True])
def test_no_text_of_people_commands_a_terminal(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """A word on a list, say, that clears the screen; a program still reads what was stored."""
    stored = {"word": "\x1b[2J\x9b31mgore"}
    answer(stored, f"word\t{stored['word']}", as_json)
    printed = capsys.readouterr().out
    assert not {"\x1b", "\x9b"} & set(printed)
    assert json.loads(printed) == stored if as_json else printed == "word\t\ufffd[2J\ufffd31mgore\n"


def test_other_programs_variables_are_left_alone(tmp_path: Path) -> None:
    """A shell is full of names."""
    shell = {
        "PATH": "",
        "HOME": "",
        "SHELL": "",
        "LANG": "",
        "MODELS_DIR": "",
        "DEVICES": "",
        "AWS_REGION": "",
        "LOGNAME": "",
    }
    assert unknown_settings(dict.fromkeys(shell, "x"), tmp_path / ".env") in ([], [("DEVICES", "DEVICE")])
    assert "SLOTS" in known_settings()


def test_what_cannot_be_done_is_one_sentence(tmp_path: Path) -> None:
    """Exit status 2, nothing but the sentence."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "status"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "REDIS_URL" in done.stderr


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that is shown, by its words."""
    top: Any = typer.main.get_command(app)
    for name, command in (group or top).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        elif not command.hidden:
            yield (*path, name), command


PROCESSES = {"start", "intake", "deliver", "bot", "api"}
"""These stay; what they say are log lines."""


def test_every_answer_can_be_had_as_json() -> None:
    """By the same option."""
    lacking = [
        " ".join(words)
        for words, command in commands()
        if words[0] not in PROCESSES and not any("--json" in option.opts for option in command.params)
    ]
    assert lacking == []


def test_every_task_of_an_operator_is_one_command() -> None:
    """The day in the documents tells of twenty at least, and every command there exists."""
    page = (ROOT / "docs" / "operators-day.md").read_text(encoding="utf-8")
    done = re.findall(r"^\$ easel (.*)$", page, re.MULTILINE)
    assert len(done) >= 20
    known = {words for words, _ in commands()}
    for line in done:
        words = tuple(line.split())
        assert words[:1] in known or words[:2] in known, line
