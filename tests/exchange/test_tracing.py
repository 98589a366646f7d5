"""One trace of one job, though several processes make its spans and hand nothing to each other."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contract.events import Accepted, Cancelled, Delivered, Drawn, Event, Failed, Refused, Stage, Started, Took
from exchange.spans import Tracing
from exchange.tracing import tracers
from tests.contract.factories import imagine

JOB = replace(imagine("a secret fox"), created_ms=1_000_000)


def traced(*processes: tuple[str, list[tuple[float, Event]]]) -> list[ReadableSpan]:
    """The spans that processes make of what they hear, each at its time."""
    spans: list[ReadableSpan] = []
    for service, heard in processes:
        exporter = InMemorySpanExporter()
        now = [0.0]
        tracing = Tracing(service, SimpleSpanProcessor(exporter), lambda now=now: now[0])  # type: ignore[misc]
        for at_s, event in heard:
            now[0] = at_s
            tracing(event)
        spans += exporter.get_finished_spans()
    return spans


def test_three_processes_make_one_trace() -> None:
    """Bot, worker, deliverer: one trace by the job's id, all under the span of the whole job, with true times."""
    spans = traced(
        ("bot", [(1_000.1, Accepted(JOB, 3, False)), (1_000.1, Accepted(JOB, 0, True))]),
        ("worker", [(1_002.0, Started(JOB)), (1_005.0, Drawn(JOB, 2.5)), (1_005.5, Took(Stage.ENCODE, 0.5, JOB))]),
        ("deliver", [(1_006.0, Took(Stage.DELIVER, 0.4, JOB)), (1_006.0, Delivered(JOB))]),
    )
    assert {span.context.trace_id for span in spans} == {uuid.UUID(JOB.id).int}
    [whole] = [span for span in spans if span.parent is None]
    others = [span for span in spans if span.parent is not None]
    assert {span.parent.span_id for span in others if span.parent} == {whole.context.span_id}
    times = {span.name: ((span.start_time or 0) / 1e9, (span.end_time or 0) / 1e9) for span in spans}
    assert times == {
        "accept": (1_000.0, 1_000.1),
        "wait": (1_000.0, 1_002.0),
        "draw": (1_002.0, 1_005.0),
        "encode": (1_005.0, 1_005.5),
        "deliver": (1_005.6, 1_006.0),
        "job imagine": (1_000.0, 1_006.0),
    }
    services = [span.resource.attributes["service.name"] for span in others]
    assert services == ["bot", "worker", "worker", "worker", "deliver"]


@pytest.mark.parametrize(
    ("event", "end"), [(Failed(JOB, "job_failed", "no", "reply"), "failed"), (Cancelled(JOB), "cancelled")]
)
def test_other_ends_are_ends(event: Event, end: str) -> None:
    """With their cause."""
    [span] = traced(("worker", [(1_006.0, event)]))
    assert (span.attributes or {})["easel.end"] == end


def test_no_span_names_a_person_or_a_prompt() -> None:
    """Traces are read by more people than jobs are; what is about no job makes none."""
    heard: list[Event] = [Accepted(JOB, 0, False), Refused(811, "x"), Delivered(JOB)]
    spans = traced(("bot", [(1_001.0, event) for event in heard]))
    assert len(spans) == 2
    for word in ("secret", str(JOB.user.id), JOB.user.name):
        assert word not in "".join(span.to_json() for span in spans)


def test_nothing_is_traced_unless_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is OpenTelemetry's own."""
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert tracers("easel") == []
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    assert len(tracers("easel")) == 1
