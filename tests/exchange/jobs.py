"""Jobs for the exchange's tests: told apart by their number, made by any user, of any kind."""

from __future__ import annotations

from dataclasses import replace

from contract.jobs import Job, Speed, User
from exchange.delivery import MessageRef
from exchange.queue import JobQueue
from tests.contract.factories import imagine, press, priced, upscale

MESSAGE = MessageRef(31, 4000)


def job(number: int = 1, *, user: int = 811, speed: Speed = Speed.FAST) -> Job:
    """The `number`-th job, by `user`."""
    return replace(imagine(interaction=number, user=User(user, f"user{user}")), speed=speed)


def upscale_of(parent: Job, number: int = 900) -> Job:
    """U1 on `parent`."""
    return upscale(parent, 0, press(parent.seed, interaction=number))


async def enqueue(queue: JobQueue, *jobs: Job, cost: float = 10.0, model_key: str = "m") -> None:
    """Submit and release."""
    for each in jobs:
        await queue.submit(priced(each, cost, model=model_key))
        await queue.release(each.id, MESSAGE)
