"""What Prometheus is told, over a real port."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import redis
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from redis.backoff import NoBackoff
from redis.retry import Retry

from contract.events import (
    Accepted,
    Cancelled,
    Delivered,
    Drawn,
    Failed,
    Flagged,
    Refused,
    Stage,
    Started,
    Step,
    Throttled,
    Took,
)
from contract.moderation import Weight
from contract.outcomes import Done
from exchange import keys
from exchange.delivery import enqueue_delivery
from exchange.metrics import Metrics, Watched, reaches, watch
from exchange.observing import timed
from exchange.settings import CommonSettings, SettingsError
from exchange.weather import Weather
from tests.contract.factories import imagine
from tests.exchange.worker import recover


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
    families = text_string_to_metric_families(page(watched))
    text = " ".join(f"{sample.name} {sample.labels}" for family in families for sample in family.samples)
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


def test_every_stage_is_timed(metrics: Metrics, watched: Watched) -> None:
    """By its name and the model; one that fails is timed too."""
    metrics(Took(Stage.ACKNOWLEDGE, 0.02))
    metrics(Took(Stage.LOAD, 4.0, model="sdxl"))
    with pytest.raises(ZeroDivisionError), timed(metrics, Stage.DELIVER, JOB):
        _ = 1 / 0
    metrics(Throttled("shared"))
    text = page(watched)
    assert value(text, "easel_stage_seconds_sum", stage="acknowledge", model="") == 0.02
    assert value(text, "easel_stage_seconds_sum", stage="load", model="sdxl") == 4
    assert value(text, "easel_stage_seconds_count", stage="deliver", model="easel-small") == 1
    assert value(text, "easel_discord_throttled_total", scope="shared") == 1


def test_bad_weather_is_told_while_it_lasts(metrics: Metrics, watched: Watched, clock: Clock) -> None:
    """By what is bad; nothing when all is well again."""
    metrics.watch_weather()
    weather = Weather("the image store of this test")
    weather.bad(OSError("gone"))
    clock.seconds = time.time() + 30
    assert 29 < value(page(watched), "easel_bad_weather_seconds", what="the image store of this test") < 60
    weather.good()
    assert "the image store of this test" not in page(watched)


def test_a_redis_that_is_away_is_told(metrics: Metrics) -> None:
    """And the rest of the page is still there: what happens to jobs here is known without it."""
    away = redis.Redis(port=1, retry=Retry(NoBackoff(), 0))
    metrics.watch_queues(away)
    watched = Watched(metrics, reaches(away), "127.0.0.1", 0)
    try:
        text = page(watched)
        assert value(text, "easel_redis_up") == 0
        assert value(text, "easel_failures_untold_total") == 0
    finally:
        watched.close()


def test_what_recovery_found_is_counted(client: redis.Redis, watched: Watched) -> None:
    """From the first scrape on, so that the first one shows as an increase."""
    assert value(page(watched), "easel_recovered_total", what="put_aside") == 0
    client.zadd(keys.leases("render"), {b"a:b:c!": 0})
    recover(client)
    assert value(page(watched), "easel_recovered_total", what="put_aside") == 1


def test_what_a_worker_takes_is_told(metrics: Metrics, watched: Watched) -> None:
    """Numbers only; a card's name is no number."""
    metrics.watch_vitals(lambda: {"memory_bytes": 5, "card": "H100", "card_used_bytes": 7})
    text = page(watched)
    assert (value(text, "easel_memory_bytes"), value(text, "easel_card_used_bytes")) == (5, 7)
    assert "H100" not in text


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
    settings = CommonSettings(metrics_port=watched.port, redis_url=SecretStr("redis://127.0.0.1:1"))
    with pytest.raises(SettingsError, match=f"METRICS_PORT {watched.port}"):
        watch(settings)
    assert watch(CommonSettings()) is None


def test_what_rules_find_is_counted_without_saying_what() -> None:
    """By what it was about and what followed; no label holds a word of anybody's."""
    metrics = Metrics()
    metrics(Flagged(JOB, "gore", Weight.WATCH))
    metrics(Flagged(JOB, "pictures", Weight.MEDIUM))
    lines = [line for line in generate_latest(metrics.registry).decode().splitlines() if "easel_flagged_total" in line]
    assert sorted(lines[-2:]) == [
        'easel_flagged_total{about="pictures",weight="medium"} 1.0',
        'easel_flagged_total{about="words",weight="watch"} 1.0',
    ]


def test_failures_are_counted_from_nought() -> None:
    """Their first one is a rise of a number that was there, so that its alert need not wait for a second one."""
    metrics = Metrics()
    metrics.await_failures(["m"])
    assert (
        value(generate_latest(metrics.registry).decode(), "easel_jobs_failed_total", error="job_failed", model="m") == 0
    )
