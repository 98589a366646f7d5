"""Jobs as an operator sees them: where each stands, what became of it step by step, and why. Reads Redis only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import redis

from contract.codec import decode_job
from contract.errors import EaselError
from contract.ids import JobId
from contract.jobs import Job
from contract.outcomes import JobState
from exchange import keys
from exchange.delivery import MessageRef, message_ref
from exchange.reading import number, text

NEWEST = 500
"""How many ended jobs of each queue are looked at for a list."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One step of a job: `at_s` by Redis' clock, `did` one of `STEPS`, `by` the slot or the user id that did it.

    `seconds` is how long the work took that ended here.
    """

    at_s: float
    did: str
    queue: str = ""
    by: str = ""
    why: str = ""
    seconds: float | None = None

    @property
    def host(self) -> str:
        """The host whose slot did it; empty when it was none."""
        return host_of(self.by)


STEPS = {
    "accepted": "accepted",
    "acknowledged": "answered by the bot; it waits for its turn",
    "released": "not answered in time: the bot died, and it waits for its turn all the same",
    "started": "begun",
    "finished": "done",
    "retry": "failed, will be tried again",
    "back": "handed back",
    "failed": "failed for good",
    "canceled": "stopped",
    "lapsed": "its worker vanished; it goes back to the front",
    "stopping": "asked to stop",
    "cancelled": "cancelled while it waited",
    "requeued": "put back by an operator",
}
"""What a trail's words mean."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One job: `job` is None when its document cannot be read. `ahead` jobs go before it, None when it does not wait.

    `cause` is why it failed or waits for another try, empty without a reason.
    """

    id: str
    state: JobState | None
    submitted_s: float
    job: Job | None
    waiting: MessageRef | None = None
    posted: MessageRef | None = None
    ahead: int | None = None
    trail: tuple[Moment, ...] = field(default=())

    @property
    def cause(self) -> str:
        """The last reason that its trail tells."""
        if self.state is JobState.DELIVERED:
            return ""
        return next((moment.why for moment in reversed(self.trail) if moment.why), "")

    @property
    def host(self) -> str:
        """Where it was worked on last."""
        return next((moment.host for moment in reversed(self.trail) if moment.host), "")

    def document(self) -> dict[str, Any]:
        """As JSON."""
        job = self.job
        about = (
            {}
            if job is None
            else {
                "kind": job.request.kind,
                "model": job.model,
                "speed": str(job.speed),
                "user_id": str(job.user.id),
                "guild_id": None if job.destination.guild_id is None else str(job.destination.guild_id),
                "created_ms": job.created_ms,
                "plan": None if job.plan is None else asdict(job.plan),
            }
        )
        return {
            "id": self.id,
            "state": None if self.state is None else str(self.state),
            "submitted_s": self.submitted_s,
            "ahead": self.ahead,
            "cause": self.cause,
            "host": self.host,
            **about,
            "waiting_message": _document_of(self.waiting),
            "posted_message": _document_of(self.posted),
            "trail": [{**asdict(moment), "host": moment.host} for moment in self.trail],
        }


def read_job(client: redis.Redis, job_id: JobId) -> Seen | None:
    """One job; None when Redis knows nothing of it (any more: an ended one is kept for a day)."""
    return next(iter(_read(client, [job_id])), None)


def list_jobs(
    client: redis.Redis, *, states: Sequence[JobState] = (), user_id: int | None = None, last: int = 20
) -> list[Seen]:
    """The newest jobs that Redis still knows, newest first: all that are open, and those that ended lately."""
    ids = set(_newest(client, keys.open_jobs(), 10_000))
    for queue in keys.QUEUES:
        for how in ("failed", "canceled", "finished"):
            for rq_id in _newest(client, keys.ended(how, queue), NEWEST):
                ids.add(rq_id.removeprefix("deliver-").removeprefix("render-"))
    found = [
        seen
        for seen in _read(client, sorted(ids))
        if (not states or seen.state in states)
        and (user_id is None or (seen.job is not None and seen.job.user.id == user_id))
    ]
    return sorted(found, key=lambda seen: seen.submitted_s, reverse=True)[:last]


def _newest(client: redis.Redis, key: str, count: int) -> list[str]:
    return [text(member) for member in client.zrevrange(key, 0, count - 1) if isinstance(member, bytes | str)]


def host_of(slot: str) -> str:
    """The host in a slot's name, `host-pid-random-number`; empty for a name of another kind."""
    parts = slot.rsplit("-", 3)
    return parts[0] if len(parts) == 4 else ""


_FIELDS = ("state", "submitted", "job", "waiting_channel", "waiting_message", "posted_channel", "posted_message")


def _read(client: redis.Redis, ids: Sequence[str]) -> Iterable[Seen]:
    with client.pipeline(transaction=False) as pipe:
        for id in ids:
            pipe.hmget(keys.state(id), _FIELDS)
            pipe.lrange(keys.trail(id), 0, -1)
            pipe.zrank(keys.order(keys.RENDER), id)
        answers = pipe.execute(raise_on_error=False)
    for id, values, lines, rank in zip(ids, *(answers[part::3] for part in range(3)), strict=True):
        if not isinstance(values, list) or values[0] is None:
            continue
        state, submitted, document, *messages = values
        yield Seen(
            id=id,
            state=JobState(text(state)) if text(state) in set(JobState) else None,
            submitted_s=number(submitted),
            job=_job(document),
            waiting=message_ref(messages[0], messages[1]),
            posted=message_ref(messages[2], messages[3]),
            ahead=rank if isinstance(rank, int) else None,
            trail=tuple(_moments(lines if isinstance(lines, list) else [])),
        )


def _job(document: bytes | None) -> Job | None:
    try:
        return decode_job(document or b"")
    except EaselError:
        return None


def _moments(lines: Iterable[bytes]) -> Iterable[Moment]:
    for line in lines:
        try:
            found = json.loads(line)
            yield Moment(
                float(found["at"]),
                str(found["did"]),
                str(found.get("queue", "")),
                str(found.get("by", "")),
                str(found.get("why", "")),
                float(found["seconds"]) if "seconds" in found else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # somebody else's entry hides none of ours


def _document_of(message: MessageRef | None) -> dict[str, str] | None:
    return None if message is None else {"channel_id": str(message.channel_id), "message_id": str(message.message_id)}
