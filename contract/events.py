"""What happens to jobs, as values, for everybody who wants to know: the log, and beside it metrics or an audit.

A process hands one `Observer` to all that works on jobs in it. Each event is told once, by what brings it about; a
step that is repeated after a crash may tell it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from contract.jobs import Job
from contract.moderation import Weight


@dataclass(frozen=True, slots=True)
class Accepted:
    """In the queue, behind `ahead` others; `duplicate` when it was there already."""

    job: Job
    ahead: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Not done, for a reason that the person can mend: `kind` is the `UserError`'s, `job` None while there is none."""

    user_id: int
    kind: str
    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Flagged:
    """A rule of the policy found something: `rule` is the word, or `pictures`, and `weight` what followed."""

    job: Job
    rule: str
    weight: Weight


@dataclass(frozen=True, slots=True)
class Started:
    """A worker begins to make it."""

    job: Job


@dataclass(frozen=True, slots=True)
class Step:
    """The model took step `step` of `steps` of one of its requests."""

    job: Job
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """Its result is in the store, after `gpu_s` seconds with the model."""

    job: Job
    gpu_s: float


class Stage(StrEnum):
    """A part of the work whose time is told on its own."""

    ACKNOWLEDGE = "acknowledge"
    """From hearing of a command, press or form to the end of its answer."""
    INTAKE = "intake"
    """Reading the pictures that a job links to."""
    LOAD = "load"
    """Bringing a model, its warm-up included."""
    ENCODE = "encode"
    """Finished pictures into signed files in the store."""
    DELIVER = "deliver"
    """From the begin of a delivery to its end, with the store and Discord."""


@dataclass(frozen=True, slots=True)
class Took:
    """A stage has ended after `seconds`; `job` is None where it is none's, `model` empty where there is none."""

    stage: Stage
    seconds: float
    job: Job | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Throttled:
    """Discord asked to slow down (429); `scope` is its own word: user, global or shared."""

    scope: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Its result was handed over."""

    job: Job


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended without a result: `kind` is what its user is told (None told: `way` is None), `reason` is for us."""

    job: Job
    kind: str
    reason: str
    way: str | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Its user or an operator ended it, and its place says so."""

    job: Job


Event = Accepted | Refused | Flagged | Started | Step | Drawn | Took | Throttled | Delivered | Failed | Cancelled


class Observer(Protocol):
    """Hears of every event. It is called in the thread or loop that works on the job, so it must be quick."""

    def __call__(self, event: Event, /) -> None: ...
