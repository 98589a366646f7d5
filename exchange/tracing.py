"""One trace of one job, over all processes that work on it (OpenTelemetry; the extra `tracing`).

Nothing is handed from process to process: a job's id is 128 bits, as a trace's is, so it is the trace's id, and the id
of the trace's first span follows from it (`exchange.spans`). Where spans go is said by OpenTelemetry's own variables,
such as OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is traced, and nothing of it is imported. Prompts and people are
in no span.
"""

from __future__ import annotations

import os

import structlog

from contract.events import Observer

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def tracers(service: str) -> list[Observer]:
    """What traces jobs in this process, where that is wanted; `service` is the process' name in traces."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return []
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from exchange.spans import Tracing
    except ModuleNotFoundError as missing:
        log.warning("jobs are not traced", reason=f'`pip install ".[tracing]"` brings {missing.name}')
        return []
    return [Tracing(service, BatchSpanProcessor(OTLPSpanExporter()))]
