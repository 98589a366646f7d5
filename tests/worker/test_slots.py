"""Slots in this process: claims, outcomes, cancels, drains and lost leases, with tasks that the test steers."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from rq.command import send_stop_job_command
from rq.job import Job as RQJob
from rq.serializers import JSONSerializer

from contract.jobs import Job
from exchange import keys
from exchange.connection import connect_async
from exchange.delivery import MessageRef
from exchange.queue import CancelOutcome, JobQueue, Limits
from exchange.reading import text
from tests.contract.factories import priced
from tests.exchange.jobs import job
from tests.worker.slot_tasks import tasks_module
from worker.heartbeat import Heartbeat
from worker.leases import Lease, Stop, current_lease, on_cancel
from worker.recovery import bury, recover
from worker.slots import SlotPool, Wants

LONG = "steps 100000"


class Bench:
    """One pool and what a test asks of it."""

    def __init__(self, url: str, client: redis.Redis) -> None:
        self.url = url
        self.client = client
        self.pools: list[SlotPool] = []

    def start(self, slots: int = 4, lease_s: float = 15.0, **options: object) -> SlotPool:
        pool = SlotPool(self.client, {"render": slots, "deliver": 1}, lease_s=lease_s, **options)  # type: ignore[arg-type]
        self.pools.append(pool)
        pool.start()
        return pool

    def submit(self, *jobs: Job, orders: str = "") -> None:
        async def enqueue() -> None:
            client = connect_async(self.url)
            queue = JobQueue(client, Limits(0, 0, 0, 0))
            for each in jobs:
                await queue.submit(priced(each, 1, model="m"))
                await queue.release(each.id, MessageRef(31, 1))
            await client.aclose()

        for each in jobs:
            self.client.hset("script", each.id, orders)
        asyncio.run(enqueue())

    def cancel(self, target: Job) -> CancelOutcome:
        async def cancel() -> CancelOutcome:
            client = connect_async(self.url)
            outcome = await JobQueue(client).cancel(target.id, by=target.user.id)
            await client.aclose()
            return outcome

        return asyncio.run(cancel())

    def status(self, target: Job | str) -> str:
        rq_id = target if isinstance(target, str) else target.id
        return text(self.client.hget(keys.rq_job(rq_id), "status") or "")

    def until(self, condition: Callable[[], object], within_s: float = 20.0) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, "this did not happen in time"
            time.sleep(0.01)

    def lapse(self, lease: Lease) -> None:
        """Let a lease run out and be recovered, before the heartbeat can renew it."""

        def lapsed() -> bool:
            member = f"{lease.rq_id}:{lease.execution}"
            self.client.zadd(keys.leases(lease.queue), {member: 1}, xx=True)
            recover(self.client)  # or the pool's own heartbeat was faster
            return self.client.zscore(keys.leases(lease.queue), member) is None

        self.until(lapsed)

    def delivered(self) -> list[str]:
        return sorted(text(entry) for entry in self.client.lrange("delivered", 0, -1))


@pytest.fixture
def bench(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setitem(sys.modules, "worker.tasks", tasks_module(client))
    bench = Bench(redis_url, client)
    yield bench
    for pool in bench.pools:
        pool.stop()


def test_jobs_run_and_their_posts_follow(bench: Bench) -> None:
    """Each job is rendered once and delivered once, and nothing is left running."""
    jobs = [job(number, user=number) for number in range(12)]
    bench.submit(*jobs)
    bench.start()
    bench.until(lambda: len(bench.delivered()) == 12)
    assert bench.delivered() == sorted(f"{each.id} done" for each in jobs)
    bench.until(lambda: bench.client.zcard("rq:wip:render") == bench.client.zcard("rq:wip:deliver") == 0)
    assert all(bench.status(each) == "finished" for each in jobs)
    stored = RQJob.fetch(jobs[0].id, bench.client, serializer=JSONSerializer).return_value()
    assert stored["by"].startswith(bench.pools[0].name)


def test_a_refusal_is_delivered_and_not_tried_again(bench: Bench) -> None:
    """What the user can mend costs one run and ends as a message."""
    bench.submit(job(), orders="refuse")
    bench.start()
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job().id} refused"]
    assert bench.client.llen("runs") == 1


def test_a_broken_job_is_tried_again_and_then_fails_clearly(bench: Bench) -> None:
    """Three tries more, then one failure message; its mates are untouched."""
    bench.submit(job(1), orders="break")
    bench.submit(job(2, user=2))
    bench.start()
    bench.until(lambda: len(bench.delivered()) == 2)
    assert bench.delivered() == sorted([f"{job(1).id} failed", f"{job(2, user=2).id} done"])
    assert bench.status(job(1)) == "failed"
    assert bench.client.lrange("runs", 0, -1).count(job(1).id.encode()) == 4
    failure = RQJob.fetch(job(1).id, bench.client, serializer=JSONSerializer).latest_result()
    assert "ValueError: a bug" in failure.exc_string


def test_a_job_can_ask_to_come_later(bench: Bench) -> None:
    """It waits in RQ's scheduled registry and is delivered in the end."""
    bench.submit(job(), orders="later 0.2")
    bench.start(lease_s=1)
    bench.until(bench.delivered)
    assert bench.client.lrange("runs", 0, -1) == [job().id.encode()] * 2


def test_a_job_that_waits_for_the_world_loses_no_try(bench: Bench) -> None:
    """Discord may be away for hours; the job is not to blame."""
    bench.submit(job(), orders="wait 0.2")
    bench.start(lease_s=1)
    bench.until(bench.delivered)
    assert bench.client.lrange("runs", 0, -1) == [job().id.encode()] * 2
    assert bench.client.hget(keys.rq_job(job().id), "retries_left") == b"3"


def test_a_newer_job_goes_back_without_losing_a_try(bench: Bench) -> None:
    """An old worker that meets one leaves it, unharmed, to a newer worker."""
    bench.submit(job(), orders="newer")
    bench.start()
    bench.until(lambda: bench.status(job()) == "scheduled")
    assert bench.client.hget(keys.rq_job(job().id), "retries_left") == b"3"


def test_cancelling_stops_a_running_job_and_spares_the_others(bench: Bench) -> None:
    """The user hears of it by a delivery; the other job goes on."""
    bench.submit(job(1), job(2), orders=LONG)
    pool = bench.start()
    bench.until(lambda: bench.client.llen("runs") == 2)
    assert bench.cancel(job(1)) is CancelOutcome.STOPPING
    bench.until(lambda: bench.status(job(1)) == "canceled")
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job(1).id} cancelled"]
    assert bench.status(job(2)) == "started"
    bench.until(lambda: [lease.job_id for lease in pool.leases()] == [job(2).id])


def test_rqs_own_stop_command_works(bench: Bench) -> None:
    """`send_stop_job_command` reaches the slot, though no slot has a subscription of its own."""
    bench.submit(job(), orders=LONG)
    bench.start()
    bench.until(lambda: bench.client.llen("runs") == 1)
    send_stop_job_command(bench.client, job().id, serializer=JSONSerializer)
    bench.until(lambda: bench.status(job()) == "canceled")


def test_draining_finishes_what_runs_and_takes_nothing_new(bench: Bench) -> None:
    """Running jobs end, waiting ones stay in the queue."""
    bench.submit(*(job(number, user=number) for number in range(6)), orders="steps 60")
    pool = bench.start(slots=2)
    bench.until(lambda: bench.client.llen("runs") == 2)
    assert pool.drain(20)
    assert bench.client.zcard("rq:finished:render") == 2
    assert bench.client.llen("rq:queue:render") == 4
    assert bench.client.zcard("rq:wip:render") == 0


def test_a_drain_that_takes_too_long_hands_back(bench: Bench) -> None:
    """After the grace period the jobs return to the front and lose no try."""
    bench.submit(job(), orders=LONG)
    pool = bench.start()
    bench.until(lambda: bench.client.llen("runs") == 1)
    assert not pool.drain(0.1)
    assert bench.status(job()) == "queued"
    assert bench.client.hget(keys.rq_job(job().id), "retries_left") == b"3"
    assert bench.client.lrange("rq:queue:render", 0, -1) == [job().id.encode()]


def test_a_task_that_cannot_be_stopped_is_handed_back_all_the_same(bench: Bench) -> None:
    """A model may take a minute to load, and the process has to go: the job loses no try, a late outcome is refused."""
    bench.submit(job(), orders="deaf 1")
    pool = bench.start(slots=1)
    bench.until(lambda: bench.client.llen("runs") == 1)
    (lease,) = pool.leases()
    pool.stop(timeout_s=0.1)
    assert bench.status(job()) == "queued"
    assert bench.client.hget(keys.rq_job(job().id), "retries_left") == b"3"
    bench.until(lambda: lease.over)
    assert bench.client.llen("results") == 0
    assert bench.status(job()) == "queued"


def test_a_lost_lease_silences_its_worker(bench: Bench) -> None:
    """Another worker has the job: the first one stops, and writes neither an outcome nor a post."""
    bench.submit(job(), orders=LONG)
    pool = bench.start(slots=1, lease_s=2)
    bench.until(lambda: bench.client.llen("runs") == 1)
    (lease,) = pool.leases()
    bench.lapse(lease)
    bench.client.hset("script", job().id, "")
    bench.until(bench.delivered)
    bench.until(lambda: bench.status(job()) == "finished")
    bench.until(lambda: lease.lost)  # its next heartbeat finds out
    assert bench.delivered() == [f"{job().id} done"]
    assert bench.client.llen("results") == 1


def test_a_job_may_not_run_for_ever(bench: Bench) -> None:
    """Past its time-out it is stopped, and tried again."""
    bench.submit(job(), orders=LONG)
    bench.client.hset(keys.rq_job(job().id), "timeout", 1)
    bench.start()
    bench.until(lambda: bench.client.hget(keys.rq_job(job().id), "retries_left") == b"2")


def test_abandoned_jobs_without_tries_fail_clearly(bench: Bench) -> None:
    """A job that kills its workers ends with a message, not in silence."""
    bench.submit(job(), orders=LONG)
    bench.client.hset(keys.rq_job(job().id), "retries_left", 0)
    pool = bench.start(slots=1)
    bench.until(lambda: bench.client.llen("runs") == 1)
    (lease,) = pool.leases()
    bench.lapse(lease)
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job().id} failed"]
    assert bench.status(job()) == "failed"


def test_a_slot_outlives_what_nobody_foresaw(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of any kind while it asks for work is logged, and the slot asks again."""
    pool = bench.start(slots=1)
    door, errors = pool.doors["render"], iter([RuntimeError("a bug"), ValueError("another")])
    claim = door.claim

    def odd(*arguments: Any) -> bool:
        for error in errors:
            raise error
        return claim(*arguments)

    monkeypatch.setattr(door, "claim", odd)
    bench.submit(job())
    bench.until(bench.delivered)


def test_slots_look_like_workers_to_rq(bench: Bench) -> None:
    """`rq info` lists them by queue, and they leave when the pool stops."""
    pool = bench.start(slots=2)
    bench.until(lambda: bench.client.scard("rq:workers:render") == 2)
    bench.until(lambda: bench.client.hget(f"easel:node:{pool.name}", "slots") == b"3")
    pool.stop()
    assert bench.client.scard("rq:workers") == 0
    assert not bench.client.exists(f"easel:node:{pool.name}")


def test_what_a_worker_wants_decides_what_it_gets(bench: Bench) -> None:
    """A pool that may only serve another model leaves the job alone."""
    bench.submit(job())
    pool = bench.start(wants=lambda: Wants(models=("other",)))
    bench.until(lambda: bench.client.scard("rq:workers:render") == 4)
    assert pool.leases() == []
    assert bench.status(job()) == "queued"


def test_a_hung_engine_ends_the_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stuck kernel cannot be interrupted; the supervisor starts the process again."""
    exits: list[int] = []
    monkeypatch.setattr("worker.heartbeat.os._exit", exits.append)
    bench.start(hung=lambda: 61.0, hung_after_s=60.0)
    bench.until(lambda: exits)
    assert exits[0] == 70


def test_a_broken_device_does_not_eat_every_jobs_tries(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four different jobs break in a row: the process hands back the rest unharmed, and ends."""
    exits: list[int] = []
    monkeypatch.setattr("worker.slots.os._exit", exits.append)
    bench.submit(*(job(number, user=number) for number in range(4)), orders="cuda")
    bench.submit(job(9, user=9), orders=LONG)
    bench.start(slots=6)
    bench.until(lambda: exits)
    assert exits == [71]
    assert bench.status(job(9, user=9)) == "queued"
    assert bench.client.hget(keys.rq_job(job(9, user=9).id), "retries_left") == b"3"


@pytest.mark.parametrize("orders", ["break", "model m", "refuse", "weather", "store"])
def test_only_the_device_itself_counts_against_it(bench: Bench, monkeypatch: pytest.MonkeyPatch, orders: str) -> None:
    """Bugs, models, people and weather may fail as many jobs as they like: the process and its other jobs go on."""
    exits: list[int] = []
    monkeypatch.setattr("worker.slots.os._exit", exits.append)
    bench.submit(*(job(number, user=number) for number in range(8)), orders=orders)
    bench.submit(job(9, user=9), orders="steps 20")
    bench.start(slots=6)
    bench.until(lambda: f"{job(9, user=9).id} done" in bench.delivered())
    bench.until(lambda: bench.client.llen("runs") > 8)
    assert exits == []


def test_a_model_that_fails_alike_is_refused(bench: Bench) -> None:
    """Four different jobs, one reason, nothing that succeeded between: the model is left alone."""
    refused: list[tuple[str, str]] = []
    bench.submit(job(1, user=1), job(2, user=2), job(3, user=3), orders="model m")
    pool = bench.start(slots=2, refuse=lambda model, reason: refused.append((model, reason)))
    bench.until(lambda: len(bench.delivered()) == 3)
    assert refused == []
    bench.submit(job(4, user=4), orders="steps 1")
    bench.until(lambda: len(bench.delivered()) == 4)
    bench.submit(*(job(number, user=number) for number in range(5, 9)), orders="model m")
    bench.until(lambda: refused)
    assert refused[0] == ("m", "it has no sampler dpmpp2m")
    assert not pool.stopping.is_set()


def test_weather_uses_up_no_try(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store or a Redis that is away for longer than all tries together fails no job."""
    monkeypatch.setattr("worker.settling.WEATHER_DELAY_S", 0.01)
    bench.submit(job(), orders="storms 9")
    bench.start(slots=1, lease_s=0.4)
    bench.until(bench.delivered)
    assert bench.delivered() == [f"{job().id} done"]
    assert bench.client.llen("runs") == 10
    assert bench.client.hget(keys.rq_job(job().id), "retries_left") == b"3"


def test_twins_take_nothing_from_each_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two containers with one host's name and one process number: the death of one ends none of the other's leases."""
    monkeypatch.setattr("socket.gethostname", lambda: "one")
    monkeypatch.setattr("os.getpid", lambda: 7)
    bench.submit(*(job(number, user=number) for number in range(4)), orders=LONG)
    first, second = bench.start(slots=2), bench.start(slots=2)
    bench.until(lambda: bench.client.zcard(keys.leases("render")) == 4)
    assert not {slot.name for slot in first.slots()} & {slot.name for slot in second.slots()}
    assert bury(bench.client, first.name) == 2
    for lease in second.leases():
        assert bench.client.zscore(keys.leases("render"), f"{lease.rq_id}:{lease.execution}")
    assert bench.client.scard(keys.rq_workers_of("render")) == 2


def test_what_an_operator_mended_is_forgiven(bench: Bench) -> None:
    """`easel reset-breaker` reaches every process."""
    forgiven: list[int] = []
    bench.start(slots=1, lease_s=0.4, forgive=lambda: forgiven.append(1))
    bench.until(lambda: bench.client.scard(keys.rq_workers_of("render")))
    bench.client.incr(keys.resumed())
    bench.until(lambda: forgiven)


def test_rqs_tools_see_that_a_slot_lives(bench: Bench) -> None:
    """`last_heartbeat` moves on, as `rq info` and its exporters read it."""
    pool = bench.start(slots=1, lease_s=0.4)
    key = pool.slots()[0].key
    bench.until(lambda: bench.client.hget(key, "last_heartbeat"))
    first = bench.client.hget(key, "last_heartbeat")
    bench.until(lambda: bench.client.hget(key, "last_heartbeat") != first)


def test_a_callback_registered_late_is_called_at_once() -> None:
    """A cancel that arrives before the engine has the ticket is not lost."""
    lease, calls = Lease("render", job().id, job().id, "e", "w", 60), []
    lease.on_stop(lambda: calls.append("early"))
    lease.stop(Stop.CANCELLED)
    lease.on_stop(lambda: calls.append("late"))
    assert calls == ["early", "late"]


def test_losing_the_lease_outweighs_every_other_reason() -> None:
    """A cancelled job whose lease is lost must stay silent all the same."""
    lease = Lease("render", job().id, job().id, "e", "w", 60)
    lease.stop(Stop.CANCELLED)
    lease.stop(Stop.LOST)
    assert lease.lost
    lease.stop(Stop.HANDED_BACK)
    assert lease.reason is Stop.LOST


def test_outside_of_a_slot_there_is_no_lease() -> None:
    """Tasks can be called by hand."""
    assert current_lease() is None
    on_cancel(job().id, lambda: None)


def test_heartbeats_come_well_within_a_lease() -> None:
    """A worker's entry outlives several beats."""
    assert Heartbeat.WORKER_TTL_S > 3 * 15 / 4
