"""What every test shares: a job to work with, and a promise that no test reads the developer's own environment."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two OpenMP threads on busy cores are many times slower than one
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# The same examples every time, however fast the machine is.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")

_OUR_SETTINGS = ("REDIS_URL", "IMAGE_STORE", "LOG_FORMAT")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the shell that runs the tests must not reach them."""
    for name in list(os.environ):
        if name.startswith("DISCORD_") or name in _OUR_SETTINGS:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Logs are set up for a whole process, as commands do; tests share theirs with others."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    if structlog.is_configured():
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)
