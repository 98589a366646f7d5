"""Appeals and reports: cases that wait in a review channel until a moderator decides, each once.

What is let through is accepted by the same gate as everything else, past the one rule that the case is about.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import structlog

from contract import derive
from contract.codec import job_document, job_from_document
from contract.errors import MalformedDocument, UserError
from contract.ids import JobId
from contract.jobs import DiscordChannel, Job, Press, User
from contract.moderation import PICTURES, Owner
from exchange.delivery import MessageRef
from exchange.policy import DAY_MS, Ban
from service.accepting import Objection, hold, permit, taken
from service.asker import Asker, asker_document, asker_from_document
from service.batches import open_batch
from service.budget import promptly
from service.moderation import rulebook
from service.pictures import forget, recorded_job
from service.policy import audit, time_out, verdict, who
from service.rules import rules_here
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class CaseKind(StrEnum):
    """What a case is about; the entry `review.KIND` of the books names it."""

    PROMPT = "prompt"
    PICTURE = "picture"
    REPORT = "report"


class Decision(StrEnum):
    """What a moderator may say; the entry `review.DECISION` is on the button."""

    ALLOW = "allow"
    UPHOLD = "uphold"
    REMOVE = "remove"
    DISMISS = "dismiss"
    TIME_OUT = "time_out"


DECISIONS = {
    CaseKind.PROMPT: (Decision.ALLOW, Decision.UPHOLD),
    CaseKind.PICTURE: (Decision.ALLOW, Decision.UPHOLD),
    CaseKind.REPORT: (Decision.REMOVE, Decision.TIME_OUT, Decision.DISMISS),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What a moderator decides about.

    `user` is whose prompt or picture it is, `place` where it belongs, `jobs` are what it is about, as far as they are
    known (of a report of an old picture there may be none). `review_channel` is where it is decided, and `operators`
    whether that is the operator's. `message` is the one that was reported, by `reporter`.
    """

    token: str
    kind: CaseKind
    user: User
    place: DiscordChannel
    prompt: str
    rule: str
    review_channel: int
    jobs: tuple[Job, ...] = ()
    job_id: JobId | None = None
    message: MessageRef | None = None
    reporter: int | None = None
    operators: bool = False

    @property
    def decisions(self) -> tuple[Decision, ...]:
        """What may be decided here. A time-out holds in every server, so no server's moderators give one."""
        return tuple(one for one in DECISIONS[self.kind] if self.operators or one is not Decision.TIME_OUT)


async def appeal_prompt(services: Services, asker: Asker, token: str) -> Case:
    """Turn a refused prompt of the asker's into a case. UserError `request_expired` when there is none."""
    async with taken(services, asker, token) as held:
        if not isinstance(held, Objection) or held.review_channel is None:
            raise UserError("request_expired")
        return await _open(
            services,
            held.asker,
            CaseKind.PROMPT,
            held.jobs,
            rule=held.rule,
            review_channel=held.review_channel,
            token=token,
        )


async def appeal_picture(services: Services, asker: Asker, id: JobId) -> Case:
    """Turn a job of the asker's, of which the pictures were refused, into a case. UserError when it is not theirs."""
    job = await recorded_job(services, id)
    if job is None or job.screening is None:
        raise UserError("no_such_job", job=id)
    if job.user.id != asker.user.id:
        raise UserError("not_your_job")
    owner = job.screening.owner
    channel = await _review_channel(services, asker, owner)
    rule = f"{owner}:{PICTURES}"
    return await _open(
        services, asker, CaseKind.PICTURE, [job], rule=rule, review_channel=channel, token=_token(CaseKind.PICTURE, id)
    )


async def report(
    services: Services, asker: Asker, id: JobId | None, *, owner: int, prompt: str, message: MessageRef
) -> Case:
    """Report a message of the bot's. `id` is its job's, None where it holds texts, which name none; `owner` and
    `prompt` are what the message says of itself."""
    job = None if id is None else await recorded_job(services, id)
    channel = await _review_channel(services, asker, Owner.GUILD)
    document = {
        "kind": CaseKind.REPORT,
        "user": [job.user.id if job else owner, job.user.name if job else ""],
        "place": [message.channel_id, asker.guild_id],
        "prompt": job.prompt.echo if job else prompt,
        "rule": "",
        "review_channel": channel,
        "jobs": [job_document(job)] if job else [],
        "asker": asker_document(asker),
        "job_id": id,
        "message": [message.channel_id, message.message_id],
        "reporter": asker.user.id,
        "operators": channel == (await verdict(services, asker)).policy.review_channel,
    }
    return await _keep(services, document, _token(CaseKind.REPORT, id or str(message.message_id)))


async def decide(services: Services, asker: Asker, token: str, decision: Decision) -> Case:
    """Let a moderator decide a case, once: what was appealed against starts, or what was reported goes.

    UserError `case_decided`, `not_a_moderator`, or what else stands in the way of what is let through; the case stays
    open then.
    """
    async with promptly():
        _to_decide(asker, token, decision, await services.cases.get(token))
        document = await services.cases.take(token)
    try:
        case = _to_decide(asker, token, decision, document)  # it may be another one than a moment ago
        assert document is not None, "only what is there can be decided"
        match decision:
            case Decision.ALLOW:
                await _let_through(services, case, asker_from_document(document["asker"], case.jobs[0]))
            case Decision.REMOVE | Decision.TIME_OUT if case.job_id is not None:
                await forget(services, asker, case.job_id, case.user.id)
    except UserError:
        if document is not None:
            with suppress(UserError):  # else it lapses
                async with promptly():
                    await services.cases.leave(token)
        raise
    async with promptly():
        await services.cases.close(token)
    # The audit is logged and outlives /forget, so no prompt is in it, nor in a ban, of which the audit tells.
    about = f"job {case.job_id}" if case.job_id else f"user {case.user.id}"
    if decision is Decision.TIME_OUT:
        await time_out(services, who(asker), case.user.id, Ban(about, asker.asked_ms + DAY_MS))
    await audit(services, who(asker), str(decision), about, f"{case.kind}: {case.rule}".removesuffix(": "))
    return case


def _to_decide(asker: Asker, token: str, decision: Decision, document: dict[str, Any] | None) -> Case:
    """The case behind a document. UserError when this person cannot decide it so."""
    if document is None:
        raise UserError("case_decided")
    case = _read(token, document)
    if decision not in case.decisions:
        raise UserError("unknown_button")
    here = asker.destination
    if case.review_channel not in (getattr(here, "channel_id", None), asker.channel_id) or not asker.moderates(here):
        raise UserError("not_a_moderator")
    return case


async def withdraw(services: Services, case: Case) -> None:
    """Forget a case that could not be put before anybody. A refused prompt waits for its owner's appeal again."""
    async with promptly():
        document = await services.cases.get(case.token)
    if case.kind is CaseKind.PROMPT and document is not None:
        asker = asker_from_document(document["asker"], case.jobs[0])
        await hold(services, asker, case.jobs, case.rule, case.review_channel, token=case.token)
    async with promptly():
        await services.cases.close(case.token)


async def forget_cases(services: Services, user_id: int) -> None:
    """Forget what open cases say of a person's words. Their appeals are withdrawn; a report of what they made stays
    open, but holds no prompt any more."""
    async with promptly():
        for token in await services.cases.about(user_id):
            document = await services.cases.get(token)
            if document is not None and document.get("kind") == CaseKind.REPORT:
                bare = {**document, "user": [user_id, ""], "prompt": "", "jobs": []}
                await services.cases.change(bare, token)
            else:
                await services.cases.close(token)


async def _let_through(services: Services, case: Case, asker: Asker) -> None:
    """The jobs of a case start as if they had been confirmed together: each when there is room for it, and each
    once."""
    pardoned = replace(asker, pardoned=asker.pardoned | {case.rule})
    jobs = case.jobs
    if case.kind is CaseKind.PICTURE:
        # The old job has ended with a refusal. The same seed gives the same pictures.
        jobs = tuple(derive.again(job, _press(services, job, int(case.token, 16))) for job in jobs)
    for job in jobs:
        await permit(services, pardoned, job)
    await open_batch(services, pardoned, case.token, jobs, None)


def _press(services: Services, job: Job, key: int) -> Press:
    return Press(
        interaction_id=key,
        fingerprint=services.catalogue.named(job.model).fingerprint,
        user=job.user,
        destination=job.destination,
        created_ms=job.created_ms,
        seed=job.seed,
        speed=job.speed,
        stealth=job.stealth,
        locale=job.locale,
    )


async def _review_channel(services: Services, asker: Asker, owner: Owner) -> int:
    said = await verdict(services, asker)
    channel = rulebook(services, said, await rules_here(services, asker)).review_channel(owner)
    if channel is None:
        raise UserError("no_review_channel")
    return channel


async def _open(
    services: Services,
    asker: Asker,
    kind: CaseKind,
    jobs: Sequence[Job],
    *,
    rule: str,
    review_channel: int,
    token: str,
) -> Case:
    first = jobs[0]
    if not isinstance(first.destination, DiscordChannel):
        raise UserError("no_such_job", job=first.id)
    document = {
        "kind": kind,
        "user": [first.user.id, first.user.name],
        "place": [first.destination.channel_id, first.destination.guild_id],
        "prompt": first.prompt.echo,
        "rule": rule,
        "review_channel": review_channel,
        "jobs": [job_document(job) for job in jobs],
        "asker": asker_document(asker),
        "job_id": first.id if kind is CaseKind.PICTURE else None,
        "message": None,
        "reporter": None,
    }
    return await _keep(services, document, token)


async def _keep(services: Services, document: dict[str, Any], token: str) -> Case:
    async with promptly():
        if not await services.cases.open(document, token, user_id=document["user"][0]):
            raise UserError("case_open")
    return _read(token, document)


def _read(token: str, document: dict[str, Any]) -> Case:
    try:
        message = document["message"]
        return Case(
            token=token,
            kind=CaseKind(document["kind"]),
            user=User(*document["user"]),
            place=DiscordChannel(*document["place"]),
            prompt=str(document["prompt"]),
            rule=str(document["rule"]),
            review_channel=int(document["review_channel"]),
            jobs=tuple(job_from_document(job) for job in document["jobs"]),
            job_id=None if document["job_id"] is None else JobId(document["job_id"]),
            message=None if message is None else MessageRef(*message),
            reporter=document["reporter"],
            operators=document.get("operators") is True,
        )
    except (KeyError, TypeError, ValueError, MalformedDocument) as error:
        log.warning("a case cannot be read", token=token, error=str(error))
        raise UserError("case_decided") from error


def _token(kind: CaseKind, id: str) -> str:
    """One case of a kind for each job (or message), however often it is asked for."""
    return hashlib.blake2b(f"{kind}:{id}".encode(), digest_size=8).hexdigest()
