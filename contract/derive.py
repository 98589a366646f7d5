"""Every button is a pure function from a job to the next one: `next_job` for all of them.

The same press makes the same job, id included, so that a repeated press is harmless.
"""

from __future__ import annotations

from dataclasses import replace

from contract.actions import SAME, ButtonId
from contract.errors import UserError
from contract.ids import draw_seed, job_id, model_fingerprint_of
from contract.jobs import Job, Parent, Press, Request
from contract.kinds import KINDS
from contract.prompt import Prompt


def next_job(job: Job, button: ButtonId, press: Press, prompt: Prompt | None = None) -> Job:
    """The job that a press on `button` makes of `job`; with `prompt`, steered by other words (remix).

    UserError `unknown_button` when `job` has no such picture, or no job follows from the button.
    """
    makes = button.action.value.makes
    if makes is None or (button.index is not None and not 0 <= button.index < job.image_count):
        raise UserError("unknown_button")
    request = job.request if makes == SAME else KINDS[makes].derived(job, button, press)
    return _derived(job, press, request, button.index, prompt)


def again(job: Job, press: Press) -> Job:
    """The same request again, for the person who pressed."""
    return _derived(job, press, job.request, None, None)


def _derived(job: Job, press: Press, request: Request, index: int | None, prompt: Prompt | None) -> Job:
    if request.keeps_picture:  # the same picture, so it keeps the seed, and the model that drew it
        seed, fingerprint = job.seed, model_fingerprint_of(job.id)
    else:
        drawn = draw_seed(press.interaction_id, press.ordinal)
        seed, fingerprint = drawn if press.seed is None else press.seed, press.fingerprint
    return replace(
        job,
        id=job_id(seed, fingerprint, press.interaction_id, press.ordinal),
        request=request,
        prompt=prompt or job.prompt,
        user=press.user,
        destination=press.destination,
        created_ms=press.created_ms,
        speed=press.speed,
        stealth=press.stealth,
        locale=press.locale,
        parent=Parent(job.id, index),
        plan=None,
    )
