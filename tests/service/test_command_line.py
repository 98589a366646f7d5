"""`easel-policy`: what an operator types, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import redis.asyncio

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(redis_url: str, store: redis.asyncio.Redis, tmp_path: Path) -> dict[str, str]:
    """Where the service is."""
    return os.environ | {"REDIS_URL": redis_url, "IMAGE_STORE": str(tmp_path / "images")}


def run(environment: dict[str, str], *words: str) -> tuple[int, str, str]:
    """Status, output and errors of one command."""
    command = [sys.executable, "-m", "service", *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    return done.returncode, done.stdout, done.stderr


async def test_what_is_set_is_shown_and_on_record(environment: dict[str, str]) -> None:
    """Ban, invitation, direct messages and jobs per hour; then the record of it."""
    for words in (
        ("ban", "user", "5", "--why", "spam"),
        ("invite", "guild", "22"),
        ("direct-messages", "false"),
        ("jobs-per-hour", "20"),
    ):
        assert run(environment, *words)[0] == 0, words
    status, output, _ = run(environment, "show")
    assert (status, output.splitlines()) == (
        0,
        ["direct messages: off", "jobs per hour: 20", "banned: user 5: spam", "invited: guild 22"],
    )
    _, output, _ = run(environment, "audit", "--last", "3")
    assert [line.split("\t")[1:] for line in output.splitlines()] == [
        ["operator", "policy", "jobs_per_hour", "20"],
        ["operator", "policy", "direct_messages", "False"],
        ["operator", "invite", "guild 22"],
    ]
    assert run(environment, "unban", "user", "5")[1] == "lifted\n"
    assert run(environment, "unban", "user", "5")[1] == "user 5 was not banned\n"
    assert run(environment, "forget", "5")[1] == "forgotten, with the pictures of 0 jobs\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"REDIS_URL": "unix:///nowhere/redis.sock"}, "Redis"), ({"IMAGE_STORE": "gs://bucket"}, "IMAGE_STORE")],
)
async def test_what_cannot_be_done_is_one_sentence(
    environment: dict[str, str], changes: dict[str, str], said: str
) -> None:
    """Status 2, nothing on the output, and what to mend on standard error."""
    status, output, errors = run(environment | changes, "show")
    assert (status, output) == (2, "")
    assert said in errors
    assert "Traceback" not in errors
