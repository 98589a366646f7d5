"""What the operator sees."""

from __future__ import annotations

import redis

from contract.outcomes import Done
from exchange import keys
from exchange.delivery import enqueue_delivery
from exchange.status import describe_status, read_status
from tests.contract.factories import imagine


def test_an_empty_house(client: redis.Redis) -> None:
    """Three queues with nothing in them, and a hint that nobody works."""
    status = read_status(client)
    assert [queue.name for queue in status.queues] == ["intake", "render", "deliver"]
    assert status.document()["held"] == 0
    assert "no worker draws" in describe_status(status)


def test_who_only_delivers_and_a_note_of_a_device_draw_nothing(client: redis.Redis) -> None:
    """They are shown, and a house of them alone is said to draw nothing."""
    client.hset("easel:node:host-8", mapping={"name": "host-8", "pid": 1, "slots": 4})
    client.hset("easel:node:host-device-0", mapping={"name": "host-device-0", "state": "left alone"})
    status = read_status(client)
    assert len(status.workers) == 2
    assert status.drawing == ()
    assert "no worker draws" in describe_status(status)
    client.hset("easel:node:host-7", mapping={"name": "host-7", "models": "easel-small"})
    status = read_status(client)
    assert [worker["name"] for worker in status.drawing] == ["host-7"]
    assert "no worker draws" not in describe_status(status)


def test_jobs_and_workers_are_counted(client: redis.Redis) -> None:
    """Waiting, running, scheduled, failed, held; workers in their own words; the whole fleet's pause."""
    for interaction in (1, 2):
        enqueue_delivery(client, imagine(interaction=interaction), Done())
    client.zadd(keys.leases("render"), {"a:b": 1})
    client.zadd("rq:scheduled:deliver", {"c": 1})
    client.zadd("rq:failed:render", {"d": 1, "e": 1})
    client.zadd(keys.held(), {"f": 1})
    client.sadd("rq:workers:render", "w1", "w2", "w3")
    client.set("rq:suspended", 1)
    client.hset("easel:node:host-7", mapping={"name": "host-7", "device": "cpu", "models": "easel-small"})
    status = read_status(client)
    _, render, deliver = status.queues
    assert (render.waiting, render.running, render.failed, render.slots) == (0, 1, 2, 3)
    assert (deliver.waiting, deliver.scheduled) == (2, 1)
    assert status.held == 1
    text = describe_status(status)
    assert "worker host-7: device cpu, models easel-small" in text
    assert "suspended" in text
    assert list(status.document()["workers"]) == [{"device": "cpu", "models": "easel-small", "name": "host-7"}]
