"""What a place has to be able to do that results go to: Discord is one; a webhook or a page will be others.

Every method may be repeated after a crash, and raises `Unavailable` when the same call may work later. A `UserError` is
final: the place will not take this, and the person has to be told why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from contract.errors import EaselError, UserError
from contract.jobs import Job
from exchange.delivery import DeliveryState, MessageRef
from worker.results import Result


class Unavailable(EaselError):
    """The place could not be reached, is rate limiting us or failing; the same call may work later."""


@dataclass(frozen=True, slots=True)
class Told:
    """How somebody was told of a failure: `way` for the log; `message` when a message of its own now ends the job."""

    way: str
    message: MessageRef | None = None


class Door(Protocol):
    """One kind of destination. `known` is what is known of the job's messages; `tried_ms` when a post was first tried,
    in Unix milliseconds, None at the first try. `takes_from_memory`: results go there as they are, not only those that
    the store has."""

    takes_from_memory: bool

    def post(self, job: Job, known: DeliveryState, result: Result, tried_ms: int | None) -> MessageRef | None:
        """Hand over a result; None when that was done before and has been deleted since. UserError when it is final."""

    def handed_over(self, job: Job, known: DeliveryState) -> MessageRef | None:
        """The result that an earlier try handed over and had no time to record; None when there is none."""

    def tell(self, job: Job, known: DeliveryState, error: UserError, tried_ms: int | None) -> Told | None:
        """Tell the person of a failure, in the kindest way that works; None when none does."""

    def stop(self, job: Job, known: DeliveryState) -> None:
        """Let what announced the job say that it goes on no more. The one author of `(Stopped)`."""

    def clear(self, job: Job, known: DeliveryState, posted: MessageRef | None) -> None:
        """Take away what announced the job, where that has not become its result: `posted` stands."""
