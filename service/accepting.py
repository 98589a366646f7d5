"""From a job that somebody wants to one that is accepted: through the gate, priced, held in the queue.

A prompt that makes several jobs is a question first. It waits as a record with a lifetime: the buttons hold a short
token, never a prompt, so they fit and survive a restart.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from contract import planning
from contract.codec import job_document, job_from_document
from contract.errors import UserError
from contract.events import Accepted
from contract.ids import JobId
from contract.jobs import Job
from contract.moderation import Screening, Weight
from contract.plan import Plan
from exchange.preferences import PENDING_S
from exchange.queue import Submitted
from service.asker import Asker, asker_document, asker_from_document
from service.budget import promptly
from service.gate import Admission, admit
from service.moderation import Objected, rulebook, screen
from service.pins import note_use
from service.policy import verdict
from service.quotas import pace_of
from service.rules import Rules
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

APPEAL_S = 86_400
"""How long a refused prompt waits for its owner's appeal."""

DISCARD_S = 30.0
"""How long it is tried to take back what may have been submitted although it was refused."""
FOR_NOW = frozenset({"queue_unreachable", "store_unreachable"})
"""Failures after which the same press may succeed."""


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
    """A corrected prompt that its owner asked to run, and the command that it was typed into."""

    prompt: str
    command: str = "imagine"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Jobs that their owner said yes or no to. `means_it`: they were asked about their words, too, and went on."""

    jobs: tuple[Job, ...]
    means_it: bool = False


@dataclass(frozen=True, slots=True)
class Objection:
    """Jobs that a rule stands in the way of: their owner goes on all the same (`review_channel` is None), or appeals to
    those there. `asker` is as it was when they were asked for."""

    jobs: tuple[Job, ...]
    asker: Asker
    rule: str
    review_channel: int | None


class Held(UserError):
    """A rule stands in the way, and there is a way on, found by `token`. `appeals`: it leads to moderators; else the
    person is only asked whether they mean it."""

    def __init__(self, objection: Objected, token: str) -> None:
        super().__init__(objection.kind, **objection.values)
        self.token = token
        self.appeals = objection.met.weight is not Weight.LIGHT


async def accept(services: Services, asker: Asker, job: Job, *, interaction_id: int | None = None) -> Submitted:
    """Put `job` into the queue, held. Repeating it is harmless: what was accepted once is answered so, whatever has
    changed since.

    UserError when it is refused: by the gate, over a limit, beyond the model, or because the queue does not answer.
    `interaction_id` is Discord's, for an answer that recovery can find by it.
    """
    try:
        admission = await _admitted(services, asker, [job])
    except UserError as error:
        async with promptly():
            before = await services.queue.accepted_before(job.id)
        if before is None:
            raise
        log.info("it was accepted before", job_id=job.id, refused_now=error.kind)
        return before
    job, _ = _planned(services, replace(job, screening=admission.screenings[0]))
    pace = None if job.request.keeps_picture else pace_of(admission.verdict, asker)
    try:
        async with promptly():
            submitted = await services.queue.submit(job, interaction_id=interaction_id, pace=pace)
    except UserError as error:
        if error.kind == "queue_unreachable" and not asker.returns:
            # The person is told that it failed, so it must not run should the submission have arrived after all.
            services.background.start(take_back(services, job.id))
        if error.kind == "queue_full" and error.values.get("scope") == "guild":
            raise UserError("guild_queue_full", **error.values) from error
        raise
    services.background.start(note_use(services, asker, job))
    services.observe(Accepted(job, submitted.position, submitted.duplicate))
    return submitted


async def ask_first(services: Services, asker: Asker, jobs: Sequence[Job]) -> Question:
    """Keep `jobs` until their owner says yes. UserError when some would not be accepted: nobody is asked in vain."""
    await _admitted(services, asker, jobs)
    planned = tuple(_planned(services, job)[0] for job in jobs)
    request = {"kind": "jobs", "jobs": [job_document(job) for job in planned], "means_it": asker.means_it}
    async with promptly():
        drawing_s = await services.queue.drawing_s(planned)
        token = await services.preferences.put_pending(request, owner=asker.user.id)
    return Question(token, planned, drawing_s, services.queue.limits.max_queued_per_user or None)


async def keep_correction(services: Services, asker: Asker, prompt: str, command: str = "imagine") -> str:
    """Keep a corrected prompt of a command until its owner asks to run it; the token to find it by."""
    request = {"kind": "prompt", "prompt": prompt, "command": command}
    async with promptly():
        return await services.preferences.put_pending(request, owner=asker.user.id)


async def hold(
    services: Services,
    asker: Asker,
    jobs: Sequence[Job],
    rule: str,
    review_channel: int | None,
    *,
    token: str | None = None,
) -> str:
    """Keep jobs that a rule stands in the way of (as an `Objection`) until their owner goes on or appeals; the token to
    find them by, which is `token` if there was one before."""
    request = {
        "kind": "held",
        "jobs": [job_document(job) for job in jobs],
        "asker": asker_document(asker),
        "rule": rule,
        "review_channel": review_channel,
    }
    lifetime_s = PENDING_S if review_channel is None else APPEAL_S
    async with promptly():
        return await services.preferences.put_pending(request, owner=asker.user.id, lifetime_s=lifetime_s, token=token)


@asynccontextmanager
async def taken(services: Services, asker: Asker, token: str) -> AsyncIterator[Corrected | Confirmed | Objection]:
    """What awaits a word of this person under `token`, once: it waits again when what follows fails for now.

    UserError `request_expired` when nothing does.
    """
    async with promptly():
        request = await services.preferences.take_pending(token, owner=asker.user.id)
    try:
        yield _read_pending(request)
    except UserError as error:
        if request is not None and error.kind in FOR_NOW:
            services.background.start(_put_back(services, asker, token, request))
        raise


async def _put_back(services: Services, asker: Asker, token: str, request: Any) -> None:
    lifetime_s = APPEAL_S if request.get("review_channel") is not None else PENDING_S
    try:
        async with promptly(DISCARD_S):
            await services.preferences.put_pending(request, owner=asker.user.id, lifetime_s=lifetime_s, token=token)
    except UserError:
        log.warning("a question could not be put back", token=token)


def _read_pending(request: Any) -> Corrected | Confirmed | Objection:
    match request:
        case {"kind": "prompt", "prompt": str(prompt), "command": str(command)}:
            return Corrected(prompt, command)
        case {"kind": "jobs", "jobs": list(documents), **more}:
            jobs = tuple(job_from_document(document) for document in documents)
            return Confirmed(jobs, more.get("means_it") is True)  # older processes do not say
        case {"kind": "held", "jobs": list(documents), "rule": str(rule), "review_channel": channel, "asker": kept}:
            held = tuple(job_from_document(document) for document in documents)
            return Objection(held, asker_from_document(kept, held[0]), rule, channel)
        case _:
            raise UserError("request_expired")


async def permit(services: Services, asker: Asker, job: Job) -> Screening:
    """What the policy says of `job` in this place, before what is made already is shown again. UserError when the gate
    would not let it in."""
    [screening] = (await admit(services, asker, [job], drawing=False)).screenings
    return screening


async def permit_directly(services: Services, asker: Asker, job: Job) -> Screening:
    """What the policy says of showing a finished `job` of the asker's to them in a direct message."""
    alone = replace(asker, guild_id=None, channel_id=None, roles=frozenset(), age_restricted=False)
    said = await verdict(services, alone)
    [screening] = await screen(services, rulebook(services, said, Rules()), alone, [job])
    return screening


async def _admitted(services: Services, asker: Asker, jobs: Sequence[Job]) -> Admission:
    """As `gate.admit`. Held when there is a way on: the jobs wait for it."""
    try:
        return await admit(services, asker, jobs)
    except Objected as objection:
        light = objection.met.weight is Weight.LIGHT
        if not light and objection.review_channel is None:
            raise
        channel = None if light else objection.review_channel
        token = await hold(services, asker, jobs, objection.met.pardon, channel)
        raise Held(objection, token) from None


def _planned(services: Services, job: Job) -> tuple[Job, Plan]:
    """`job` with its plan: the one it was offered with, else one made now. UserError when the model cannot do it."""
    plan = job.plan or planning.plan(job, services.catalogue.named(job.model))
    return replace(job, plan=plan), plan


async def take_back(services: Services, job_id: JobId) -> None:
    """Discard a job whose person is told that it was refused. What stands in the way is logged."""
    try:
        async with promptly(DISCARD_S):
            await services.queue.discard(job_id)
    except UserError:
        log.warning("a refused job could not be discarded", job_id=job_id)
