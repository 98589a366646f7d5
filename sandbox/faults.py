"""Trouble on request: the next matching calls are refused, delayed, or answered into a dropped connection."""

import re
from dataclasses import dataclass
from typing import Any

KINDS = ("status", "rate_limit", "delay", "lost_answer")


@dataclass
class Fault:
    """What happens to the next ``count`` requests whose method and path (a regular expression) match.

    ``status`` answers with ``status``; ``rate_limit`` with a 429 of ``seconds``; ``delay`` waits ``seconds`` first;
    ``lost_answer`` does the work and drops the connection before the answer, as a cut network does.
    """

    kind: str
    count: int = 1
    method: str = ""
    path: str = ""
    status: int = 500
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; there are {', '.join(KINDS)}")
        re.compile(self.path)


class Faults:
    """The faults still to come, oldest first."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def add(self, description: dict[str, Any]) -> Fault:
        """Plan a fault; TypeError or ValueError if the description is not one."""
        fault = Fault(**description)
        self.pending.append(fault)
        return fault

    def next(self, method: str, path: str) -> Fault | None:
        """The fault that strikes this request; it is used up after ``count`` strikes."""
        for fault in self.pending:
            if fault.method in ("", method) and re.search(fault.path, path):
                fault.count -= 1
                if fault.count <= 0:
                    self.pending.remove(fault)
                return fault
        return None
