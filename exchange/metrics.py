"""What Prometheus is told: an observer that counts what happens to jobs, the queues as they stand, and two questions
for what keeps processes alive (`/health`: does it live, `/ready`: can it work).

Names and units follow https://prometheus.io/docs/practices/naming/. Prompts, people and servers are in no label.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import TypeVar
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import redis
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contract.events import (
    Accepted,
    Cancelled,
    Delivered,
    Drawn,
    Event,
    Failed,
    Flagged,
    Refused,
    Started,
    Step,
    Throttled,
    Took,
)
from contract.jobs import Job
from contract.moderation import PICTURES
from exchange import keys
from exchange.catalogue import open_catalogue
from exchange.connection import connect_briefly
from exchange.reading import number
from exchange.settings import CommonSettings, SettingsError
from exchange.status import read_status
from exchange.weather import bad_weather

log = structlog.get_logger(__name__)

_WAITS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600, 1800)
_DRAWS_S = (0.1, 0.3, 1, 3, 10, 30, 60, 180, 600)
_STAGES_S = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 120)
_STEPS_S = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)

_LABELS = {
    "easel_queue_jobs": ("queue", "state"),
    "easel_queue_slots": ("queue",),
    "easel_queue_oldest_seconds": ("queue",),
    "easel_model_waiting_jobs": ("model",),
    "easel_model_oldest_seconds": ("model",),
    "easel_recovered": ("what",),
    "easel_bad_weather_seconds": ("what",),
}
"""Of those that are asked for at each scrape."""

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
        self._flagged = Counter(
            "easel_flagged", "what rules of the policy found in prompts and pictures", ("about", "weight"), registry=own
        )
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
        self._stage = Histogram(
            "easel_stage_seconds",
            "parts of the work: acknowledge, intake, load, encode, deliver",
            ("stage", "model"),
            buckets=_STAGES_S,
            registry=own,
        )
        self._throttled = Counter("easel_discord_throttled", "answers 429 of Discord", ("scope",), registry=own)
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
            case Flagged(_, rule, weight):
                self._flagged.labels("pictures" if rule == PICTURES else "words", weight.value).inc()
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
            case Took(stage, seconds, job, model):
                self._stage.labels(stage, job.model if job is not None else model).observe(seconds)
            case Throttled(scope):
                self._throttled.labels(scope).inc()
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

    def await_failures(self, models: Iterable[str]) -> None:
        """Count from nought what may fail: of a number that is not there yet Prometheus sees no first rise."""
        for model in models:
            self._failed.labels("job_failed", model)

    def labels(self) -> dict[str, tuple[str, ...]]:
        """The labels of every metric, by its name, those too that nothing has been told of yet."""
        own = (one for one in vars(self).values() if isinstance(one, Counter | Histogram | Gauge))
        return {next(iter(one.describe())).name: tuple(one._labelnames) for one in own} | dict(_LABELS)

    def watch_weather(self) -> None:
        """Tell for how long something that this process needs has been bad."""
        self.registry.register(_WeatherReport(self._now_s))

    def watch_vitals(self, vitals: Callable[[], Mapping[str, str | int]]) -> None:
        """Tell what a worker takes of its machine; `vitals` as `worker.vitals`."""
        self.registry.register(_Vitals(vitals))

    def watch_queues(self, client: redis.Redis) -> None:
        """Tell of the queues and workers as they stand whenever somebody asks."""
        self.registry.register(_Queues(client))

    def watch_folder(self, folder: Path) -> None:
        """Tell how much room the folder's disk has left."""
        free = Gauge("easel_store_free_bytes", "room that the image store has left", registry=self.registry)
        free.set_function(lambda: shutil.disk_usage(folder).free if folder.exists() else 0)

    def _age_s(self, job: Job) -> float:
        return max(0.0, self._now_s() - job.created_ms / 1000)  # clocks of hosts differ a little


_Family = TypeVar("_Family", CounterMetricFamily, GaugeMetricFamily)


def _told(kind: type[_Family], name: str, words: str) -> _Family:
    """A family with its labels."""
    return kind(name, words, labels=_LABELS[name])


class _Queues(Collector):
    """Every process could tell these; one of them is asked."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def collect(self) -> Iterable[Metric]:
        try:
            status, counts_of = read_status(self._client), self._client.hgetall(keys.recovered_counts())
        except redis.exceptions.RedisError:
            yield GaugeMetricFamily("easel_redis_up", "1 while Redis answers", value=0)
            return
        yield GaugeMetricFamily("easel_redis_up", "1 while Redis answers", value=1)
        recovered = CounterMetricFamily(
            "easel_recovered",
            "leases that lapsed, jobs unanswered or vanished, entries put aside",
            labels=_LABELS["easel_recovered"],
        )
        for what in ("lapsed", "unanswered", "vanished", "put_aside"):
            recovered.add_metric([what], number(counts_of.get(what.encode())))
        yield recovered
        jobs = _told(GaugeMetricFamily, "easel_queue_jobs", "jobs of a queue by state")
        slots = _told(GaugeMetricFamily, "easel_queue_slots", "slots that serve a queue")
        oldest = GaugeMetricFamily(
            "easel_queue_oldest_seconds",
            "age of the job that waits longest",
            labels=_LABELS["easel_queue_oldest_seconds"],
        )
        for queue in status.queues:
            states = ("waiting", "running", "scheduled", "failed")
            counts = (queue.waiting, queue.running, queue.scheduled, queue.failed)
            for state, count in zip(states, counts, strict=True):
                jobs.add_metric([queue.name, state], count)
            slots.add_metric([queue.name], queue.slots)
            oldest.add_metric([queue.name], queue.oldest_s)
        yield from (jobs, slots, oldest)
        by_model = GaugeMetricFamily(
            "easel_model_waiting_jobs", "jobs that wait to be drawn", labels=_LABELS["easel_model_waiting_jobs"]
        )
        ages = GaugeMetricFamily(
            "easel_model_oldest_seconds", "age of the oldest of them", labels=_LABELS["easel_model_oldest_seconds"]
        )
        for backlog in status.backlog:
            by_model.add_metric([backlog.model], backlog.waiting)
            ages.add_metric([backlog.model], backlog.oldest_s)
        left_alone = sum(1 for worker in status.workers if worker.get("state", "").startswith("left alone"))
        refused = sum(1 for worker in status.workers if worker.get("refused"))
        yield from (by_model, ages)
        yield GaugeMetricFamily("easel_devices_left_alone", "devices whose process kept dying", value=left_alone)
        yield GaugeMetricFamily(
            "easel_workers_refusing", "processes that refuse a model that kept failing", value=refused
        )
        yield GaugeMetricFamily(
            "easel_drained_places", "hosts and devices that begin nothing", value=len(status.drained)
        )
        yield GaugeMetricFamily("easel_held_jobs", "jobs that wait for their acknowledgement", value=status.held)
        yield GaugeMetricFamily("easel_workers", "worker processes that draw", value=len(status.drawing))
        yield GaugeMetricFamily("easel_suspended", "1 while nothing new is begun", value=int(status.suspended))


class _WeatherReport(Collector):
    """What is bad in this process, by what it is."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s

    def collect(self) -> Iterable[Metric]:
        bad = GaugeMetricFamily(
            "easel_bad_weather_seconds",
            "how long something needed has been bad",
            labels=_LABELS["easel_bad_weather_seconds"],
        )
        for what, since_s in bad_weather().items():
            bad.add_metric([what], max(0.001, self._now_s() - since_s))
        yield bad


class _Vitals(Collector):
    """Memory of a worker, and its card."""

    def __init__(self, vitals: Callable[[], Mapping[str, str | int]]) -> None:
        self._vitals = vitals

    def collect(self) -> Iterable[Metric]:
        now = self._vitals()
        for name, words in (
            ("memory_bytes", "memory that this process holds"),
            ("card_used_bytes", "memory of the card that is in use, by anybody"),
            ("card_total_bytes", "memory that the card has"),
            ("card_busy_percent", "share of the last moment in which the card worked"),
        ):
            if isinstance(value := now.get(name), int):
                yield GaugeMetricFamily(f"easel_{name}", words, value=value)


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
    *,
    ready: Ready | None = None,
    store: str = "",
    port: int | None = None,
    vitals: Callable[[], Mapping[str, str | int]] | None = None,
) -> Metrics | None:
    """Metrics of this process and their server, as the settings want them; None where METRICS_PORT is not set.

    It asks Redis by a connection of its own that gives up soon: an answer must come before the next scrape. `store` is
    the image store's address, watched for its room when it is a folder; `port` one to use instead; `vitals` a worker's.
    """
    port = settings.metrics_port if port is None else port
    if port is None or settings.redis_url is None:
        return None
    client = connect_briefly(settings.redis_url.get_secret_value())
    metrics = Metrics()
    metrics.await_failures(model.name for model in open_catalogue(settings.catalogue))
    metrics.watch_queues(client)
    metrics.watch_weather()
    if vitals is not None:
        metrics.watch_vitals(vitals)
    if store and "://" not in store:
        metrics.watch_folder(Path(store))
    Watched(metrics, ready or reaches(client), settings.metrics_host, port)
    return metrics
