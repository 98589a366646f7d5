"""The operator's commands, run as an operator runs them: one sentence and exit status 2 for what can be mended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Discord:
    """A sandbox in a process of its own."""

    url: str
    token: str


@pytest.fixture(scope="module")
def discord() -> Iterator[Discord]:
    """One sandbox for all commands."""
    command = [sys.executable, "-m", "sandbox", "serve", "--json", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        facts = json.loads(process.stdout.readline())
        yield Discord(facts["base_url"], facts["bot_token"])
        process.terminate()


def run(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The worker's commands with nothing but these settings."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, "-m", "worker", *arguments],
        cwd=cwd,
        env=kept | {"PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence(finished: subprocess.CompletedProcess[str]) -> str:
    """What a refused command says; it must be one line, without a traceback, and exit with status 2."""
    assert finished.returncode == 2, finished.stderr
    [line] = finished.stderr.splitlines()
    assert line.startswith("easel-worker: ")
    return line


@pytest.mark.parametrize("command", [["start"], ["deliver"]])
def test_without_a_token_nothing_starts(redis_url: str, tmp_path: Path, command: list[str]) -> None:
    """The sentence says where a token may be put."""
    assert "DISCORD_TOKEN is missing" in sentence(run(*command, cwd=tmp_path, REDIS_URL=redis_url))


def test_the_token_goes_to_no_strange_host(redis_url: str, tmp_path: Path) -> None:
    """A stand-in has to be on this machine, or be insisted on."""
    environment = {"REDIS_URL": redis_url, "DISCORD_TOKEN": "MTEx.a", "DISCORD_API_BASE": "http://example.org"}
    line = sentence(run("start", "--gpus", "cpu", cwd=tmp_path, **environment))
    assert "example.org" in line
    assert "DISCORD_ALLOW_REMOTE_API" in line


def test_a_device_that_is_not_there(redis_url: str, tmp_path: Path) -> None:
    """A wrong index and a wrong word."""
    environment = {"REDIS_URL": redis_url, "DISCORD_TOKEN": "MTEx.a", "CUDA_VISIBLE_DEVICES": ""}
    assert "no GPU 7" in sentence(run("start", "--gpus", "7", cwd=tmp_path, **environment))
    assert "--gpus takes" in sentence(run("start", "--gpus", "some", cwd=tmp_path, **environment))


def test_pruning_needs_an_age(tmp_path: Path) -> None:
    """Nothing is deleted by a command that was not told how old is old; it needs neither Redis nor a token."""
    assert "RETENTION_DAYS is not set" in sentence(run("prune", cwd=tmp_path))
    assert run("prune", "--days", "30", cwd=tmp_path).stdout == "Deleted the pictures of 0 jobs.\n"


def test_a_setting_that_makes_no_sense(redis_url: str, tmp_path: Path) -> None:
    """Named, with what it may be."""
    assert "SLOTS" in sentence(run("intake", cwd=tmp_path, REDIS_URL=redis_url, SLOTS="many"))


def test_a_token_that_discord_does_not_know(redis_url: str, tmp_path: Path, discord: Discord) -> None:
    """`deliver` finds out at its start, not at its first message."""
    environment = {"REDIS_URL": redis_url, "DISCORD_TOKEN": "MTEx.wrong", "DISCORD_API_BASE": discord.url}
    assert "does not know DISCORD_TOKEN" in sentence(run("deliver", cwd=tmp_path, **environment))


def test_a_model_that_is_not_there(redis_url: str, tmp_path: Path, discord: Discord) -> None:
    """The process that loads it says so and the supervisor does not try again and again."""
    environment = {"REDIS_URL": redis_url, "DISCORD_TOKEN": discord.token, "DISCORD_API_BASE": discord.url}
    finished = run("start", "--gpus", "cpu", cwd=tmp_path, MODEL_SOURCE=str(tmp_path / "no-model"), **environment)
    assert "no-model" in sentence(finished)


def test_one_source_for_several_models(redis_url: str, tmp_path: Path) -> None:
    """Refused before a process starts: each would draw with the wrong weights."""
    table = "[[models]]\ntitle = 'x'\nfamily = 'stable-diffusion'\nlicence = 'x'\npixels = 4096\nsize_multiple = 16\n"
    table += "num_inference_steps = 20\nguidance_scale = 4.5\nsampler = 'ddim'\nhonours = []\n"
    (tmp_path / "models.toml").write_text(f"{table}name = 'a'\nversions = ['6']\n{table}name = 'b'\nversions = ['7']\n")
    environment = {"REDIS_URL": redis_url, "DISCORD_TOKEN": "MTEx.a", "CATALOGUE": "models.toml", "MODEL": "all"}
    line = sentence(run("start", "--gpus", "cpu", cwd=tmp_path, MODEL_SOURCE="somewhere", **environment))
    assert "MODEL_SOURCE" in line
    assert "catalogue" in line


@pytest.mark.parametrize("part", ["deliver", "intake"])
def test_a_part_alone_starts_and_drains(part: str, redis_url: str, tmp_path: Path, discord: Discord) -> None:
    """Without torch: a line that says ready, an entry for `status`, and a clean end on SIGTERM. Only what posts needs
    a token."""
    environment = {"REDIS_URL": redis_url, "DISCORD_API_BASE": discord.url, "PYTHONPATH": str(ROOT)}
    if part == "deliver":
        environment["DISCORD_TOKEN"] = discord.token
    command = [sys.executable, "-m", "worker", part, "--slots", "2"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            facts = (json.loads(line) for line in process.stdout)
            ready = next(fact for fact in facts if fact["event"] == "ready")
            assert ready["slots"] == {part: 2}
            process.terminate()
            assert [fact["event"] for fact in facts] == ["draining", "ended"]
            assert process.wait(60) == 0
        finally:
            process.kill()
