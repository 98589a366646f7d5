"""How a command of the operator answers: words for people or JSON for programs, and an exit status.

Every command prints its answer on standard output. What it could not do is one sentence on standard error.
"""

from __future__ import annotations

import errno
import json
import sys
from enum import IntEnum
from typing import Annotated, Any, NoReturn

import typer

from contract.errors import EaselError, UserError
from contract.sentences import describe

AsJson = Annotated[bool, typer.Option("--json", help="print one JSON object")]
"""The option that every command has which prints something."""

_HARMLESS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - set(map(ord, "\t\n")), "\ufffd")
"""What stands for characters that a terminal obeys."""
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of writing, which name no file."""


class Exit(IntEnum):
    """What an exit status says; `docs/command-line.md` lists them."""

    DONE = 0
    NO = 1
    """The command did what it was asked, and the answer is no: a changed picture, a finding of `doctor`."""
    UNUSABLE = 2
    """Words or settings make no sense, or Redis, the store or Discord cannot be used; the sentence says what to do."""
    ABSENT = 3
    """There is no such job, worker, model or key."""
    NOT_NOW = 4
    """It is there, but in a state in which this cannot be done to it."""


class Absent(EaselError):
    """What the operator named is not there; the text says what is."""


class UnusableFile(EaselError):
    """A file that the operator named cannot be read or written; the text says which, and why."""


class NotNow(EaselError):
    """What the operator asked cannot be done to a thing in this state; the text says why."""


def answer(document: Any, words: str, as_json: bool) -> None:
    """Print the answer: `document` as one line of JSON, or `words`, in which people's texts may stand: none of it
    reaches a terminal as a command."""
    typer.echo(_in_json(document) if as_json else words.translate(_HARMLESS))


def _in_json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False).translate({one: f"\\u{one:04x}" for one in _HARMLESS})


def run_app(app: typer.Typer, name: str) -> None:
    """Run a command line. An error of ours is one sentence after `name` and its exit status, never a traceback."""
    try:
        app(prog_name=name)
    except EaselError as error:
        give_up(error, name)
    except OSError as error:
        if error.filename is not None:
            give_up(UnusableFile(f"{error.filename} cannot be used: {error.strerror}"), name)
        if error.errno not in _NO_ROOM:
            raise
        give_up(UnusableFile(f"what it says cannot be written: {error.strerror}"), name)


def give_up(error: EaselError, name: str) -> NoReturn:
    """Say what is wrong and end."""
    words = ": ".join(describe(error)) if isinstance(error, UserError) else str(error)
    print(f"{name}: {words}", file=sys.stderr)
    sys.exit(exit_status(error))


def exit_status(error: EaselError) -> Exit:
    """What a command exits with that ends with this error."""
    match error:
        case Absent() | UserError(kind="model_not_found"):
            return Exit.ABSENT
        case NotNow():
            return Exit.NOT_NOW
        case _:
            return Exit.UNUSABLE
