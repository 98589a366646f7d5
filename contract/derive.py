"""Every button is a pure function from a job to the next one: `next_job` for all of them.

The same press makes the same job, id included, so that a repeated press is harmless.
"""

from __future__ import annotations

from dataclasses import replace

from contract.actions import SAME, ButtonId
from contract.errors import UserError
from contract.ids import draw_seed, job_id, model_fingerprint_of
from contract.jobs import Ancestor, Job, Parent, Press, Request
from contract.kinds import KINDS
from contract.moderation import Screening
from contract.prompt import Prompt, without_manner


def next_job(job: Job, button: ButtonId, press: Press, prompt: Prompt | None = None) -> Job:
    """The job that a press on `button` makes of `job`; with `prompt`, steered by other words (remix).

    UserError `unknown_button` when `job` has no such picture, or no job follows from the button; `not_possible_here`
    when it makes no sense under this one.
    """
    check(job, button)
    row, words = button.action.value, prompt or job.request.prompt_of(button.index, job.prompt)
    if row.makes == SAME:
        return _derived(job, press, job.request.repeated(), button.index, words, job.ancestors)
    request = KINDS[press.kind or row.makes or ""].derived(job, button, press, words)
    index = button.index if button.action.about_one_picture else None
    if request.from_picture and index is None:
        index = 0  # the only one
    return _derived(job, press, request, index, without_manner(words), _ancestors(job, request, index))


def check(job: Job, button: ButtonId) -> None:
    """UserError as `next_job`, where no words could help."""
    row = button.action.value
    if row.makes is None or (button.index is not None and not 0 <= button.index < job.request.choices):
        raise UserError("unknown_button")
    if row.makes == SAME:
        job.request.repeated()
    elif not KINDS[row.makes].possible(job, row.argument):
        raise UserError("not_possible_here", reason=row.makes)


def again(job: Job, press: Press) -> Job:
    """The same request again, for the person who pressed."""
    return _derived(job, press, job.request.repeated(), None, job.prompt, job.ancestors)


def about(job: Job, press: Press, request: Request) -> Job:
    """A job of that request for the person who pressed, with the words of `job` and after it."""
    return _derived(job, press, request, None, job.prompt, ())


def _ancestors(job: Job, request: Request, index: int | None) -> tuple[Ancestor, ...]:
    """Where the pictures come from that `request`, made of picture `index` of `job`, starts from."""
    chain = job.shown(index or 0)
    if request.from_picture:
        return chain[:-1] if request.origin else chain  # near a picture: from what that was made of
    return chain if request.keeps_picture and chain[-1].request.from_picture else ()


def _derived(
    job: Job, press: Press, request: Request, index: int | None, prompt: Prompt, ancestors: tuple[Ancestor, ...]
) -> Job:
    if request.keeps_picture:  # the same picture, so it keeps the seed, and the model that drew it
        seed, fingerprint, model = job.seed, model_fingerprint_of(job.id), job.model
    else:
        drawn = draw_seed(press.interaction_id, press.ordinal)
        seed, fingerprint = drawn if press.seed is None else press.seed, press.fingerprint
        model = job.model if press.drawer is None else press.drawer.name
    return replace(
        job,
        id=job_id(seed, fingerprint, press.interaction_id, press.ordinal),
        request=request,
        prompt=prompt,
        model=model,
        user=press.user,
        destination=press.destination,
        created_ms=press.created_ms,
        speed=press.speed,
        stealth=press.stealth,
        locale=press.locale,
        parent=Parent(job.id, index),
        plan=None,
        ancestors=ancestors,
        screening=_pardons(job, request, prompt),
    )


def _pardons(job: Job, request: Request, prompt: Prompt) -> Screening | None:
    """What was let through before stays so under the same words."""
    if job.screening is None or prompt != job.prompt:
        return None
    return job.screening.inherited(same_picture=request.keeps_picture)
