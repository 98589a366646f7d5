"""An absence is said once when it begins and once when it ends, in words for the operator."""

from __future__ import annotations

import pytest
import redis
from structlog.testing import capture_logs

from exchange.weather import HEARD_S, REMINDER_S, Weather, bad_weather, sentence


def test_bad_weather_is_said_once_and_its_end_too() -> None:
    """A thousand errors are one line, and one more every ten minutes."""
    now = 0.0
    weather = Weather("Redis", now=lambda: now)
    with capture_logs() as lines:
        weather.good()
        for _ in range(1000):
            weather.bad(redis.exceptions.ConnectionError("refused"))
        assert weather.is_bad
        now = REMINDER_S + 1
        weather.bad(redis.exceptions.ConnectionError("refused"))
        weather.good()
        weather.good()
    assert [line["event"] for line in lines] == ["bad weather", "bad weather", "the weather is good again"]
    assert lines[1]["since_s"] == REMINDER_S + 1
    assert not weather.is_bad


def test_what_nobody_has_tried_for_a_while_is_not_bad_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that needs nothing of a store does not hear that it is back; its alert has to end all the same."""
    now = 1_000.0
    monkeypatch.setattr("exchange.weather.time.time", lambda: now)
    weather = Weather("a cellar")
    weather.bad(OSError("flooded"))
    now += HEARD_S - 1
    weather.bad(OSError("flooded"))
    now += HEARD_S - 1
    assert bad_weather()["a cellar"] == 1_000.0
    now += 2
    assert "a cellar" not in bad_weather()
    weather.good()


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (redis.exceptions.OutOfMemoryError("command not allowed when used memory > 'maxmemory'."), "raise it"),
        (redis.exceptions.ReadOnlyError("You can't write against a read only replica."), "fail-over"),
        (redis.exceptions.NoPermissionError("User x has no permissions"), "a right is missing"),
        (redis.exceptions.ResponseError("MISCONF Redis is configured to save"), "free space"),
        (redis.exceptions.BusyLoadingError("Redis is loading"), "reading its file"),
        (redis.exceptions.AuthenticationError("Authentication required."), "REDIS_URL"),
        (redis.exceptions.ResponseError("TOMORROW is another day"), "TOMORROW is another day"),
        (redis.exceptions.ConnectionError(""), "ConnectionError"),
    ],
)
def test_an_error_is_one_sentence_with_its_meaning(error: Exception, means: str) -> None:
    """What Redis said, and what to do about it where that is known."""
    assert means in sentence(error)
    assert "\n" not in sentence(error)
