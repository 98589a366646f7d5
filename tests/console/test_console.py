"""One command line for all that an operator does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from console.__main__ import app
from console.environment import known_settings, unknown_settings

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
        "resume",
    )
    for word in words:
        assert f"\n  {word} " in shown, word
    assert "serve" not in shown.split("Commands:")[1].split()


def test_the_version_is_the_packages() -> None:
    """Without Redis, token or settings."""
    done = subprocess.run(
        [sys.executable, "-m", "console", "--version"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().count(".") == 2


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
