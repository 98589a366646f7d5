"""Who may do what to whose jobs."""

from __future__ import annotations

from typing import Protocol

from contract.jobs import Destination, User
from service.asker import Asker


class Owned(Protocol):
    """What belongs to a person and a place: a job, or what is left of one."""

    @property
    def user(self) -> User:
        """The person who asked for it."""

    @property
    def destination(self) -> Destination:
        """Where it belongs, wherever else it is shown or asked about."""


def may_act(asker: Asker, job: Owned) -> bool:
    """Whether a person may end or delete a job: their own always, others' only where they may moderate its own place.

    The one function that decides it, for commands, buttons, menus and reactions alike.
    """
    return job.user.id == asker.user.id or asker.moderates(job.destination)
