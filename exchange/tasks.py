"""The tasks RQ may run, by dotted name, and the hashes of their jobs. JSON only, never pickle.

JSON alone does not stop code execution: RQ imports any function name that it finds in Redis. `AllowedJob` does.
"""

from __future__ import annotations

from typing import Any

import redis
from rq.job import Job as RQJob
from rq.job import JobStatus
from rq.serializers import JSONSerializer
from rq.utils import now

from contract.codec import JOB_VERSION, encode_job
from contract.jobs import DiscordChannel, Job, Queue, Speed
from contract.outcomes import Outcome, Stored, encode_outcome
from exchange.keys import DELIVER, INTAKE, RENDER

INTAKE_TASK = "worker.tasks.intake"
RENDER_TASK = "worker.tasks.render"
DELIVER_TASK = "worker.tasks.deliver"
ALLOWED_TASKS = frozenset({INTAKE_TASK, RENDER_TASK, DELIVER_TASK})

RESULT_TTL_S = 3_600
FAILURE_TTL_S = 86_400

INTAKE_TIMEOUT_S = 60
RENDER_TIMEOUT_S = 900
DELIVER_TIMEOUT_S = 300
INTAKE_RETRIES = 3
RENDER_RETRIES = 3
DELIVER_RETRIES = 12
"""Deliveries wait longer after each failed try (`worker.slots`), so this many cover several hours."""

RETRIES = {INTAKE: INTAKE_RETRIES, RENDER: RENDER_RETRIES, DELIVER: DELIVER_RETRIES}
"""By queue."""

WEIGHTS = {Speed.RELAX: 1.0, Speed.FAST: 10.0, Speed.TURBO: 20.0}
"""A fast job's cost counts a tenth of a relaxed one's, so relaxed jobs are served less often but never starve. The
operator may set others: whoever queues a job, the scripts read them from `easel:limits`."""

HEAD_START = 2.0
"""Who pressed a button is looking: such a job, unless it is relaxed, goes this many average jobs before its turn.

Its cost counts in its user's share like any other, so a user's presses catch up with the turn of others after two or
three. All presses together spend from one credit, two average jobs for each slot; those who find it spent wait their
turn. So a job that waits is passed over by no more than that and what `RETURNS` adds, however many people press.
"""
RETURNS = 0.5
"""A job served in its turn gives back this part of its share to that credit: at most one in three goes before its turn
while the queue never empties. An empty queue gives back all."""
POST_COST = 1.0
"""Megapixel-steps that a post counts for in the fair order of the posts, where all are alike."""

Fields = list[bytes | str | int | float]

# Building a job needs a client object, but no connection is ever opened through this one.
_NO_CONNECTION = redis.Redis()


class AllowedJob(RQJob):  # type: ignore[misc]  # RQ ships no types
    """RQ's job, except that it runs nothing but our tasks and carries no callbacks or webhooks."""

    @property
    def func(self) -> Any:
        """The task. PermissionError for any other function."""
        if self.func_name not in ALLOWED_TASKS or self.instance is not None:
            raise PermissionError(f"the function {self.func_name!r} is not one of Easel's tasks")
        return super().func

    def restore(self, raw_data: Any) -> None:
        """Read the job's hash, leaving out everything that would call code on its own."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks: list[Any] = []


def submitted(job: Job) -> Fields:
    """The hash of a job as the bot submits it."""
    match job.queue:
        case Queue.DELIVER:
            return delivery(job, Stored(), job.id)
        case Queue.INTAKE:
            return intake(job)
        case Queue.RENDER:
            return rendering(job, job.id)


def intake(job: Job) -> Fields:
    """The hash of an `intake(job)` task."""
    return _hash(INTAKE_TASK, [encode_job(job)], job.id, INTAKE, INTAKE_TIMEOUT_S, INTAKE_RETRIES)


def rendering(job: Job, rq_id: str) -> Fields:
    """The hash of a `render(job)` task."""
    return _hash(RENDER_TASK, [encode_job(job)], rq_id, RENDER, RENDER_TIMEOUT_S, RENDER_RETRIES)


def delivery(job: Job, outcome: Outcome, rq_id: str) -> Fields:
    """The hash of a `deliver(job, outcome)` task."""
    return _hash(
        DELIVER_TASK, [encode_job(job), encode_outcome(outcome)], rq_id, DELIVER, DELIVER_TIMEOUT_S, DELIVER_RETRIES
    )


def traits(job: Job, *, capped: bool = True) -> dict[str, Any]:
    """What the scripts know of a job: its model and, by its plan, its cost and the pixels of a picture, for workers
    with little memory. Its turn is fair among users; `capped` ones also count against their limits.

    What needs no drawing counts as a post, and so does a job without a plan, which version 0.1 accepted.
    """
    if job.plan is None or (job.queue is Queue.DELIVER and capped):
        return _traits(job, POST_COST, capped=capped)
    pixels = job.plan.width * job.plan.height
    return _traits(job, job.plan.cost, model=job.model, pixels=pixels, capped=capped)


def post_traits(job: Job) -> dict[str, Any]:
    """As `traits`, of a job's delivery. It is not capped: a closed channel must not block its user."""
    return _traits(job, POST_COST, capped=False)


def _traits(
    job: Job,
    cost: float,
    *,
    model: str = "",
    pixels: int = 0,
    capped: bool,
) -> dict[str, Any]:
    guild = job.destination.guild_id
    return {
        "user": str(job.user.id),
        "guild": str(guild) if guild is not None else "",
        "place": str(job.destination.channel_id) if isinstance(job.destination, DiscordChannel) else "",
        "capped": capped,
        "model": model,
        "name": job.model,
        "pixels": pixels,
        "cost": max(cost, 0.001),
        "speed": job.speed.value,
        "ahead": HEAD_START if job.parent is not None and job.speed is not Speed.RELAX else 0.0,
        "returns": RETURNS,
        "version": JOB_VERSION,
    }


def _hash(task: str, args: list[Any], rq_id: str, queue: str, timeout_s: int, retries: int) -> Fields:
    job = RQJob.create(
        task,
        args=args,
        connection=_NO_CONNECTION,
        id=rq_id,
        serializer=JSONSerializer,
        origin=queue,
        timeout=timeout_s,
        result_ttl=RESULT_TTL_S,
        failure_ttl=FAILURE_TTL_S,
        description=task,
        status=JobStatus.QUEUED,
    )
    job.retries_left = retries
    job.enqueued_at = now()
    fields: Fields = []
    for name, value in job.to_dict().items():
        fields += [name, getattr(value, "value", value)]
    return fields
