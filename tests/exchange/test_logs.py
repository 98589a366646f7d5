"""Log lines hold no secrets, whatever goes wrong."""

from __future__ import annotations

import logging

import pytest
import structlog

from exchange.logs import configure_logs


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_shows_no_local_variables(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A token or a prompt in a variable of the failing function stays there."""
    configure_logs(log_format, "info")

    def fail() -> None:
        token = "a-very-secret-token"
        raise ValueError(len(token))

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("it failed")
        logging.getLogger("a.library").exception("it failed, says a library")
    written = capsys.readouterr().out
    assert "it failed, says a library" in written
    assert "ValueError" in written
    assert "a-very-secret-token" not in written
