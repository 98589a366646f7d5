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
from contract.prompt import Prompt, without_zoom


def next_job(job: Job, button: ButtonId, press: Press, prompt: Prompt | None = None) -> Job:
    """The job that a press on `button` makes of `job`; with `prompt`, steered by other words (remix).

    UserError `unknown_button` when `job` has no such picture, or no job follows from the button; `not_possible_here`
    when it makes no sense under this one.
    """
    row, words = button.action.value, prompt or job.prompt
    if row.makes is None or (button.index is not None and not 0 <= button.index < job.image_count):
        raise UserError("unknown_button")
    if row.makes == SAME:
        return _derived(job, press, job.request, button.index, words, job.ancestors)
    kind = KINDS[row.makes]
    if not kind.possible(job, row.argument):
        raise UserError("not_possible_here", reason=row.makes)
    request, index = kind.derived(job, button, press, words), button.index
    if request.from_picture and index is None:
        index = 0  # the only one
    return _derived(job, press, request, index, without_zoom(words), _ancestors(job, request, index))


def again(job: Job, press: Press) -> Job:
    """The same request again, for the person who pressed."""
    return _derived(job, press, job.request, None, job.prompt, job.ancestors)


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
        seed, fingerprint = job.seed, model_fingerprint_of(job.id)
    else:
        drawn = draw_seed(press.interaction_id, press.ordinal)
        seed, fingerprint = drawn if press.seed is None else press.seed, press.fingerprint
    return replace(
        job,
        id=job_id(seed, fingerprint, press.interaction_id, press.ordinal),
        request=request,
        prompt=prompt,
        user=press.user,
        destination=press.destination,
        created_ms=press.created_ms,
        speed=press.speed,
        stealth=press.stealth,
        locale=press.locale,
        parent=Parent(job.id, index),
        plan=None,
        ancestors=ancestors,
    )
