"""A finding, and what a process does about its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

import structlog

from contract.errors import EaselError, UserError
from contract.sentences import describe
from exchange.settings import SettingsError

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Severity(StrEnum):
    """How bad it is."""

    BROKEN = "broken"
    """It cannot work like this: a process does not begin."""
    RISKY = "risky"
    """It works, and somebody will be sorry: a process begins, and its log says it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`about` is what it concerns, in a word or two; `sentence` what is wrong and what to do, without any secret."""

    severity: Severity
    about: str
    sentence: str


Examination = Callable[[], Iterable[Finding]]


class Unfit(SettingsError):
    """Something is broken; the text is the finding."""


def broken(about: str, sentence: str) -> Finding:
    """A finding that stops a start."""
    return Finding(Severity.BROKEN, about, sentence)


def risky(about: str, sentence: str) -> Finding:
    """A finding that is said."""
    return Finding(Severity.RISKY, about, sentence)


def examine(about: str, examination: Examination) -> list[Finding]:
    """All findings of one examination. An error of ours that it raises is a finding of its own: it is broken."""
    found: list[Finding] = []
    try:
        found.extend(examination())
    except EaselError as error:
        found.append(broken(about, in_one_line(error)))
    return found


def begin_with(found: Iterable[Finding]) -> None:
    """Say what is risky in the log, and raise Unfit for the first thing that is broken."""
    worst: Finding | None = None
    for finding in found:
        if finding.severity is Severity.RISKY:
            log.warning("doctor", about=finding.about, finding=finding.sentence)
        elif worst is None:
            worst = finding
    if worst is not None:
        raise Unfit(worst.sentence)


def in_one_line(error: EaselError) -> str:
    """An error of ours as a sentence."""
    words = ": ".join(describe(error)) if isinstance(error, UserError) else str(error)
    return " ".join(words.split())
