"""What Prometheus is told: an observer that counts what happens to jobs, the queues as they stand, and two questions
for what keeps processes alive (`/health`: does it live, `/ready`: can it work).

Names and units follow https://prometheus.io/docs/practices/naming/. Prompts, people and servers are in no label.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import redis
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contract.events import Accepted, Cancelled, Delivered, Drawn, Event, Failed, Refused, Started, Step
from contract.jobs import Job
from exchange.settings import CommonSettings, SettingsError
from exchange.status import read_status

log = structlog.get_logger(__name__)

_WAITS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800)
_DRAWS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600)
_STEPS_S = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)

Ready = Callable[[], bool]
WsgiStart = Callable[[str, list[tuple[str, str]]], object]


class Metrics:
    """The numbers of one process. It is an `Observer` (`contract.events`)."""

    def __init__(self, now_s: Callable[[], float] = time.time) -> None:
        self.registry = CollectorRegistry()
        self._now_s = now_s
        self._stepped: dict[str, float] = {}
        own = self.registry
        self._accepted = Counter("easel_jobs_accepted", "jobs put into the queue", ("kind", "model"), registry=own)
        self._refused = Counter("easel_jobs_refused", "jobs not done, for a reason to mend", ("error",), registry=own)
        self._delivered = Counter("easel_jobs_delivered", "results handed over", ("kind", "model"), registry=own)
        self._failed = Counter("easel_jobs_failed", "jobs without a result", ("error", "model"), registry=own)
        self._untold = Counter("easel_failures_untold", "failures that nobody could be told of", registry=own)
        self._cancelled = Counter("easel_jobs_cancelled", "jobs that were ended", ("kind",), registry=own)
        self._pictures = Counter("easel_pictures", "pictures drawn", ("model",), registry=own)
        self._wait = Histogram(
            "easel_wait_seconds", "from asking to the begin of the work", ("model",), buckets=_WAITS_S, registry=own
        )
        self._draw = Histogram(
            "easel_draw_seconds", "with the model, for one job", ("kind", "model"), buckets=_DRAWS_S, registry=own
        )
        self._step = Histogram(
            "easel_step_seconds", "one step of the model, as one job saw it", ("model",), buckets=_STEPS_S, registry=own
        )
        self._answer = Histogram(
            "easel_answer_seconds", "from asking to the result", ("kind", "model"), buckets=_WAITS_S, registry=own
        )

    def __call__(self, event: Event) -> None:
        """Count it."""
        match event:
            case Accepted(job, _, duplicate) if not duplicate:
                self._accepted.labels(*_kind_and_model(job)).inc()
            case Refused(_, kind, _):
                self._refused.labels(kind).inc()
            case Started(job):
                self._stepped[job.id] = self._now_s()
                self._wait.labels(job.model).observe(self._age_s(job))
            case Step(job):
                now_s = self._now_s()
                before_s = self._stepped.get(job.id)
                self._stepped[job.id] = now_s
                if before_s is not None:
                    self._step.labels(job.model).observe(max(0.0, now_s - before_s))
            case Drawn(job, gpu_s):
                self._stepped.pop(job.id, None)
                self._draw.labels(*_kind_and_model(job)).observe(gpu_s)
                self._pictures.labels(job.model).inc(job.image_count)
            case Delivered(job):
                self._delivered.labels(*_kind_and_model(job)).inc()
                self._answer.labels(*_kind_and_model(job)).observe(self._age_s(job))
            case Failed(job, kind, _, way):
                self._stepped.pop(job.id, None)
                self._failed.labels(kind, job.model).inc()
                if way is None:
                    self._untold.inc()
            case Cancelled(job):
                self._stepped.pop(job.id, None)
                self._cancelled.labels(job.request.kind).inc()

    def watch_queues(self, client: redis.Redis) -> None:
        """Tell of the queues and workers as they stand whenever somebody asks."""
        self.registry.register(_Queues(client))

    def watch_folder(self, folder: Path) -> None:
        """Tell how much room the folder's disk has left."""
        free = Gauge("easel_store_free_bytes", "room that the image store has left", registry=self.registry)
        free.set_function(lambda: shutil.disk_usage(folder).free if folder.exists() else 0)

    def _age_s(self, job: Job) -> float:
        return max(0.0, self._now_s() - job.created_ms / 1000)  # clocks of hosts differ a little


class _Queues(Collector):
    """Every process could tell these; one of them is asked."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def collect(self) -> Iterable[Metric]:
        status = read_status(self._client)
        jobs = GaugeMetricFamily("easel_queue_jobs", "jobs of a queue by state", labels=["queue", "state"])
        slots = GaugeMetricFamily("easel_queue_slots", "slots that serve a queue", labels=["queue"])
        oldest = GaugeMetricFamily("easel_queue_oldest_seconds", "age of the job that waits longest", labels=["queue"])
        for queue in status.queues:
            states = ("waiting", "running", "scheduled", "failed")
            counts = (queue.waiting, queue.running, queue.scheduled, queue.failed)
            for state, count in zip(states, counts, strict=True):
                jobs.add_metric([queue.name, state], count)
            slots.add_metric([queue.name], queue.slots)
            oldest.add_metric([queue.name], queue.oldest_s)
        yield from (jobs, slots, oldest)
        yield GaugeMetricFamily("easel_held_jobs", "jobs that wait for their acknowledgement", value=status.held)
        yield GaugeMetricFamily("easel_workers", "worker processes that live", value=len(status.workers))
        yield GaugeMetricFamily("easel_suspended", "1 while nothing new is begun", value=int(status.suspended))


class Watched:
    """The HTTP server of one process: `/metrics`, `/health`, `/ready`."""

    def __init__(self, metrics: Metrics, ready: Ready, host: str, port: int) -> None:
        """SettingsError when the address cannot be taken."""
        exposed = make_wsgi_app(metrics.registry)

        def answer(environment: dict[str, object], start: WsgiStart) -> Iterable[bytes]:
            match environment.get("PATH_INFO"):
                case "/metrics":
                    exposition: Iterable[bytes] = exposed(environment, start)
                    return exposition
                case "/health":
                    return _plain(start, True, "alive")
                case "/ready":
                    is_ready = ready()
                    return _plain(start, is_ready, "ready" if is_ready else "not ready")
                case _:
                    start("404 Not Found", [("Content-Type", "text/plain")])
                    return [b"/metrics, /health and /ready are here\n"]

        self._server = _Threading((host, port), _Quiet, bind_and_activate=False)
        try:
            self._server.server_bind()
            self._server.server_activate()
        except OSError as error:
            self._server.server_close()
            raise SettingsError(f"METRICS_PORT {port} cannot be served on {host}: {error.strerror}") from None
        self._server.set_app(answer)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="metrics", daemon=True).start()
        log.info("metrics", address=f"http://{host}:{self.port}")

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def reaches(client: redis.Redis) -> Ready:
    """Whether Redis answers at once: what every process needs to work."""

    def ask() -> bool:
        try:
            return bool(client.ping())
        except redis.exceptions.RedisError:
            return False

    return ask


def _plain(start: WsgiStart, good: bool, words: str) -> Iterator[bytes]:
    start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
    return iter([words.encode() + b"\n"])


def _kind_and_model(job: Job) -> tuple[str, str]:
    return job.request.kind, job.model


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are no news."""


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 16


def watch(
    settings: CommonSettings,
    client: redis.Redis,
    ready: Ready | None = None,
    *,
    store: str = "",
    port: int | None = None,
) -> Metrics | None:
    """Metrics of this process and their server, as the settings want them; None where METRICS_PORT is not set.

    `store` is the image store's address, watched for its room when it is a folder; `port` one to use instead.
    """
    port = settings.metrics_port if port is None else port
    if port is None:
        return None
    metrics = Metrics()
    metrics.watch_queues(client)
    if store and "://" not in store:
        metrics.watch_folder(Path(store))
    Watched(metrics, ready or reaches(client), settings.metrics_host, port)
    return metrics
