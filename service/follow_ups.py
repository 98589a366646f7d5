"""From a press on a finished picture to the next job."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from contract import derive, lineage
from contract.actions import SAME, Action, ButtonId, Row, Under
from contract.catalogue import Model
from contract.errors import UserError
from contract.ids import JobId, model_fingerprint_of
from contract.jobs import GRID_SIZE, Chosen, Job, Press
from contract.kinds import KINDS
from contract.kinds.attached import Attached
from contract.locales import book
from contract.planning import check_ability, check_growth
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

    `description` is that of its attachment, if it has one; `texts` and `picture` are the words and the picture (a link)
    of its embed, `attachment` is its first file.
    """

    message_id: int
    content: str
    description: str | None = None
    texts: str | None = None
    picture: str | None = None
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture in a message: a link that works for about a day, and its size in pixels."""

    link: str
    width: int
    height: int


async def job_behind(
    services: Services, asker: Asker, id: JobId, posted: Posted | None, button: ButtonId | None = None
) -> Job:
    """The job of the message under which a button was pressed: from the store, else from the message alone.

    With the `button`, what starts from a picture goes on from the attachment where nothing else could draw it again.
    UserError when neither has it.
    """
    if posted is None:
        raise UserError("unknown_button")
    recorded = await recorded_job(services, id)
    if recorded is not None:
        return recorded
    attached = None if button is None else _attached(services, asker, id, posted, button.action.value)
    try:
        rebuilt = lineage.rebuild(
            id,
            posted.content,
            posted.description,
            user=asker.user,
            destination=asker.destination,
            created_ms=asker.asked_ms,
            versions=services.catalogue.versions,
        )
    except UserError:
        if attached is None:
            raise
        return attached
    log.info("rebuilt a job from its message", job_id=id)
    if attached is not None and (rebuilt.links or any(made.prompt.links for made in rebuilt.ancestors)):
        return attached  # the links in a prompt are dead long before a message is
    return rebuilt


def _attached(services: Services, asker: Asker, id: JobId, posted: Posted, row: Row) -> Job | None:
    """The pictures of a message as a job; None when it has none, or the button needs more than pixels."""
    prompt = lineage.words_of(posted.content, services.catalogue.versions)
    file, under, kind = posted.attachment, row.under, KINDS.get(row.makes or "")
    if prompt is None or file is None or under is None or kind is None:
        return None
    if not (kind.keeps_picture or kind.from_picture):
        return None
    request = Attached(file.link, file.width, file.height, GRID_SIZE if Under.GRID in under else 1)
    model = services.catalogue.resolve(prompt.version)
    words = prompt.without_pictures()
    return Job(id, request, words, model.name, asker.user, asker.destination, created_ms=asker.asked_ms)


def check(services: Services, button: ButtonId, job: Job) -> None:
    """UserError as `follow_up`, where no words could help: nobody is asked for them in vain."""
    derive.check(job, button)
    row, own = button.action.value, services.catalogue.named(job.model)
    if row.makes is None or row.makes == SAME:
        check_ability(job.request.kind, job.request.needs, own)
        return
    kind = KINDS[row.makes]
    if _able(services, button) is None:
        check_ability(row.makes, kind.needs, own)
    check_growth(kind.grown(job.extent, row.argument))


def follow_up(
    services: Services, asker: Asker, button: ButtonId, job: Job, profile: Profile, posted: Posted | None = None
) -> Job:
    """The job that a press under `posted` makes of `job`.

    UserError when `job` has no such picture, or its model is no longer offered.
    """
    return derive.next_job(job, button, _at_best(services, button, press_of(services, asker, job, profile, posted)))


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
    press = _at_best(services, button, replace(press_of(services, asker, job, profile, posted), region=region))
    jobs = (
        derive.next_job(job, button, replace(press, ordinal=ordinal), prompt)
        for ordinal, prompt in enumerate(repeated(submission))
    )
    return Wish(tuple(jobs), submission.expansions, submission.confirm)


def _at_best(services: Services, button: ButtonId, press: Press) -> Press:
    """The press as it is answered here: by the kind that the button would `rather` make, where some model can."""
    model = _able(services, button)
    if model is None:
        return press
    return replace(press, kind=button.action.value.rather, drawer=model, fingerprint=model.fingerprint)


def _able(services: Services, button: ButtonId) -> Model | None:
    """The model that makes the kind that `button` would `rather` make."""
    rather = button.action.value.rather
    return None if rather is None else services.catalogue.able(KINDS[rather].needs)


def again(services: Services, asker: Asker, job: Job, profile: Profile) -> Job:
    """`job` once more with the same seed, for the asker: the same pictures. UserError when its model is gone."""
    return derive.again(job, replace(press_of(services, asker, job, profile), seed=job.seed))


def _context(button: ButtonId) -> str:
    """How the language reads the words of the form that `button` opens."""
    if button.action is Action.CUSTOM_ZOOM:
        return "custom_zoom"
    return "video" if button.action in (Action.ANIMATE_HIGH, Action.ANIMATE_LOW) else "remix"


async def model_remarks(services: Services, made: Job, of: Job) -> tuple[str, ...]:
    """Said when `made` draws again what another model than the present one drew for `of`, or goes on from what its
    message shows; nothing when all is as it was.

    A re-roll shows new pictures anyway, and an upscale shows the very picture as long as the store has it.
    """
    if of.request.remark:
        return (book(made.locale).say(f"remark.{of.request.remark}"),)
    if model_fingerprint_of(of.id) == services.catalogue.named(made.model).fingerprint:
        return ()
    if made.request.keeps_picture:
        drawn_again = not await has_picture(services, made)
    else:
        drawn_again = bool(made.request.origin) and made.parent is not None and made.parent.index is not None
    return (book(made.locale).say("remark.model_changed"),) if drawn_again else ()


def press_of(services: Services, asker: Asker, job: Job, profile: Profile, posted: Posted | None = None) -> Press:
    """What the asker brings to a job that is made of `job`. UserError when its model is gone."""
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
