"""What the tests of delivery share: a Discord of their own, a clock that they move, and jobs on their last step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis

from contract.catalogue import DEFAULT_CATALOGUE
from contract.jobs import Job, channel_of
from exchange import keys
from exchange.delivery import delivery_state
from exchange.images import FolderStore
from tests.worker.fakes import Crash, FakeDiscord
from worker.delivery.discord import DiscordDoor
from worker.delivery.ending import Delivery

WAITING = 500


class Clock:
    """Unix milliseconds that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_790_000_100_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def discord() -> FakeDiscord:
    return FakeDiscord(waiting={WAITING: ("**a fox** - <@811> (Waiting to start)", None)})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def delivery(discord: FakeDiscord, store: FolderStore, client: redis.Redis, clock: Clock) -> Delivery:
    door = DiscordDoor(discord, upload_limit_bytes=10 * 2**20, now_ms=clock)
    return Delivery({"discord": door}, store, client, DEFAULT_CATALOGUE, now_ms=clock)


def accepted(client: redis.Redis, job: Job, *, waiting: int | None = WAITING, interaction: int | None = None) -> Job:
    """What submit and release leave behind for a job that is now being delivered."""
    fields: dict[Any, Any] = {"state": "delivering"}
    if waiting is not None:
        fields |= {"waiting_channel": channel_of(job.destination).channel_id, "waiting_message": waiting}
    if interaction is not None:
        fields["interaction"] = interaction
    client.hset(keys.state(job.id), mapping=fields)
    return job


def crash_at(step: str) -> Callable[[str], None]:
    """A hook that ends the process at a step."""

    def hook(name: str) -> None:
        if name == step:
            raise Crash(step)

    return hook


def first_try(client: redis.Redis, job: Job) -> int:
    """When the job's post was first tried, in Unix milliseconds."""
    moment = delivery_state(client, job.id).first_try_ms
    assert moment is not None
    return moment
