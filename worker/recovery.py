"""Puts right what nobody holds any more: lapsed leases, jobs that were never released, entries that are no jobs."""

from __future__ import annotations

from typing import Any

import redis
import structlog

from exchange import keys, scripts
from exchange.queue import HELD_S
from exchange.reading import text
from worker.settling import settle_abandoned

log = structlog.get_logger(__name__)


def recover(client: redis.Redis, *, pause_s: float = 0.0) -> int:
    """Give back what nobody holds any more, once for all queues. Any process may do it, at any time. Counts jobs.

    With `pause_s`, nothing happens when any process of the fleet did it so recently.
    """
    parameters: dict[str, Any] = {"queues": keys.QUEUES, "held_s": HELD_S}
    if pause_s:
        parameters["pause_s"] = pause_s
    retried, released, due, quarantined, *ended = scripts.run(client, scripts.RECOVER, scripts.arguments(parameters))
    if retried or released:
        log.warning("recovered", lost_leases=retried, unacknowledged=released)
    for entry in quarantined:
        log.error("an entry in Redis is none of ours, or damaged; it was put aside", entry=text(entry)[:300])
    for rq_id, execution, queue, how in zip(*[iter(ended)] * 4, strict=True):
        settle_abandoned(client, queue.decode(), rq_id.decode(), execution.decode(), how.decode())
    return int(retried) + int(released) + int(due) + len(ended) // 4


def bury(client: redis.Redis, process_name: str) -> int:
    """End the leases of a process that is known to be dead and recover its jobs now. Counts its leases."""
    parameters = {"queues": keys.QUEUES, "prefix": f"{process_name}-"}
    count = int(scripts.run(client, scripts.BURY, scripts.arguments(parameters)))
    client.delete(keys.node(process_name))
    recover(client)
    return count
