"""What happens to jobs is told to every observer; the log is one of them."""

from __future__ import annotations

import pytest
import structlog

from contract.events import Accepted, Cancelled, Delivered, Drawn, Event, Failed, Refused, Started, Step
from exchange.observing import all_of, log_event
from tests.contract.factories import imagine, planned

JOB = planned(imagine())


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (Accepted(JOB, 3, False), {"event": "accepted", "log_level": "info", "ahead": 3}),
        (Refused(811, "blocked_word"), {"event": "refused", "log_level": "info", "error": "blocked_word"}),
        (Refused(811, "link_refused", JOB), {"event": "refused", "job_id": JOB.id, "error": "link_refused"}),
        (Started(JOB), {"event": "started", "kind": "imagine", "model": "easel-small", "guild_id": "30"}),
        (Drawn(JOB, 1.5), {"event": "drawn", "gpu_s": 1.5, "width": 64, "height": 64}),
        (Delivered(JOB), {"event": "delivered", "user_id": "811"}),
        (
            Failed(JOB, "job_failed", "timeout", "reply"),
            {"event": "failed", "log_level": "warning", "told_by": "reply"},
        ),
        (Failed(JOB, "job_failed", "timeout", None), {"event": "failed", "log_level": "error"}),
        (Cancelled(JOB), {"event": "cancelled", "job_id": JOB.id}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_an_event_is_one_line(event: Event, line: dict[str, object]) -> None:
    """With the job, its kind, model, user and server, for those who search the log."""
    with structlog.testing.capture_logs() as lines:
        log_event(event)
    [found] = lines
    assert line.items() <= found.items()


def test_single_steps_are_no_lines() -> None:
    """There are thousands of them."""
    with structlog.testing.capture_logs() as lines:
        log_event(Step(JOB, 1, 20))
    assert lines == []


def test_an_observer_that_fails_hurts_nobody() -> None:
    """The others hear of the event, and the log of the failure."""
    heard: list[Event] = []

    def broken(event: Event, /) -> None:
        raise RuntimeError("no room for metrics")

    with structlog.testing.capture_logs() as lines:
        all_of(broken, heard.append)(Started(JOB))
    assert heard == [Started(JOB)]
    assert [line["event"] for line in lines] == ["an observer failed"]
