"""What the tests of the operator's commands share: one real server for Redis, and the command line as a function."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from console.command_line import app
from contract.errors import EaselError
from exchange.answering import exit_status
from exchange.connection import connect
from exchange.embedded import embedded


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server without persistence, for the whole run."""
    with tempfile.TemporaryDirectory(prefix="easel-") as folder, embedded(Path(folder), durable=False) as url:
        yield url


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of an empty Redis."""
    client = connect(redis_url)
    client.flushall()
    yield client
    client.close()


@dataclass(frozen=True)
class Answer:
    """How a command ended: `said` is what stands on standard output, or the sentence of its error."""

    status: int
    said: str

    @property
    def document(self) -> Any:
        """What `--json` printed."""
        return json.loads(self.said)


Easel = Callable[..., Answer]


@pytest.fixture
def easel(client: redis.Redis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Easel:
    """`easel` with these words, on the empty Redis and an image store in a folder."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, **environment: str) -> Answer:
        settings = {"REDIS_URL": redis_url, "IMAGE_STORE": str(tmp_path / "images"), "COLUMNS": "200", **environment}
        result = CliRunner().invoke(app, list(words), env=settings)
        if isinstance(result.exception, EaselError):
            return Answer(exit_status(result.exception), str(result.exception))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answer(result.exit_code, result.output)

    return run
