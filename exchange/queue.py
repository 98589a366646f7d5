"""The bot's side of the queue: submit, release, cancel, position. Every method is one atomic step in Redis.

A submitted job is *held* until the bot has acknowledged it and calls `release`; recovery releases what was held for
over five seconds, because from the moment `submit` succeeded the job is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import redis.asyncio
import structlog
from rq.utils import now, utcformat

from contract.codec import decode_job, encode_job
from contract.errors import EaselError, UserError
from contract.ids import JobId
from contract.jobs import Job, Speed
from contract.outcomes import Cancelled, JobState, Refused, decode_outcome
from exchange import keys, scripts, tasks
from exchange.delivery import MessageRef, message_ref
from exchange.quotas import Pace
from exchange.reading import text

__all__ = ["CancelOutcome", "JobQueue", "Limits", "MessageRef", "Position", "Submitted"]

log: structlog.stdlib.BoundLogger = structlog.get_logger()

HELD_S = 5.0
"""A job held longer than this is released by recovery: the bot that should have done it has died."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one user or guild may have in the queue at once; 0 is no limit.

    `posts_per_channel`: messages that Discord takes in one channel in five seconds, which its people share.
    `weights`: a job's cost counts by so much less than a job's of weight 1, by its speed.
    """

    max_queued_per_user: int = 10
    max_running_per_user: int = 3
    max_queued_per_guild: int = 200
    max_running_per_guild: int = 0
    posts_per_channel: int = 5
    weights: Mapping[Speed, float] = field(default_factory=lambda: tasks.WEIGHTS)

    def kept(self) -> dict[Any, float]:
        """What the scripts have to know of them when they claim and queue jobs: the fields of `easel:limits`."""
        weights = {f"weight:{speed.value}": weight for speed, weight in self.weights.items()}
        caps = {"user": self.max_running_per_user, "guild": self.max_running_per_guild}
        return {**caps, "posts": self.posts_per_channel, **weights}


@dataclass(frozen=True, slots=True)
class Submitted:
    """`job` as it was accepted, with its plan. `duplicate`: it was there already, which is a success.

    `position`: how many jobs go first. `running`: how many other jobs of the same user are being rendered.
    """

    job: Job
    duplicate: bool
    position: int
    running: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """Where a job stands. `eta_s`: estimated seconds until its pictures are ready, None before speeds are known.

    `slots`: how many jobs the workers that run now can take at a time; at 0 the job waits for a worker to start.
    `served`: whether any of them draws with the job's model.
    """

    ahead: int
    eta_s: float | None
    running: bool
    slots: int = 0
    served: bool = True


class CancelOutcome(StrEnum):
    """What a cancel did. After `STOPPING` the worker ends the job at its next step and its delivery tells the user."""

    CANCELLED = "cancelled"
    STOPPING = "stopping"
    NOT_YOURS = "not_yours"
    ENDED = "ended"
    UNKNOWN = "unknown"


class JobQueue:
    """The queue as the bot sees it. Safe to share between tasks."""

    def __init__(self, client: redis.asyncio.Redis, limits: Limits | None = None) -> None:
        self._redis = client
        self.limits = limits or Limits()

    async def submit(self, job: Job, *, interaction_id: int | None = None, pace: Pace | None = None) -> Submitted:
        """Accept `job`, which has its plan, held. Repeating it is harmless.

        It costs what its plan says; a job that needs no drawing counts as one post instead. `interaction_id` lets the
        delivery find the waiting message when the bot dies before `release`. With a `pace` the job counts against its
        person's hour in the same step. UserError("queue_full", limit=..., scope="user" or "guild") over a cap, or as
        `Pace.refusal`; ValueError for a job without a plan.
        """
        if job.plan is None:
            raise ValueError("a job is planned before it is accepted")
        limits = self.limits
        caps: list[list[Any]] = [[f"user:{job.user.id}", limits.max_queued_per_user, "user"]]
        if job.destination.guild_id is not None:
            caps.append([f"guild:{job.destination.guild_id}", limits.max_queued_per_guild, "guild"])
        answer = await self._submit(job, caps, interaction_id=interaction_id, pace=pace)
        match answer:
            case [b"paced", why, again_ms] if pace is not None:
                raise pace.refusal(why.decode(), int(again_ms))
            case [b"full", kind, limit]:
                raise UserError("queue_full", limit=int(limit), scope=kind.decode())
            case [b"duplicate"]:
                position = await self.position(job.id)
                return Submitted(job, duplicate=True, position=position.ahead if position else 0)
        return Submitted(job, duplicate=False, position=int(answer[1]), running=int(answer[2]))

    async def _submit(
        self,
        job: Job,
        caps: list[list[Any]],
        *,
        interaction_id: int | None = None,
        first_try_ms: int | None = None,
        pace: Pace | None = None,
    ) -> Any:
        parameters: dict[str, Any] = {
            "id": job.id,
            "job": job.id,
            "ids": keys.rq_ids(job.id),
            "queue": job.queue.value,
            "traits": tasks.traits(job),
            "caps": caps,
            "limits": self.limits.kept(),
            "interaction": str(interaction_id or ""),
            "document": encode_job(job),
        }
        if first_try_ms is not None:
            parameters["first_try"] = first_try_ms
        if pace is not None:
            parameters["pace"] = pace.parameters
        return await self._run(scripts.SUBMIT, parameters, tasks.submitted(job))

    async def release(self, job_id: JobId, message: MessageRef | None) -> bool:
        """Let a held job run, now that it is acknowledged by `message`.

        False when the job is unknown or has ended: nobody will delete the waiting message, so the caller should.
        """
        parameters = {
            "id": job_id,
            "job": job_id,
            "channel": str(message.channel_id) if message else "",
            "message": str(message.message_id) if message else "",
        }
        _, state = await self._run(scripts.RELEASE, parameters)
        known = text(state)
        return known in set(JobState) and not JobState(known).ended

    async def restore(self, job: Job, message: MessageRef | None) -> bool:
        """Put an accepted job back of which Redis knows nothing any more, such as after it came back empty.

        Harmless when it knows the job after all. What was posted of it before is found, and not posted again. False
        when the job has ended meanwhile.
        """
        await self._submit(job, [], first_try_ms=job.created_ms)
        return await self.release(job.id, message)

    async def accepted_before(self, job_id: JobId) -> Submitted | None:
        """What `submit` would say of a job that it has accepted and nobody has discarded; None of any other."""
        document, discarded = await self._redis.hmget(keys.state(job_id), ["job", "discarded"])
        job = None if document is None or discarded is not None else _readable(job_id, document)
        if job is None:
            return None
        position = await self.position(job_id)
        return Submitted(job, duplicate=True, position=position.ahead if position else 0)

    async def discard(self, job_id: JobId) -> None:
        """Forget a job that could not be acknowledged: nothing is drawn, and nothing is said of it any more. Submitted
        once more, it is a new one."""
        arguments = _cancelling(job_id, None, by=0, operator=True, discard=True)
        await scripts.run_async(self._redis, scripts.CANCEL, arguments)

    async def cancel(self, job_id: JobId, *, by: int, operator: bool = False) -> CancelOutcome:
        """End a job at any stage, for its owner (`by` is a user id) or for an operator.

        The delivery says so in the job's waiting message.
        """
        return (await self.cancel_each([job_id], by=by, operator=operator))[job_id]

    async def cancel_each(
        self, job_ids: Sequence[JobId], *, by: int, operator: bool = False
    ) -> dict[JobId, CancelOutcome]:
        """`cancel` of several, in this order and in three round trips, however many there are."""
        if not job_ids:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(keys.state(job_id), "job")
            documents = await pipe.execute()
        first, *others = [
            _cancelling(job_id, _readable(job_id, document), by=by, operator=operator)
            for job_id, document in zip(job_ids, documents, strict=True)
        ]
        answers = [await scripts.run_async(self._redis, scripts.CANCEL, first)]  # from here on Redis knows the script
        async with self._redis.pipeline(transaction=False) as pipe:
            for arguments in others:
                pipe.evalsha(scripts.CANCEL.digest, 0, *arguments)
            several = await pipe.execute(raise_on_error=False)
        for arguments, answer in zip(others, several, strict=True):
            if isinstance(answer, redis.exceptions.NoScriptError):  # another server by now, or a flushed one
                answer = await scripts.run_async(self._redis, scripts.CANCEL, arguments)
            elif isinstance(answer, Exception):
                raise answer
            answers.append(answer)
        return {job_id: CancelOutcome(text(answer)) for job_id, answer in zip(job_ids, answers, strict=True)}

    async def cancel_all(self, user_id: int) -> dict[JobId, CancelOutcome]:
        """End all jobs of a user, those that wait first: none may begin because another one ended."""
        waiting = await self._members(keys.waiting(f"user:{user_id}"))
        running = await self._members(keys.running(f"user:{user_id}"))
        return await self.cancel_each(list(dict.fromkeys([*waiting, *running])), by=user_id)

    async def drawing_s(self, jobs: Sequence[Job]) -> float | None:
        """About how many seconds the present workers need to draw one user's `jobs`, once it is their turn.

        None without a worker, or before it is known how fast one draws. ValueError for a job without a plan.
        """
        plans = [job.plan for job in jobs if job.plan is not None]
        if len(plans) < len(jobs):
            raise ValueError("a job that has no plan has no cost")
        async with self._redis.pipeline(transaction=False) as pipe:
            for job, plan in zip(jobs, plans, strict=True):
                pipe.hmget(keys.speed(), [f"{job.model}@{plan.width * plan.height}", job.model])
            pipe.smembers(keys.rq_workers_of(keys.RENDER))
            *speeds, workers = await pipe.execute()
        slots = int(await self._redis.exists(*workers)) if workers else 0
        at_once = min(slots, len(jobs), self.limits.max_running_per_user or slots)
        known = [float(of_this_size or of_any or 0) for of_this_size, of_any in speeds]
        if not at_once or not all(known):
            return None
        return sum(plan.cost / speed for plan, speed in zip(plans, known, strict=True)) / at_once

    async def may_post(self, job: Job, *, begins: bool = False) -> bool:
        """Whether a message about `job`, other than its result, may be posted into its channel now.

        What one person's jobs post there leaves room for what others' do; `begins` says that it is posted now.
        """
        traits = tasks.post_traits(job)
        parameters = {"place": traits["place"], "user": traits["user"], "id": f"waiting-{job.id}", "begins": begins}
        return bool(await self._run(scripts.POST, parameters))

    async def position(self, job_id: JobId) -> Position | None:
        """Where a job stands; None when it is neither waiting nor running."""
        answer = await self._run(scripts.POSITION, {"ids": keys.rq_ids(job_id)[:2]})
        status = text(answer[0])
        if status not in ("created", "queued", "scheduled", "started"):
            return None
        _, ahead, cost, own, elapsed, running, slots, speed, served = answer
        eta = None
        if speed and int(slots):
            seconds_own = float(own) / float(speed)
            if status == "started":
                eta = max(0.0, seconds_own - float(elapsed))
            else:
                eta = (float(cost) + float(running)) / (float(speed) * int(slots)) + seconds_own
        return Position(ahead=int(ahead), eta_s=eta, running=status == "started", slots=int(slots), served=bool(served))

    async def accepted(self, job_id: JobId) -> Job | None:
        """The job as submitted; None when it is unknown or ended long ago. Errors as `contract.codec.decode_job`."""
        document = await self._redis.hget(keys.state(job_id), "job")
        return None if document is None else decode_job(document)

    async def of_user(self, user_id: int) -> list[JobId]:
        """A user's jobs that wait or run, in no order."""
        return await self._members(keys.waiting(f"user:{user_id}"), keys.running(f"user:{user_id}"))

    async def waiting_message(self, job_id: JobId) -> MessageRef | None:
        """The message that acknowledged a job, if one was recorded."""
        values = await self._redis.hmget(keys.state(job_id), ["waiting_channel", "waiting_message"])
        return message_ref(values[0], values[1])

    async def state(self, job_id: JobId) -> JobState | None:
        """Where a job stands; None for an unknown one."""
        [state] = await self.states([job_id])
        return state

    async def states(self, job_ids: Sequence[JobId]) -> list[JobState | None]:
        """Where several jobs stand, in their order, in one round trip."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hget(keys.state(job_id), "state")
            values = [text(value or b"") for value in await pipe.execute()]
        return [JobState(value) if value in set(JobState) else None for value in values]

    async def _members(self, *scopes: str) -> list[JobId]:
        found = set()
        for member in await self._redis.sunion(list(scopes)):
            with suppress(ValueError):  # an id that is none of ours
                found.add(keys.job_of(text(member)))
        return sorted(found)

    async def is_handed_over(self, job_id: JobId) -> bool:
        """Whether a job's pictures may be shown to the program that asked for them: they were looked at."""
        return bool(await self._redis.hexists(keys.state(job_id), "handed_over"))

    async def error(self, job_id: JobId) -> UserError | None:
        """Why a job failed, where its place keeps that."""
        value = await self._redis.hget(keys.state(job_id), "error")
        outcome = None if value is None else decode_outcome(text(value))
        return outcome.error if isinstance(outcome, Refused) else None

    async def _run(self, script: scripts.Script, parameters: dict[str, Any], fields: tasks.Fields | None = None) -> Any:
        return await scripts.run_async(self._redis, script, scripts.arguments(parameters, fields or []))


def _readable(job_id: JobId, document: bytes | str | None) -> Job | None:
    """An accepted job from its document; None, which is logged, when that cannot be read: it ends all the same."""
    if document is None:
        return None
    try:
        return decode_job(document)
    except EaselError as error:
        log.error("nobody can be told of this job's end: it cannot be read", job_id=job_id, error=str(error))
        return None


def _cancelling(job_id: JobId, job: Job | None, *, by: int, operator: bool, discard: bool = False) -> list[Any]:
    """What the script is told. Of a `job` its end is told, of one that is not known nothing is."""
    parameters: dict[str, Any] = {
        "job": job_id,
        "ids": keys.rq_ids(job_id),
        "by": str(by),
        "operator": operator,
        "discard": discard,
        "ended": utcformat(now()),
    }
    if job is None:
        return scripts.arguments(parameters)
    rq_id = keys.delivery_id(job_id)
    parameters["next"] = {"id": rq_id, "job": job_id, "queue": keys.DELIVER, "traits": tasks.post_traits(job)}
    return scripts.arguments(parameters, tasks.delivery(job, Cancelled(), rq_id))
