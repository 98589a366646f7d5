"""What becomes of jobs, and what an operator can do about it: `jobs`, `cancel`, `requeue`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import redis
import typer

from contract.ids import JobId, parse_job_id
from contract.outcomes import JobState
from exchange import keys, scripts
from exchange.answering import Absent, AsJson, NotNow, answer
from exchange.connection import connect_async
from exchange.inspection import STEPS, Moment, Seen, list_jobs, read_job
from exchange.opening import open_redis
from exchange.queue import CancelOutcome, JobQueue
from exchange.reading import text
from exchange.settings import CommonSettings, read_settings
from exchange.tasks import RETRIES

Id = Annotated[str, typer.Argument(metavar="ID", help="a job's id, as `easel jobs` and the logs show it")]


def jobs(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="one job, with all that became of it")] = None,
    state: Annotated[
        list[JobState] | None, typer.Option(help="only jobs in this state; may be given more than once")
    ] = None,
    user: Annotated[int | None, typer.Option(help="only those of this person (Discord id)")] = None,
    last: Annotated[int, typer.Option(min=1, max=10_000, help="how many")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the newest jobs, or show what became of one: each step, who took it, how long it took, why it failed."""
    client = open_redis(read_settings(CommonSettings))
    if id is not None:
        seen = _known(client, id)
        answer(seen.document(), describe_job(seen), as_json)
        return
    found = list_jobs(client, states=state or (), user_id=user, last=last)
    answer({"jobs": [seen.document() for seen in found]}, describe_jobs(found), as_json)


def cancel(id: Id, as_json: AsJson = False) -> None:
    """End a job, whoever it belongs to; its waiting message says so."""
    settings = read_settings(CommonSettings)
    _known(open_redis(settings), id)

    async def run() -> CancelOutcome:
        assert settings.redis_url is not None  # it was opened above
        client = connect_async(settings.redis_url.get_secret_value())
        try:
            return await JobQueue(client).cancel(JobId(id), by=0, operator=True)
        finally:
            await client.aclose()

    outcome = asyncio.run(run())
    match outcome:
        case CancelOutcome.CANCELLED:
            words = "It is cancelled."
        case CancelOutcome.STOPPING:
            words = "Its worker stops it at the next step."
        case _:
            raise NotNow(f"job {id} cannot be cancelled: it has ended, or is being posted")
    answer({"id": id, "outcome": str(outcome)}, words, as_json)


def requeue(id: Id, as_json: AsJson = False) -> None:
    """Do a failed job again, from the step that failed: a picture that is drawn is only posted."""
    client = open_redis(read_settings(CommonSettings))
    _known(client, id)
    parameters = {"job": id, "ids": keys.rq_ids(JobId(id)), "retries": RETRIES, "by": "operator"}
    said = text(scripts.run(client, scripts.REQUEUE, scripts.arguments(parameters)))
    match said:
        case "open":
            raise NotNow(f"job {id} has not ended: `easel jobs {id}` shows where it is")
        case "delivered":
            raise NotNow(f"job {id} was delivered: there is nothing to do again")
        case "nothing":
            raise NotNow(
                f"no step of job {id} failed: it was cancelled, or refused for a reason that its user can mend"
            )
        case "unknown":
            raise Absent(_no_job(id))
    answer({"id": id, "queue": said}, f"It waits in {said} again, before all others.", as_json)


def describe_jobs(found: list[Seen]) -> str:
    """A line a job."""
    if not found:
        return "no such job is known; ended ones are kept for an hour (done) or a day (failed)"
    lines = [f"{'id':38}{'state':12}{'kind':10}{'model':16}{'user':22}{'since':10}cause"]
    for seen in found:
        job = seen.job
        kind, model, user = (job.request.kind, job.model, str(job.user.id)) if job is not None else ("?", "?", "?")
        since = datetime.fromtimestamp(seen.submitted_s, UTC).strftime("%H:%M:%S")
        lines.append(
            f"{seen.id:38}{seen.state or '?':12}{kind:10}{model:16}{user:22}{since:10}{seen.cause[:80]}".rstrip()
        )
    return "\n".join(lines)


def describe_job(seen: Seen) -> str:
    """One job from beginning to end."""
    lines = [f"job {seen.id}: {seen.state or 'in no known state'}"]
    job = seen.job
    if job is not None:
        where = "a direct message" if job.destination.guild_id is None else f"server {job.destination.guild_id}"
        lines.append(f"{job.request.kind} with {job.model} ({job.speed}), for user {job.user.id} in {where}")
    if job is not None and job.plan is not None:
        plan = job.plan
        lines.append(f"{plan.width}x{plan.height}, {plan.num_inference_steps} steps, seed {job.seed}")
    if seen.ahead is not None:
        lines.append(f"{seen.ahead} jobs go before it")
    if seen.waiting is not None:
        lines.append(f"waiting message {seen.waiting.message_id} in channel {seen.waiting.channel_id}")
    if seen.posted is not None:
        lines.append(f"posted as message {seen.posted.message_id} in channel {seen.posted.channel_id}")
    if seen.cause:
        lines.append(f"cause: {seen.cause}")
    before_s = seen.trail[0].at_s if seen.trail else 0.0
    for moment in seen.trail:
        lines.append(_line(moment, moment.at_s - before_s))
        before_s = moment.at_s
    return "\n".join(lines)


def _line(moment: Moment, after_s: float) -> str:
    at = datetime.fromtimestamp(moment.at_s, UTC).strftime("%H:%M:%S.%f")[:-3]
    what = " ".join(filter(None, (moment.queue, STEPS.get(moment.did, moment.did))))
    took = "" if moment.seconds is None else f" after {moment.seconds:.2f} s"
    by = f" ({moment.by})" if moment.by else ""
    why = f": {moment.why}" if moment.why else ""
    return f"  {at}  +{after_s:7.2f} s  {what}{took}{by}{why}"


def _known(client: redis.Redis, id: str) -> Seen:
    try:
        seen = read_job(client, parse_job_id(id))
    except ValueError:
        raise Absent(f"{id!r} is no job's id: it looks like 0192f0c1-7b6a-8c3d-9e2f-0123456789ab") from None
    if seen is None:
        raise Absent(_no_job(id))
    return seen


def _no_job(id: str) -> str:
    return f"there is no job {id} in Redis: ended ones are kept for a day; its record may be in the image store"
