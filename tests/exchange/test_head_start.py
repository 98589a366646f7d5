"""Presses go before their turn, by a bounded amount: somebody is looking, and somebody else is waiting."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
import redis.asyncio

from contract.jobs import Job, Speed, User
from contract.outcomes import Done
from exchange import keys
from exchange.delivery import MessageRef, enqueue_delivery
from exchange.queue import JobQueue, Limits
from exchange.tasks import HEAD_START, RETURNS
from tests.contract.factories import press, priced, reroll
from tests.exchange.jobs import job, upscale_of
from tests.exchange.worker import PlainWorker

COST = 10.0


def pressed(number: int, *, user: int, speed: Speed = Speed.FAST) -> Job:
    """A re-roll: a whole grid, like any other."""
    again = reroll(job(1), press(interaction=number, user=User(user, f"user{user}")))
    return replace(again, speed=speed)


class Line:
    """The render queue, without caps, and one worker with one slot."""

    def __init__(self, async_client: redis.asyncio.Redis, client: redis.Redis, queue: str = "render") -> None:
        self.queue = JobQueue(async_client, Limits(0, 0, 0, 0))
        self.client = client
        self.worker = PlainWorker(client, queue=queue)

    async def submit(self, *jobs: Job, cost: float = COST) -> None:
        for each in jobs:
            await self.queue.submit(priced(each, cost, model="m"))
            await self.queue.release(each.id, MessageRef(31, 1))

    def serve(self) -> str:
        """Claim and finish."""
        rq_id = self.worker.claim()
        self.worker.finish(rq_id)
        return rq_id


@pytest.fixture
def line(async_client: redis.asyncio.Redis, client: redis.Redis) -> Line:
    return Line(async_client, client)


@pytest.mark.parametrize("cost", [0.03, 10.0, 4000.0])
async def test_a_press_goes_before_first_grids_of_any_size(line: Line, cost: float) -> None:
    """Whether the model is tiny or large: the head start is measured in average jobs."""
    await line.submit(*(job(number, user=number) for number in range(2, 12)), cost=cost)
    line.worker.claim()
    again = pressed(50, user=50)
    submitted = await line.queue.submit(priced(again, cost, model="m"))
    assert submitted.position == 0
    await line.queue.release(again.id, MessageRef(31, 1))
    assert line.worker.claim() == again.id


async def test_relaxed_presses_have_no_head_start(line: Line) -> None:
    """Who chose to wait waits."""
    await line.submit(*(job(number, user=number) for number in range(2, 6)))
    await line.submit(pressed(50, user=50, speed=Speed.RELAX))
    assert line.worker.claim() == job(2, user=2).id


async def test_a_press_costs_its_user_as_much_as_any_job(line: Line) -> None:
    """The head start moves a job, it does not make it cheaper: twenty presses come to turns with others' grids."""
    await line.submit(*(pressed(100 + number, user=1) for number in range(20)))
    finish = float(line.client.zscore("easel:render:ends", "1") or 0)
    assert finish == pytest.approx(20 * COST / 10)
    await line.submit(*(job(number, user=number) for number in range(2, 12)))
    served = [line.serve() for _ in range(14)]
    presses = {pressed(100 + number, user=1).id for number in range(20)}
    first = [rq_id in presses for rq_id in served]
    assert sum(first[:13]) <= HEAD_START + 2


@pytest.mark.parametrize("cost", [0.03, 10.0])
async def test_whoever_waits_is_passed_over_by_a_bounded_amount(line: Line, cost: float) -> None:
    """One slot, and before each of its jobs another person presses: those that waited are all served in time.

    Each press comes from somebody new, so its user's own share never holds it back; only the common credit does.
    """
    waiting = [job(number, user=number) for number in range(2, 22)]
    await line.submit(*waiting, cost=cost)
    served: list[str] = []
    for number in range(60):
        await line.submit(pressed(1000 + number, user=1000 + number), cost=cost)
        served.append(line.serve())
    places = [served.index(each.id) for each in waiting]
    assert places == sorted(places)
    for before, place in enumerate(places):
        overtaken = place - before
        assert overtaken <= HEAD_START + RETURNS * before + 1
    assert places[0] >= 2


async def test_many_slots_have_more_credit(line: Line) -> None:
    """The bound is in time: what eight slots do before somebody's turn takes no longer than what one does."""
    names = [f"rq:worker:{number}" for number in range(8)]
    line.client.sadd("rq:workers:render", *names)
    first = job(2, user=2)
    await line.submit(first, job(3, user=3))
    await line.submit(*(pressed(1000 + number, user=1000 + number) for number in range(40)))
    served = [line.serve() for _ in range(20)]
    assert served.index(first.id) == HEAD_START * 8


async def test_an_empty_queue_gives_all_credit_back(line: Line) -> None:
    """Nobody was passed over who still waits."""
    await line.submit(pressed(100, user=100), pressed(101, user=101))
    assert [line.serve(), line.serve()] == [pressed(100, user=100).id, pressed(101, user=101).id]
    assert line.worker.claim() == "empty"
    await line.submit(job(2, user=2), pressed(50, user=50))
    assert line.serve() == pressed(50, user=50).id


async def test_a_press_that_is_handed_back_keeps_its_place(line: Line) -> None:
    """Its worker went away; the credit is not spent twice."""
    await line.submit(*(job(number, user=number) for number in range(2, 6)))
    again = pressed(50, user=50)
    await line.submit(again)
    spent = line.client.hget("easel:render:pressed", "spent")
    assert line.worker.claim() == again.id
    line.worker.finish(again.id, "back")
    assert line.worker.claim() == again.id
    assert line.client.hget("easel:render:pressed", "spent") == spent


async def test_ageing_holds_against_presses(line: Line) -> None:
    """One claim in four goes to a person who waits beyond patience, no matter who presses."""
    aged = [job(number, user=1) for number in range(10)]
    await line.submit(*aged, cost=1000)
    await line.submit(*(pressed(1000 + number, user=1000 + number) for number in range(20)))
    claimed = [line.worker.claim(patience_s=0) for _ in range(8)]
    assert sum(each.id in claimed for each in aged) >= 2


async def test_upscales_go_before_the_posts_of_grids(async_client: redis.asyncio.Redis, client: redis.Redis) -> None:
    """In the queue of posts all cost the same, however large the picture; two presses of one person both go first."""
    line = Line(async_client, client, queue="deliver")
    for number in range(2, 8):
        enqueue_delivery(client, job(number, user=number), Done())
    singles = [upscale_of(job(1), 900), upscale_of(job(1), 901)]
    await line.submit(*singles, cost=500.0)
    assert client.hget(keys.rq_job(singles[0].id), "easel_cost") == b"1"
    assert [line.worker.claim(), line.worker.claim()] == [single.id for single in singles]
