"""What an operator can mend is one sentence and a documented exit status, whatever a command stumbles over."""

from __future__ import annotations

import errno
import sys

import pytest
import typer

from contract.catalogue import DEFAULT_CATALOGUE
from contract.errors import EaselError, UserError
from exchange.answering import Absent, Exit, NotNow, run_app

OFFERED = ", ".join(model.name for model in DEFAULT_CATALOGUE)


@pytest.mark.parametrize(
    ("error", "words", "status"),
    [
        (EaselError("the store is away"), "the store is away", Exit.UNUSABLE),
        (Absent("there is no job 7"), "there is no job 7", Exit.ABSENT),
        (NotNow("it has ended"), "it has ended", Exit.NOT_NOW),
        (UserError("bad_weight", weight="x", weights="off"), "x", Exit.UNUSABLE),
        (
            UserError("model_not_found", model="sdxll", offered=OFFERED),
            f"No model here is called `sdxll`. Offered: {OFFERED}.",
            Exit.ABSENT,
        ),
        (
            FileNotFoundError(2, "No such file or directory", "/nowhere"),
            "/nowhere cannot be used: No such",
            Exit.UNUSABLE,
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "cannot be written: No space left", Exit.UNUSABLE),
    ],
)
def test_an_error_is_one_sentence(
    error: Exception, words: str, status: Exit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """After the program's name, on standard error."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["easel"])
    with pytest.raises(SystemExit) as ended:
        run_app(app, "easel")
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (status, "")
    assert said.err.startswith("easel: ")
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_fault_of_our_own_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system that names no file is nobody's sentence."""
    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise OSError("a pipe of our own broke")

    monkeypatch.setattr(sys, "argv", ["easel"])
    with pytest.raises(OSError, match="of our own"):
        run_app(app, "easel")
