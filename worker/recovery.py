"""Puts right what nobody holds any more: lapsed leases, jobs that were never released, entries that are no jobs."""

from __future__ import annotations

import os
import socket
from secrets import token_hex
from typing import Any

import redis
import structlog

from contract.codec import decode_job
from contract.errors import EaselError, NewerVersion
from contract.ids import JobId
from contract.outcomes import Cancelled, Done, Failed, Fault, JobState, Outcome
from exchange import keys, scripts
from exchange.delivery import enqueue_end, record_ended
from exchange.queue import HELD_S
from exchange.reading import text
from worker.settling import settle_abandoned

log = structlog.get_logger(__name__)

LOOK_AFTER_S = 10.0
"""How often it is made sure that an accepted job still waits or runs somewhere."""


def recover(client: redis.Redis, *, pause_s: float = 0.0) -> int:
    """Give back what nobody holds any more, once for all queues. Any process may do it, at any time. Counts jobs.

    With `pause_s`, nothing happens when any process of the fleet did it so recently.
    """
    parameters: dict[str, Any] = {
        "queues": keys.QUEUES,
        "held_s": HELD_S,
        "look_s": LOOK_AFTER_S,
        "stems": keys.STEMS,
    }
    if pause_s:
        parameters["pause_s"] = pause_s
    answer = scripts.run(client, scripts.RECOVER, scripts.arguments(parameters))
    retried, released, due, quarantined, lost, *ended = answer
    if retried or released:
        log.warning("recovered", lost_leases=retried, unacknowledged=released)
    for entry in quarantined:
        log.error("an entry in Redis is none of ours, or damaged; it was put aside", entry=text(entry)[:300])
    for rq_id, execution, queue, how in zip(*[iter(ended)] * 4, strict=True):
        settle_abandoned(client, queue.decode(), rq_id.decode(), execution.decode(), how.decode())
    for job_id, how in zip(*[iter(lost)] * 2, strict=True):
        _end_lost(client, JobId(text(job_id)), text(how))
    return int(retried) + int(released) + int(due) + len(ended) // 4


def _end_lost(client: redis.Redis, job_id: JobId, how: str) -> None:
    """Tell the person of an accepted job that has vanished from the queues; what was drawn is handed over."""
    log.error("an accepted job has vanished from the queues", job_id=job_id, how=how)
    document = client.hget(keys.state(job_id), "job")
    try:
        job = decode_job(document or b"")
    except NewerVersion:
        return  # a worker of its own version will look after it
    except EaselError as error:
        log.error("nobody can be told of this job's end: it cannot be read", job_id=job_id, error=str(error))
        record_ended(client, job_id, JobState.FAILED)
        return
    outcomes: dict[str, Outcome] = {"done": Done(), "cancelled": Cancelled()}
    enqueue_end(client, job, outcomes.get(how) or Failed(Fault.WORKER_LOST))


def unique_name() -> str:
    """A name for a worker process: two containers may share a host's name and a number, but never this."""
    return f"{socket.gethostname()}-{os.getpid()}-{token_hex(4)}"


def bury(client: redis.Redis, process_name: str) -> int:
    """End the leases of a process that is known to be dead and recover its jobs now. Counts its leases."""
    parameters = {"queues": keys.QUEUES, "prefix": f"{process_name}-"}
    count = int(scripts.run(client, scripts.BURY, scripts.arguments(parameters)))
    client.delete(keys.node(process_name))
    recover(client)
    return count
