"""Every Redis key Easel uses, in one place. RQ's own keys keep RQ's names, so that RQ's tools keep working.

RQ's keys (`q` is `render` or `deliver`; `id` is an RQ job id)

| key                       | type   | what                                                                            |
|---------------------------|--------|---------------------------------------------------------------------------------|
| rq:queue:q                | list   | the waiting jobs: the truth that `rq info -S json` shows                        |
| rq:job:id                 | hash   | the job; fields that begin with `easel_` are ours, RQ ignores and keeps them    |
| rq:wip:q                  | zset   | `id:execution` -> when its lease ends (Redis' clock, Unix seconds)              |
| rq:execution:id:execution | hash   | who runs it                                                                     |
| rq:scheduled:q            | zset   | jobs that wait for a later try -> when                                          |
| rq:finished:q (failed, canceled) | zset | ended jobs -> when RQ may forget them                                  |
| rq:worker:name, rq:workers(:q)   | hash, set | the slots, as RQ lists workers                                    |

Easel's keys

| key                       | type   | what                                                                            |
|---------------------------|--------|---------------------------------------------------------------------------------|
| easel:q:order             | zset   | waiting id -> fair tag (megapixel-steps / weight); its rank is the position     |
| easel:q:arrivals          | zset   | waiting id -> when it came; whoever waits too long is served out of turn        |
| easel:q:virtual           | string | the fair clock, a tag: moves on with the work that is served                    |
| easel:q:ends              | zset   | user -> the tag at which the user's last job ends, if that is to come           |
| easel:q:pressed           | hash   | mean share of a job; pressed work that went before its turn (`exchange.tasks`)  |
| easel:q:counter, :turn    | string | breaks ties by arrival; counts claims                                           |
| easel:held                | zset   | ids that wait for the bot's acknowledgement -> since when                       |
| easel:waiting:scope       | set    | queued and held ids of `user:<id>` or `guild:<id>`; caps count them             |
| easel:running:scope       | set    | rendering ids of the same                                                       |
| easel:limits              | hash   | the caps on running jobs, written by the bot, read at each claim                |
| easel:speed               | hash   | model key, and model key@pixels -> megapixel-steps a second of one slot         |
| easel:recovered           | string | there while recovery was done a moment ago by some process of the fleet         |
| easel:job:job             | hash   | one Easel job: state, owner, waiting message, posted message                    |
| easel:progress:job        | hash   | last percent and state, for a bot that restarts (ten minutes)                   |
| easel:cancel              | pubsub | RQ ids whose running task shall stop                                            |
| easel:progress            | pubsub | progress frames (`exchange.progress`)                                           |
| easel:node:name           | hash   | what a worker process says of itself: models, device, health (a minute)         |
| easel:preferences:scope   | hash   | settings of a user, channel or guild                                            |
| easel:pending:token       | string | a request that waits for a confirmation                                         |
| easel:usage:user:month    | hash   | pictures and GPU seconds                                                        |
| easel:history:user        | zset   | job -> when                                                                     |

An Easel job has up to three RQ jobs: `<job>` (what the bot submitted), `deliver-<job>` (the post of what was rendered)
and `render-<job>` (a stored picture that had to be made again). Scripts build key names, so Redis Cluster is not
supported (RQ does not support it either).
"""

from __future__ import annotations

from contract.ids import JobId, parse_job_id

RENDER = "render"
DELIVER = "deliver"
QUEUES = (RENDER, DELIVER)

ENDED_STATES = frozenset({"delivered", "failed", "cancelled"})
"""States of an Easel job after which nothing follows."""

LIMITS = "easel:limits"
SPEED = "easel:speed"
HELD = "easel:held"
CANCEL_CHANNEL = "easel:cancel"
PROGRESS_CHANNEL = "easel:progress"


def state(job_id: str) -> str:
    """The hash of one Easel job."""
    return f"easel:job:{job_id}"


def progress(job_id: str) -> str:
    """The last progress of one Easel job."""
    return f"easel:progress:{job_id}"


def waiting(scope: str) -> str:
    """The queued and held jobs of `user:<id>` or `guild:<id>`."""
    return f"easel:waiting:{scope}"


def running(scope: str) -> str:
    """The rendering jobs of the same."""
    return f"easel:running:{scope}"


def order(queue: str) -> str:
    """The fair order of a queue's waiting jobs."""
    return f"easel:{queue}:order"


def rq_list(queue: str) -> str:
    """RQ's own list of a queue's waiting jobs."""
    return f"rq:queue:{queue}"


def rq_job(rq_id: str) -> str:
    """RQ's hash of a job."""
    return f"rq:job:{rq_id}"


def leases(queue: str) -> str:
    """The running jobs of a queue with the ends of their leases; RQ's StartedJobRegistry."""
    return f"rq:wip:{queue}"


def delivery_id(job_id: JobId) -> str:
    """The RQ id of a job's post."""
    return f"deliver-{job_id}"


def again_id(job_id: JobId) -> str:
    """The RQ id under which a job is rendered although it was first submitted to the deliver queue."""
    return f"render-{job_id}"


def job_of(rq_id: str) -> JobId:
    """The Easel job an RQ id belongs to; ValueError when it is none of ours."""
    return parse_job_id(rq_id.removeprefix("deliver-").removeprefix("render-"))
