"""What Prometheus is told, over a real port."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from contract.events import Accepted, Cancelled, Delivered, Drawn, Failed, Refused, Started, Step
from contract.outcomes import Done
from exchange import keys
from exchange.delivery import enqueue_delivery
from exchange.metrics import Metrics, Watched, reaches, watch
from exchange.settings import CommonSettings, SettingsError
from tests.contract.factories import imagine


class Clock:
    """Unix seconds that a test moves."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


JOB = replace(imagine("a secret fox"), created_ms=1_000_000)


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000.0)


@pytest.fixture
def metrics(clock: Clock) -> Metrics:
    return Metrics(clock)


@pytest.fixture
def watched(metrics: Metrics, client: redis.Redis) -> Iterator[Watched]:
    metrics.watch_queues(client)
    watched = Watched(metrics, reaches(client), "127.0.0.1", 0)
    yield watched
    watched.close()


def page(watched: Watched, path: str = "/metrics") -> str:
    with urlopen(f"http://127.0.0.1:{watched.port}{path}", timeout=10) as answer:
        return str(answer.read().decode())


def value(text: str, name: str, **labels: str) -> float:
    """One sample of a page."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    raise AssertionError(f"no {name} with {labels}")


def test_a_jobs_road_is_counted_and_timed(metrics: Metrics, clock: Clock, watched: Watched) -> None:
    """Accepted, waited 2 s, drawn in 3 s at 0.25 s a step, answered after 6 s."""
    metrics(Accepted(JOB, 0, False))
    metrics(Accepted(JOB, 0, True))  # the same again is not another
    clock.seconds = 1_002
    metrics(Started(JOB))
    for step in range(4):
        clock.seconds += 0.25
        metrics(Step(JOB, step + 1, 4))
    metrics(Drawn(JOB, 3.0))
    clock.seconds = 1_006
    metrics(Delivered(JOB))
    text = page(watched)
    both = {"kind": "imagine", "model": "easel-small"}
    assert value(text, "easel_jobs_accepted_total", **both) == 1
    assert value(text, "easel_wait_seconds_sum", model="easel-small") == 2
    assert value(text, "easel_step_seconds_count", model="easel-small") == 4
    assert value(text, "easel_step_seconds_sum", model="easel-small") == 1
    assert value(text, "easel_draw_seconds_sum", **both) == 3
    assert value(text, "easel_pictures_total", model="easel-small") == 4
    assert value(text, "easel_answer_seconds_sum", **both) == 6
    assert value(text, "easel_jobs_delivered_total", **both) == 1


def test_bad_ends_are_counted_by_cause(metrics: Metrics, watched: Watched) -> None:
    """A cancel is no failure; a failure that nobody heard of is counted apart."""
    metrics(Refused(811, "blocked_word"))
    metrics(Failed(JOB, "job_failed", "out of memory", "reply"))
    metrics(Failed(JOB, "cannot_post", "gone", None))
    metrics(Cancelled(JOB))
    text = page(watched)
    assert value(text, "easel_jobs_refused_total", error="blocked_word") == 1
    assert value(text, "easel_jobs_failed_total", error="job_failed", model="easel-small") == 1
    assert value(text, "easel_failures_untold_total") == 1
    assert value(text, "easel_jobs_cancelled_total", kind="imagine") == 1


def test_no_label_names_a_person_or_a_prompt(metrics: Metrics, watched: Watched) -> None:
    """Metrics are read by more people than jobs are."""
    for event in (Accepted(JOB, 0, False), Started(JOB), Drawn(JOB, 1.0), Delivered(JOB)):
        metrics(event)
    text = page(watched)
    for word in ("secret", str(JOB.user.id), JOB.user.name, JOB.id):
        assert word not in text


def test_queues_are_told_as_they_stand(client: redis.Redis, watched: Watched) -> None:
    """Depth, and the age of what waits longest."""
    enqueue_delivery(client, imagine(), Done())
    seconds, _ = client.time()
    client.zadd(keys.arrivals("deliver"), {keys.delivery_id(imagine().id): seconds - 90})
    text = page(watched)
    assert value(text, "easel_queue_jobs", queue="deliver", state="waiting") == 1
    assert 89 <= value(text, "easel_queue_oldest_seconds", queue="deliver") <= 100
    assert value(text, "easel_queue_oldest_seconds", queue="render") == 0
    assert value(text, "easel_workers") == 0


def test_health_and_readiness(client: redis.Redis, metrics: Metrics) -> None:
    """A process that lives but cannot work says so with 503."""
    ready = [True]
    watched = Watched(metrics, lambda: ready[0], "127.0.0.1", 0)
    try:
        assert page(watched, "/health") == "alive\n"
        assert page(watched, "/ready") == "ready\n"
        ready[0] = False
        with pytest.raises(HTTPError) as error:
            page(watched, "/ready")
        assert error.value.code == 503
        error.value.close()
        with pytest.raises(HTTPError) as error:
            page(watched, "/other")
        assert error.value.code == 404
        error.value.close()
    finally:
        watched.close()


def test_a_port_that_is_taken_is_one_sentence(client: redis.Redis, watched: Watched) -> None:
    """Before anything else begins."""
    settings = CommonSettings(metrics_port=watched.port)
    with pytest.raises(SettingsError, match=f"METRICS_PORT {watched.port}"):
        watch(settings, client)
    assert watch(CommonSettings(), client) is None
