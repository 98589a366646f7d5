"""How an execution ends: finished, tried again, handed back, failed or cancelled. Only the lease's holder may say.

A rendering that cannot succeed makes its delivery in the same step, so that the user always hears of it.
"""

from __future__ import annotations

import traceback
from typing import Any

import redis
import structlog
from rq.job import Job as RQJob
from rq.results import Result
from rq.serializers import JSONSerializer
from rq.utils import now, utcformat

from contract.codec import decode_job
from contract.errors import EaselError, NewerVersion, UserError
from contract.ids import JobId
from contract.jobs import Job
from contract.outcomes import Cancelled, Failed, Fault, Outcome, Refused
from exchange import keys, scripts, tasks
from exchange.delivery import Withdrawn
from exchange.reading import text
from exchange.weather import sentence
from worker.faults import WEATHER
from worker.leases import Lease, RetryLater, Stop

CANCELLED_TTL_S = 3_600
NEWER_DELAY_S = 10.0
RENDER_RETRY_S = 0.5
WEATHER_DELAY_S = 5.0
MAX_DELIVERY_RETRY_S = 600.0
WHY_LENGTH = 300
"""Letters of a cause that a job's trail keeps."""

log = structlog.get_logger(__name__)


def settle_success(
    client: redis.Redis, lease: Lease, job: RQJob, result: Any, claim: dict[str, Any] | None = None
) -> list[Any] | None:
    """Write that the task returned `result`, unless the lease is gone, and claim the slot's next job in the same step.

    What was brought in is drawn next. Returns what the claim brought, None when there was none.
    """
    entry = _result(job, lease, value=result)
    following = _rendering_of(job) if lease.queue == keys.INTAKE else None
    settled, *claimed = _finish(
        client, lease, "finished", tasks.RESULT_TTL_S, following=following, result=entry, claim=claim
    )
    if settled == 2:
        settle_failure(client, lease, job, Withdrawn("cancelled at its very end"))
        return None
    if not settled:
        log.warning("the lease was lost, the outcome is dropped", rq_id=lease.rq_id)
    return claimed[0] if claimed else None


def settle_failure(client: redis.Redis, lease: Lease, job: RQJob, error: Exception) -> None:
    """Write what follows from `error`, given why the lease stopped: another try, a refusal, a failure, nothing."""
    # of an error that was expected the sentence says all
    text = str(error) if isinstance(error, EaselError) else "".join(traceback.format_exception(error))
    match lease.reason, error:
        case Stop.LOST, _:
            log.warning("the lease was lost, the job is another worker's now", rq_id=lease.rq_id)
        case Stop.HANDED_BACK, _:
            log.info("handed back", rq_id=lease.rq_id)
            _finish(client, lease, "back", 0, why="its worker went away")
        case (Stop.CANCELLED, _) | (None, Withdrawn()):
            log.info("cancelled while running", rq_id=lease.rq_id)
            _finish(client, lease, "canceled", CANCELLED_TTL_S, following=_delivery_of(client, job, lease, Cancelled()))
        case _, NewerVersion():
            log.warning("this job was made by a newer version, handing it back", rq_id=lease.rq_id, error=str(error))
            _finish(client, lease, "back", 0, delay_s=NEWER_DELAY_S, why=str(error))
        case None, RetryLater(burns_try=False):
            log.info("waiting for better times", rq_id=lease.rq_id, delay_s=round(error.delay_s, 1), reason=str(error))
            _finish(client, lease, "back", 0, delay_s=error.delay_s, why=str(error))
        case None, _ if isinstance(error, WEATHER):
            log.info("waiting for better weather", rq_id=lease.rq_id, reason=sentence(error))
            _finish(client, lease, "back", 0, delay_s=WEATHER_DELAY_S, why=sentence(error))
        case None, UserError():
            _finish(
                client,
                lease,
                "finished",
                tasks.RESULT_TTL_S,
                following=_delivery_of(client, job, lease, Refused.by(error)),
                why=f"refused: {error}",
            )
        case reason, _ if (job.retries_left or 0) > 0:
            delay_s = _delay_s(lease, job, error)
            log.warning("failed, will be tried again", rq_id=lease.rq_id, delay_s=delay_s, reason=reason, error=text)
            _finish(client, lease, "retry", 0, delay_s=delay_s, why=_cause(reason, error))
        case reason, _:
            log.error("failed for good", rq_id=lease.rq_id, reason=reason, error=text)
            outcome = Failed(Fault.TIMEOUT if reason is Stop.TIMEOUT else Fault.ERROR)
            result = _result(job, lease, error=text)
            following = _delivery_of(client, job, lease, outcome)
            _finish(
                client, lease, "failed", tasks.FAILURE_TTL_S,
                following=following, result=result, why=_cause(reason, error),
            )  # fmt: skip


def settle_unreadable(client: redis.Redis, lease: Lease, job: RQJob, error: Exception) -> None:
    """End an entry of a queue that is no job of ours, or a damaged one. It is nobody's fault but the entry's."""
    log.error("an entry of the queue is not a job that can run; it was put aside", rq_id=lease.rq_id, error=repr(error))
    following = _delivery_of(client, job, lease, Failed(Fault.ERROR))
    _finish(client, lease, "failed", tasks.FAILURE_TTL_S, following=following, why=repr(error))


def settle_unstarted(client: redis.Redis, lease: Lease) -> None:
    """Put a claimed job back to the front of the queue, of whose task nothing will come; it loses no try."""
    _finish(client, lease, "back", 0)


def settle_abandoned(client: redis.Redis, queue: str, rq_id: str, execution: str, how: str) -> None:
    """End a job whose worker vanished and that must not run again: no tries left, or it was cancelled meanwhile."""
    raw = client.hgetall(keys.rq_job(rq_id))
    if not raw:
        return
    job = tasks.AllowedJob(rq_id, connection=client, serializer=JSONSerializer)
    own = JobId(text(raw.get(b"easel_job", rq_id)))
    lease = Lease(queue, rq_id, own, execution, text(raw.get(b"worker_name", b"")), 0)
    try:
        job.restore(raw)
    except Exception as error:
        settle_unreadable(client, lease, job, error)
        return
    outcome = Cancelled() if how == "canceled" else Failed(Fault.WORKER_LOST)
    log.error("the worker vanished and the job ends", rq_id=rq_id, how=how)
    ttl = CANCELLED_TTL_S if how == "canceled" else tasks.FAILURE_TTL_S
    _finish(client, lease, how, ttl, following=_delivery_of(client, job, lease, outcome), why="its worker vanished")


def _cause(reason: Stop | None, error: Exception) -> str:
    """Why, in one line; of what was not foreseen also the kind of the error."""
    words = sentence(error)
    if not isinstance(error, EaselError):
        words = f"{type(error).__name__}: {words}"
    return f"{reason}: {words}" if reason is not None else words


def _delay_s(lease: Lease, job: RQJob, error: Exception) -> float:
    if isinstance(error, RetryLater):
        return error.delay_s
    if lease.queue != keys.DELIVER:
        return RENDER_RETRY_S
    tried = tasks.DELIVER_RETRIES - (job.retries_left or 0)
    return float(min(MAX_DELIVERY_RETRY_S, 2.0 * 2**tried))


def _finish(
    client: redis.Redis,
    lease: Lease,
    how: str,
    ttl_s: int,
    *,
    delay_s: float = 0.0,
    following: tuple[dict[str, Any], tasks.Fields] | None = None,
    result: list[str] | None = None,
    why: str = "",
    claim: dict[str, Any] | None = None,
) -> list[Any]:
    """Write an outcome; the RQ job that follows, if any, comes into being in the same step."""
    parameters: dict[str, Any] = {
        "queue": lease.queue,
        "id": lease.rq_id,
        "execution": lease.execution,
        "worker": lease.worker,
        "how": how,
        "delay_s": delay_s,
        "ttl": ttl_s,
        "ended": utcformat(now()),
    }
    if why:
        parameters["why"] = why[:WHY_LENGTH]
    if result is not None:
        parameters["result"] = result
    if claim is not None:
        parameters["claim"] = claim
    fields: tasks.Fields = []
    if following is not None:
        parameters["next"], fields = following
    answer: list[Any] = scripts.run(client, scripts.FINISH, scripts.arguments(parameters, fields))
    return answer


def _rendering_of(job: RQJob) -> tuple[dict[str, Any], tasks.Fields]:
    """The drawing of a job whose pictures have been brought in."""
    ours = decode_job(job.args[0])
    rq_id = keys.again_id(ours.id)
    return {"id": rq_id, "job": ours.id, "queue": keys.RENDER, "traits": tasks.traits(ours)}, tasks.rendering(
        ours, rq_id
    )


def _delivery_of(
    client: redis.Redis, job: RQJob, lease: Lease, outcome: Outcome
) -> tuple[dict[str, Any], tasks.Fields] | None:
    """The message that tells of an end without a picture; a delivery that ends so has been the message itself."""
    if lease.queue == keys.DELIVER:
        return None
    ours = _readable(client, job, lease)
    if ours is None:
        return None
    rq_id = keys.delivery_id(ours.id)
    following = {
        "id": rq_id,
        "job": ours.id,
        "queue": keys.DELIVER,
        "traits": tasks.post_traits(ours),
    }
    return following, tasks.delivery(ours, outcome, rq_id)


def _readable(client: redis.Redis, job: RQJob, lease: Lease) -> Job | None:
    """The Easel job behind an RQ job: from its arguments, else as it was accepted; None when it cannot be had."""
    try:
        return decode_job(job.args[0])
    except Exception as error:  # anything may stand in RQ's hash, and RQ has its own errors for it
        log.warning("the job cannot be read from its queue", rq_id=job.id, error=repr(error))
    try:
        document = client.hget(keys.state(lease.job_id), "job")
        return decode_job(document) if document is not None else None
    except (EaselError, redis.exceptions.ResponseError) as error:
        log.error("nobody can be told of this job's end: it cannot be read", rq_id=job.id, error=str(error))
        return None


def _result(job: RQJob, lease: Lease, *, value: Any = None, error: str | None = None) -> list[str]:
    """The entry of RQ's result stream, so that `job.return_value()` and the failed registry show what happened."""
    kind = Result.Type.SUCCESSFUL if error is None else Result.Type.FAILED
    entry = Result(
        job.id, kind, job.connection, exc_string=error, return_value=value, serializer=JSONSerializer,
        worker_name=lease.worker, execution_id=lease.execution,
    ).serialize()  # fmt: skip
    return [str(part) for item in entry.items() for part in item]
