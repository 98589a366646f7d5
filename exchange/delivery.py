"""What is known of a job's messages, and how a rendered job becomes a post. The worker's side; knows no Discord."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import redis

from contract.errors import EaselError, UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.outcomes import JobState, Outcome, Refused, encode_outcome
from exchange import keys, scripts, tasks
from exchange.reading import integer, text

KEPT_S = 86_400
"""How long an ended job's delivery state is kept, against late repeats."""

Lease = tuple[str, str, str]
"""Queue, RQ id and execution: what a worker must still hold for its word to count."""


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message: where it is and which one."""

    channel_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """What is known of a job's messages; `state` is None for an unknown job.

    `waiting` acknowledged the job; without it, `interaction_id` finds it in the channel. `first_try_ms` (Unix
    milliseconds) is when a post was first attempted: much later, the nonce no longer protects against doubles.
    """

    state: JobState | None
    waiting: MessageRef | None
    interaction_id: int | None
    first_try_ms: int | None
    posted: MessageRef | None


def enqueue_delivery(client: redis.Redis, job: Job, outcome: Outcome, lease: Lease | None = None) -> bool:
    """Make the post of `job` a job of its own. Harmless to repeat; nothing when the job has been posted already.

    `lease` is the caller's: False, and nothing enqueued, when another worker has it now; Withdrawn when the job was
    cancelled meanwhile.
    """
    rq_id = keys.delivery_id(job.id)
    return _enqueue(
        client, job, rq_id, keys.DELIVER, tasks.delivery(job, outcome, rq_id), tasks.post_traits(job), lease
    )


def enqueue_rendering(client: redis.Redis, job: Job) -> bool:
    """Render a job that was submitted as a post, because the store has lost its picture. It has its plan. Harmless to
    repeat."""
    rq_id = keys.again_id(job.id)
    fields = tasks.rendering(job, rq_id)
    return _enqueue(client, job, rq_id, keys.RENDER, fields, tasks.traits(job, capped=False), None)


def delivery_state(client: redis.Redis, job_id: JobId) -> DeliveryState:
    """What is known of a job's messages; all empty for an unknown job."""
    known = client.hgetall(keys.state(job_id))
    state, interaction, first_try = (known.get(name) for name in (b"state", b"interaction", b"first_try"))
    return DeliveryState(
        state=_state(state),
        waiting=message_ref(known.get(b"waiting_channel"), known.get(b"waiting_message")),
        interaction_id=integer(interaction) or None,
        first_try_ms=integer(first_try),
        posted=message_ref(known.get(b"posted_channel"), known.get(b"posted_message")),
    )


def _state(value: bytes | str | None) -> JobState | None:
    known = text(value) if value is not None else ""
    return JobState(known) if known in set(JobState) else None


def begin_post(client: redis.Redis, job_id: JobId) -> DeliveryState:
    """Record that a post is about to be attempted, and return what was known before."""
    before = delivery_state(client, job_id)
    client.hsetnx(keys.state(job_id), "first_try", str(int(time.time() * 1000)))
    return before


def record_posted(client: redis.Redis, job_id: JobId, message: MessageRef, state: JobState) -> None:
    """Record the message that ended a job, and how it ended."""
    with client.pipeline() as pipe:
        pipe.hset(
            keys.state(job_id),
            mapping={"state": state, "posted_channel": message.channel_id, "posted_message": message.message_id},
        )
        pipe.expire(keys.state(job_id), KEPT_S)
        pipe.execute()


def record_handed_over(client: redis.Redis, job_id: JobId) -> None:
    """Record that a job's pictures may be shown to the program that asked for them."""
    client.hset(keys.state(job_id), "handed_over", "1")


def record_ended(client: redis.Redis, job_id: JobId, state: JobState) -> None:
    """Record that a job ended without a new message: its channel is gone, or its waiting message says it all."""
    with client.pipeline() as pipe:
        pipe.hset(keys.state(job_id), "state", state)
        pipe.expire(keys.state(job_id), KEPT_S)
        pipe.execute()


def record_error(client: redis.Redis, job_id: JobId, error: UserError) -> None:
    """Keep why a job failed, for who asks for it."""
    with client.pipeline() as pipe:
        pipe.hset(keys.state(job_id), "error", encode_outcome(Refused.by(error)))
        pipe.expire(keys.state(job_id), KEPT_S)
        pipe.execute()


def message_ref(channel_id: bytes | str | None, message_id: bytes | str | None) -> MessageRef | None:
    """A message from two stored numbers; None when either is missing or none."""
    channel, message = integer(channel_id), integer(message_id)
    return MessageRef(channel, message) if channel and message else None


class Withdrawn(EaselError):
    """The job was cancelled: what was made of it is no longer wanted."""


def enqueue_end(client: redis.Redis, job: Job, outcome: Outcome) -> bool:
    """Tell of the end of a job of which nothing waits or runs any more. Harmless to repeat."""
    rq_id = keys.delivery_id(job.id)
    fields = tasks.delivery(job, outcome, rq_id)
    return _enqueue(client, job, rq_id, keys.DELIVER, fields, tasks.post_traits(job), None, again=True)


def _enqueue(
    client: redis.Redis,
    job: Job,
    rq_id: str,
    queue: str,
    fields: tasks.Fields,
    traits: dict[str, Any],
    lease: Lease | None,
    *,
    again: bool = False,
) -> bool:
    parameters: dict[str, Any] = {
        "id": rq_id,
        "job": job.id,
        "queue": queue,
        "traits": traits,
    }
    if lease is not None:
        parameters["lease"] = list(lease)
    if again:
        parameters["again"] = True
    answer = int(scripts.run(client, scripts.ENQUEUE, scripts.arguments(parameters, fields)))
    if answer == -2:
        raise Withdrawn("cancelled while it was being made")
    return answer != -1
