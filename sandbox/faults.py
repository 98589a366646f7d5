"""Trouble on request: coming calls are refused, delayed, cut off, or answered as Discord answers on its rarer days."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.rare_answers import RARE

KINDS = ("status", "answer", "rate_limit", "delay", "slow_answer", "half_answer", "lost_answer", "lost_request")
SCOPES = ("user", "shared", "global")
CALLERS = ("", "bot", "person", "link")


@dataclass
class Fault:
    """What happens to coming requests whose method, path, body (regular expressions) and caller match.

    ``status`` answers with ``status`` (and ``code`` and ``message``, where given); ``answer`` with the entry of
    :data:`sandbox.rare_answers.RARE` named ``answer``; ``rate_limit`` with a 429 of ``seconds`` and a ``scope``.
    ``delay`` waits ``seconds`` before the work, ``slow_answer`` between the work and its answer. ``half_answer`` does
    the work and drops the connection in the middle of the answer, ``lost_answer`` before it, ``lost_request`` drops it
    before the work. A caller is the ``bot``, a ``person``, or with ``link`` whoever fetches a file by its link; of
    these only faults that say so are seen.

    It begins ``after_s`` from now and strikes ``count`` times, once where nothing is said; with ``for_s`` as often as
    it can in so many seconds. ``chance`` is the share of matching requests that it strikes, drawn with ``seed``.
    """

    kind: str
    count: int | None = None
    method: str = ""
    path: str = ""
    body: str = ""
    by: str = ""
    status: int = 500
    code: int = 0
    message: str = ""
    answer: str = ""
    scope: str = "shared"
    seconds: float = 1.0
    after_s: float = 0.0
    for_s: float | None = None
    chance: float = 1.0
    seed: int = 0
    begins_at: float = field(default=0.0, init=False)
    draws: random.Random = field(default_factory=random.Random, init=False, repr=False)

    def __post_init__(self) -> None:
        for name, known in (("kind", KINDS), ("scope", SCOPES), ("by", CALLERS)):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f"{value!r} is no {'fault' if name == 'kind' else name}; there are {', '.join(known)}")
        if self.kind == "answer" and self.answer not in RARE:
            raise ValueError(f"{self.answer!r} is no answer; there are {', '.join(RARE)}")
        if self.count is None and self.for_s is None:
            self.count = 1
        self.draws.seed(self.seed)
        for name in ("path", "body"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise ValueError(f"{name} is no regular expression: {error}") from None

    def described(self) -> dict[str, Any]:
        """Its fields as they were asked for, and how many strikes are left."""
        return {name: getattr(self, name) for name, one in self.__dataclass_fields__.items() if one.init}

    def is_over(self, now: float) -> bool:
        """Whether its time or its strikes are used up."""
        out_of_time = self.for_s is not None and now >= self.begins_at + self.for_s
        return out_of_time or (self.count is not None and self.count <= 0)

    def strikes(self, method: str, path: str, body: str, by: str, now: float) -> bool:
        """Whether it meets this request; a strike is counted."""
        callers = ("link",) if by == "link" else ("", by)
        fits = now >= self.begins_at and self.method in ("", method) and self.by in callers
        if not (fits and re.search(self.path, path) and re.search(self.body, body)):
            return False
        if self.chance < 1 and self.draws.random() >= self.chance:
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Faults:
    """The faults still to come, oldest first. ``clock`` gives seconds that only run forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._planned: list[Fault] = []

    @property
    def pending(self) -> list[Fault]:
        """Those that can still strike."""
        now = self._clock()
        self._planned = [fault for fault in self._planned if not fault.is_over(now)]
        return self._planned

    def add(self, description: dict[str, Any]) -> Fault:
        """Plan a fault; TypeError or ValueError if the description is not one."""
        fault = Fault(**description)
        fault.begins_at = self._clock() + fault.after_s
        self._planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget them all."""
        self._planned.clear()

    def next(self, method: str, path: str, body: str = "", by: str = "") -> Fault | None:
        """The fault that strikes this request, if any."""
        now = self._clock()
        return next((fault for fault in self.pending if fault.strikes(method, path, body, by, now)), None)
