"""Every button is a pure function from a job to the next one. The new id is handed in: it carries the new seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from contract.ids import JobId
from contract.jobs import Destination, Job, Parent, Request, Speed, Strength, Upscale, User, Variation
from contract.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Press:
    """What a press brings: the new job's id, who pressed, where the answer goes and when (Unix milliseconds)."""

    new_id: JobId
    user: User
    destination: Destination
    created_ms: int
    speed: Speed = Speed.FAST
    stealth: bool = False
    locale: str = "en-US"


def reroll(job: Job, press: Press, prompt: Prompt | None = None) -> Job:
    """The same again with another seed; with `prompt`, the same request for other words (remix)."""
    return _derived(job, press, job.request, None, prompt)


def variation(job: Job, index: int, strength: Strength, press: Press, prompt: Prompt | None = None) -> Job:
    """Four pictures near picture `index` of `job`; with `prompt`, steered by other words (remix)."""
    return _derived(job, press, Variation(strength, job.generations(index)), index, prompt)


def upscale(job: Job, index: int, press: Press) -> Job:
    """Picture `index` of `job`, alone. The id handed in should carry the seed of `job`: the picture stays the same."""
    return _derived(job, press, Upscale(index, job.generations(index)), index, None)


def _derived(job: Job, press: Press, request: Request, index: int | None, prompt: Prompt | None) -> Job:
    return replace(
        job,
        id=press.new_id,
        request=request,
        prompt=prompt or job.prompt,
        user=press.user,
        destination=press.destination,
        created_ms=press.created_ms,
        speed=press.speed,
        stealth=press.stealth,
        locale=press.locale,
        parent=Parent(job.id, index),
    )
