"""From a job that somebody wants to one that is accepted: through the gate, priced, held in the queue.

A prompt that makes several jobs is a question first. It waits as a record with a lifetime: the buttons hold a short
token, never a prompt, so they fit and survive a restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from contract import planning
from contract.codec import job_document, job_from_document
from contract.errors import UserError
from contract.events import Accepted
from contract.ids import JobId
from contract.jobs import Job
from contract.plan import Plan
from exchange.queue import Submitted
from service.asker import Asker
from service.budget import promptly
from service.gate import admit
from service.policy import count_job
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

DISCARD_S = 30.0
"""How long it is tried to take back what may have been submitted although it was refused."""


@dataclass(frozen=True, slots=True)
class Question:
    """Jobs that await a yes: `token` finds them again.

    `drawing_s` is about how many seconds drawing them takes, None when that is unknown; `room` is how many jobs a
    person may have waiting, None without such a limit.
    """

    token: str
    jobs: tuple[Job, ...]
    drawing_s: float | None
    room: int | None

    @property
    def pictures(self) -> int:
        """How many pictures they make in all."""
        return sum(job.image_count for job in self.jobs)


@dataclass(frozen=True, slots=True)
class Corrected:
    """A corrected prompt that its owner asked to run."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Jobs that their owner said yes or no to."""

    jobs: tuple[Job, ...]


async def accept(services: Services, asker: Asker, job: Job, *, interaction_id: int | None = None) -> Submitted:
    """Put `job` into the queue, held. Repeating it is harmless.

    UserError when it is refused: by the gate, over a limit, beyond the model, or because the queue does not answer.
    `interaction_id` is Discord's, for an answer that recovery can find by it.
    """
    policy = await admit(services, asker, [job])
    job, _ = _planned(services, job)
    try:
        async with promptly():
            submitted = await services.queue.submit(job, interaction_id=interaction_id)
    except UserError as error:
        if error.kind == "queue_unreachable":
            # The person is told that it failed, so it must not run should the submission have arrived after all.
            services.background.start(_take_back(services, job.id))
        if error.kind == "queue_full" and error.values.get("scope") == "guild":
            raise UserError("guild_queue_full", **error.values) from error
        raise
    if policy.jobs_per_hour and not job.request.keeps_picture and not submitted.duplicate:
        await count_job(services, asker, job)
    services.observe(Accepted(job, submitted.position, submitted.duplicate))
    return submitted


async def ask_first(services: Services, asker: Asker, jobs: Sequence[Job]) -> Question:
    """Keep `jobs` until their owner says yes. UserError when some would not be accepted: nobody is asked in vain."""
    await admit(services, asker, jobs)
    planned = tuple(_planned(services, job)[0] for job in jobs)
    request = {"kind": "jobs", "jobs": [job_document(job) for job in planned]}
    async with promptly():
        drawing_s = await services.queue.drawing_s(planned)
        token = await services.preferences.put_pending(request, owner=asker.user.id)
    return Question(token, planned, drawing_s, services.queue.limits.max_queued_per_user or None)


async def keep_correction(services: Services, asker: Asker, prompt: str) -> str:
    """Keep a corrected prompt until its owner asks to run it; the token to find it by."""
    async with promptly():
        return await services.preferences.put_pending({"kind": "prompt", "prompt": prompt}, owner=asker.user.id)


async def take_pending(services: Services, asker: Asker, token: str) -> Corrected | Confirmed:
    """What awaits a word of this person under `token`, once. UserError `request_expired` when nothing does."""
    async with promptly():
        request = await services.preferences.take_pending(token, owner=asker.user.id)
    match request:
        case {"kind": "prompt", "prompt": str(prompt)}:
            return Corrected(prompt)
        case {"kind": "jobs", "jobs": list(documents)}:
            return Confirmed(tuple(job_from_document(document) for document in documents))
        case _:
            raise UserError("request_expired")


async def permit(services: Services, asker: Asker, job: Job) -> None:
    """UserError when the gate would not let `job` in: asked before what is made already is shown again."""
    await admit(services, asker, [job])


def _planned(services: Services, job: Job) -> tuple[Job, Plan]:
    """`job` with its plan: the one it was offered with, else one made now. UserError when the model cannot do it."""
    plan = job.plan or planning.plan(job, services.catalogue.named(job.model))
    return replace(job, plan=plan), plan


async def _take_back(services: Services, job_id: JobId) -> None:
    try:
        async with promptly(DISCARD_S):
            await services.queue.discard(job_id)
    except UserError:
        log.warning("a refused job could not be discarded", job_id=job_id)
