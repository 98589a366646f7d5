"""From a press on a finished picture to the next job."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from contract import derive, lineage
from contract.actions import Action, ButtonId
from contract.errors import UserError
from contract.ids import JobId, model_fingerprint_of
from contract.jobs import Chosen, Job, Press
from contract.locales import book
from contract.prompt import parse
from service.asker import Asker
from service.pictures import has_picture, recorded_job
from service.profiles import Profile
from service.services import Services
from service.wishes import Wish, repeated

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Posted:
    """A message in which the bot itself posted a result: nobody else's is believed.

    `description` is that of its attachment, if it has one.
    """

    message_id: int
    content: str
    description: str | None = None


async def job_behind(services: Services, asker: Asker, id: JobId, posted: Posted | None) -> Job:
    """The job of the message under which a button was pressed: from the store, else from the message alone.

    UserError when neither has it.
    """
    if posted is None:
        raise UserError("unknown_button")
    recorded = await recorded_job(services, id)
    if recorded is not None:
        return recorded
    rebuilt = lineage.rebuild(
        id,
        posted.content,
        posted.description,
        user=asker.user,
        destination=asker.destination,
        created_ms=asker.asked_ms,
        versions=services.catalogue.versions,
    )
    log.info("rebuilt a job from its message", job_id=id)
    return rebuilt


def follow_up(
    services: Services, asker: Asker, button: ButtonId, job: Job, profile: Profile, posted: Posted | None = None
) -> Job:
    """The job that a press under `posted` makes of `job`.

    UserError when `job` has no such picture, or its model is no longer offered.
    """
    return derive.next_job(job, button, _press(services, asker, job, profile, posted))


def remixed(
    services: Services,
    asker: Asker,
    button: ButtonId,
    job: Job,
    profile: Profile,
    posted: Posted,
    text: str,
    region: Chosen | None = None,
) -> Wish:
    """What that press makes of `job` with other words: one job for each of their expansions and repetitions.

    `region` is the part of the picture that was chosen. UserError as `follow_up`, and PromptError when the words
    cannot be read.
    """
    submission = parse(text, profile.context(_context(button)))
    press = replace(_press(services, asker, job, profile, posted), region=region)
    jobs = (
        derive.next_job(job, button, replace(press, ordinal=ordinal), prompt)
        for ordinal, prompt in enumerate(repeated(submission))
    )
    return Wish(tuple(jobs), submission.expansions, submission.confirm)


def again(services: Services, asker: Asker, job: Job, profile: Profile) -> Job:
    """`job` once more with the same seed, for the asker: the same pictures. UserError when its model is gone."""
    return derive.again(job, replace(_press(services, asker, job, profile), seed=job.seed))


def _context(button: ButtonId) -> str:
    """How the language reads the words of the form that `button` opens."""
    return "custom_zoom" if button.action is Action.CUSTOM_ZOOM else "remix"


async def model_remark(services: Services, made: Job, of: Job) -> str | None:
    """Said when `made` draws again what another model than the present one drew for `of`; None when all is as it was.

    A re-roll shows new pictures anyway, and an upscale shows the very picture as long as the store has it.
    """
    if model_fingerprint_of(of.id) == services.catalogue.named(made.model).fingerprint:
        return None
    if made.request.keeps_picture:
        drawn_again = not await has_picture(services, made)
    else:
        drawn_again = bool(made.request.origin) and made.parent is not None and made.parent.index is not None
    return book(made.locale).say("remark.model_changed") if drawn_again else None


def _press(services: Services, asker: Asker, job: Job, profile: Profile, posted: Posted | None = None) -> Press:
    return Press(
        interaction_id=asker.key,
        fingerprint=services.catalogue.named(job.model).fingerprint,
        user=asker.user,
        destination=asker.destination.answering(posted.message_id if posted else None),
        created_ms=asker.asked_ms,
        speed=profile.speed,
        stealth=profile.stealth,
        strength=profile.strength,
        locale=asker.locale,
    )
