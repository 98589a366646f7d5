"""Spans of what an observer hears; needs the extra `tracing`. `exchange.tracing` says when it is used."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid
from collections.abc import Callable

from opentelemetry import trace as otel
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from contract.events import Accepted, Cancelled, Delivered, Drawn, Event, Failed, Started, Took
from contract.jobs import Job

NS = 1_000_000_000


class _Ids(RandomIdGenerator):
    """Random ids, except in a thread that is making the first span of a job."""

    def __init__(self) -> None:
        self.of = threading.local()

    def generate_span_id(self) -> int:
        """The job's, where one was chosen."""
        job: Job | None = getattr(self.of, "job", None)
        return super().generate_span_id() if job is None else root_of(job)

    def generate_trace_id(self) -> int:
        """The same."""
        job: Job | None = getattr(self.of, "job", None)
        return super().generate_trace_id() if job is None else trace_of(job)


class Tracing:
    """An observer (`contract.events`) that makes spans of what it hears: accept, wait, draw, each timed stage, and the
    whole job once it has ended."""

    def __init__(self, service: str, processor: SpanProcessor, now_s: Callable[[], float] = time.time) -> None:
        self._ids = _Ids()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": service}), id_generator=self._ids, shutdown_on_exit=True
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("easel")
        self._now_s = now_s
        self._begun: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Make a span of it, if it is about a job."""
        now_s = self._now_s()
        match event:
            case Accepted(job, ahead, duplicate) if not duplicate:
                self._span(job, "accept", job.created_ms / 1000, now_s, ahead=ahead)
            case Started(job):
                self._begun[job.id] = now_s
                self._span(job, "wait", job.created_ms / 1000, now_s)
            case Drawn(job, gpu_s):
                begun_s = self._begun.pop(job.id, now_s - gpu_s)
                self._span(job, "draw", begun_s, now_s, gpu_s=gpu_s)
            case Took(stage, seconds, Job() as job):
                self._span(job, str(stage), now_s - seconds, now_s)
            case Delivered(job):
                self._whole(job, now_s, "delivered")
            case Failed(job, kind, reason, _):
                self._begun.pop(job.id, None)
                self._whole(job, now_s, "failed", error=kind, reason=reason)
            case Cancelled(job):
                self._begun.pop(job.id, None)
                self._whole(job, now_s, "cancelled")

    def flush(self) -> None:
        """Send what is held back."""
        self._provider.force_flush()

    def _span(self, job: Job, name: str, begun_s: float, ended_s: float, **more: str | float) -> None:
        parent = otel.SpanContext(
            trace_of(job), root_of(job), is_remote=True, trace_flags=otel.TraceFlags(otel.TraceFlags.SAMPLED)
        )
        span = self._tracer.start_span(
            name,
            otel.set_span_in_context(otel.NonRecordingSpan(parent)),
            start_time=int(min(begun_s, ended_s) * NS),
            attributes={**_about(job), **more},
        )
        span.end(int(ended_s * NS))

    def _whole(self, job: Job, ended_s: float, how: str, **more: str) -> None:
        """The span that all others of the job stand under; whoever ends the job makes it."""
        self._ids.of.job = job
        try:
            span = self._tracer.start_span(
                f"job {job.request.kind}",
                otel.set_span_in_context(otel.INVALID_SPAN),
                start_time=int(job.created_ms / 1000 * NS),
                attributes={**_about(job), "easel.end": how, **more},
            )
        finally:
            self._ids.of.job = None
        span.end(int(ended_s * NS))


def trace_of(job: Job) -> int:
    """The id of a job's trace: the job's own."""
    return uuid.UUID(job.id).int


def root_of(job: Job) -> int:
    """The id of the span that all others of the job stand under."""
    return int.from_bytes(hashlib.blake2b(job.id.encode(), digest_size=8).digest()) or 1


def _about(job: Job) -> dict[str, str]:
    return {"easel.job": job.id, "easel.kind": job.request.kind, "easel.model": job.model}
