"""`easel-policy`: who may make pictures, and how many; what moderators did; forgetting a person.

What it changes holds at once, for every process. Settings are those of the other processes.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import structlog
import typer

from contract.errors import EaselError, UserError
from contract.jobs import DiscordChannel, User
from contract.sentences import describe
from exchange.connection import RedisUnavailable, check_async, connect_async
from exchange.images import StoreUnavailable
from exchange.logs import configure_logs
from exchange.policies import Ban, Subject
from exchange.settings import CommonSettings, SettingsError, read_settings
from service import policy
from service.asker import Asker
from service.forgetting import forget_person
from service.policy import OPERATOR
from service.services import Services, open_services

app = typer.Typer(
    help="Says who may make pictures, and how many; shows what moderators did.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

DAY_MS = 86_400_000
Who = Annotated[Subject, typer.Argument(help="user or guild")]
Id = Annotated[int, typer.Argument(min=1, help="its id in Discord")]


@app.command()
def show() -> None:
    """Show what holds now."""

    async def run(services: Services) -> None:
        held = await services.policies.policy()
        print(f"direct messages: {'on' if held.direct_messages else 'off'}")
        print(f"jobs per hour: {held.jobs_per_hour or 'any number'}")
        for subject in Subject:
            for id, ban in sorted((await services.policies.bans(subject)).items()):
                until = "" if ban.until_ms is None else f" until {_moment(ban.until_ms)}"
                print(f"banned: {subject} {id}{until}{': ' + ban.why if ban.why else ''}")
            for id in await services.policies.invited(subject):
                print(f"invited: {subject} {id}")

    _run(run)


@app.command()
def ban(
    who: Who,
    id: Id,
    why: Annotated[str, typer.Option(help="what the person is told")] = "",
    days: Annotated[float | None, typer.Option(min=0.001, help="for how long; for ever without it")] = None,
) -> None:
    """Let a user or a server make no pictures any more."""
    until_ms = None if days is None else int(time.time() * 1000 + days * DAY_MS)
    _run(lambda services: policy.ban(services, OPERATOR, who, id, Ban(why, until_ms)))


@app.command()
def unban(who: Who, id: Id) -> None:
    """Lift a ban."""

    async def run(services: Services) -> None:
        print("lifted" if await policy.unban(services, OPERATOR, who, id) else f"{who} {id} was not banned")

    _run(run)


@app.command()
def invite(who: Who, id: Id) -> None:
    """Let this one make pictures, and from the first one on nobody who is not invited."""
    _run(lambda services: policy.invite(services, OPERATOR, who, id))


@app.command()
def uninvite(who: Who, id: Id) -> None:
    """Take an invitation back; when none is left, all may make pictures again."""

    async def run(services: Services) -> None:
        print("taken back" if await policy.uninvite(services, OPERATOR, who, id) else f"{who} {id} was not invited")

    _run(run)


@app.command()
def direct_messages(allowed: Annotated[bool, typer.Argument(help="true or false")]) -> None:
    """Let people make pictures in direct messages with the bot, or only on servers."""
    _run(lambda services: _set(services, direct_messages=allowed))


@app.command()
def jobs_per_hour(limit: Annotated[int, typer.Argument(min=0, help="for each person; 0 for any number")]) -> None:
    """Limit how many jobs a person may start within an hour."""
    _run(lambda services: _set(services, jobs_per_hour=limit))


@app.command()
def forget(user: Id) -> None:
    """Delete all that is kept of a person: settings, usage, history, pictures. Posted messages stay where they are."""

    async def run(services: Services) -> None:
        asker = Asker(user=User(user, ""), destination=DiscordChannel(1), asked_ms=0, key=0)
        forgotten = await forget_person(services, OPERATOR, asker)
        print(f"forgotten, with the pictures of {forgotten.jobs} jobs")

    _run(run)


@app.command()
def audit(last: Annotated[int, typer.Option(min=1, max=10_000, help="how many")] = 50) -> None:
    """Show what moderators and operators did, newest first."""

    async def run(services: Services) -> None:
        for deed in await services.policies.deeds(last):
            print("\t".join([_moment(deed.at_ms), deed.by, deed.did, deed.about, deed.detail]).rstrip())

    _run(run)


def main() -> int:
    """Run one command; 2 with a sentence on standard error when it cannot be done."""
    try:
        app(standalone_mode=False)
    except typer.Exit as exit:
        return exit.exit_code
    except (SettingsError, RedisUnavailable, StoreUnavailable) as error:
        print(error, file=sys.stderr)
        return 2
    except UserError as error:
        print(describe(error)[1], file=sys.stderr)
        return 2
    except EaselError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


async def _set(services: Services, **changes: bool | int) -> None:
    await policy.set_policy(services, OPERATOR, **changes)


def _run(command: Callable[[Services], Awaitable[object]]) -> None:
    settings = read_settings(CommonSettings)
    configure_logs("console", "warning")
    structlog.contextvars.clear_contextvars()
    asyncio.run(_with_services(settings, command))


async def _with_services(settings: CommonSettings, command: Callable[[Services], Awaitable[object]]) -> None:
    if settings.redis_url is None:
        raise RedisUnavailable("REDIS_URL is not set")
    client = connect_async(settings.redis_url.get_secret_value())
    try:
        await check_async(client)
        await command(await open_services(client, image_store=settings.image_store, catalogue=settings.catalogue))
    finally:
        await client.aclose()


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


if __name__ == "__main__":
    sys.exit(main())
