"""Every command of the house under one name, `easel`. `easel-bot`, `easel-api`, `easel-worker`, `easel-policy` stay."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from console.commands import doctor, fleet, jobs, users, versions
from console.environment import unknown_settings
from exchange.answering import run_app
from service.__main__ import app as policy
from service.__main__ import audit

app = typer.Typer(
    help="Runs an Easel and shows how it does.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(policy, name="policy")
app.add_typer(users.app, name="users")
app.add_typer(versions.app, name="versions")
app.command("audit")(audit)

try:
    from worker.__main__ import app as worker
except ModuleNotFoundError as missing:  # a host that only runs the bot has no pictures to handle
    ABSENT: str | None = missing.name
else:
    ABSENT = None
    app.registered_commands += worker.registered_commands
    app.registered_groups += worker.registered_groups


@app.command()
def bot() -> None:
    """Talk to Discord: answer commands and presses, keep waiting messages fresh."""
    _become("bot")


@app.command()
def api() -> None:
    """Serve OpenAI's Images API to programs."""
    _become("api")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("easel"))
        raise typer.Exit


@app.callback()
def every_command(
    context: typer.Context,
    shown: Annotated[
        bool, typer.Option("--version", help="print the version and end", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Say what is amiss with the environment before any command runs."""
    for name, nearest in unknown_settings():
        typer.echo(f"easel: there is no setting {name}; did you mean {nearest}?", err=True)
    if ABSENT is not None and context.invoked_subcommand not in ("bot", "api"):
        typer.echo(
            f"easel: this host has no {ABSENT}, so the worker's commands are not here; "
            'pip install ".[deliver]" or ".[worker]" brings them',
            err=True,
        )


app.command("status")(fleet.status)
app.command("top")(fleet.top)
app.command("drain")(fleet.drain)
app.command("undrain")(fleet.undrain)
app.command("doctor")(doctor.doctor)
app.command("reset-breaker")(fleet.reset_breaker)
app.command("jobs")(jobs.jobs)
app.command("cancel")(jobs.cancel)
app.command("requeue")(jobs.requeue)


def main() -> None:
    """Run one command. What the operator can mend is one sentence and a documented exit status, no traceback."""
    run_app(app, "easel")


def _become(module: str) -> NoReturn:
    """Run another program in this one's place: it gets the signals, and its exit status is ours."""
    os.execv(sys.executable, [sys.executable, "-m", module])
