"""`doctor`: everything that is wrong with this host, its settings and what is around it, before anybody meets it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, TypeVar

import redis
import typer

from api.doctor import api_findings
from api.settings import ApiSettings
from console.environment import unknown_settings
from contract.endpoints import discord_endpoints
from contract.errors import EaselError
from exchange.answering import AsJson, answer
from exchange.doctor.findings import Finding, Severity, broken, examine, in_one_line, risky
from exchange.doctor.host import host_findings, kept_findings, port_findings, value_findings
from exchange.doctor.offer import offer_findings
from exchange.doctor.server import server_findings
from exchange.doctor.store import store_findings
from exchange.logs import configure_logs
from exchange.opening import open_redis
from exchange.settings import CommonSettings, SettingsError, missing, read_settings
from service.doctor import door_findings

Kind = TypeVar("Kind", bound=CommonSettings)

ROLES = ("bot", "worker", "api")


def doctor(
    roles: Annotated[
        list[str] | None, typer.Option("--for", help="bot, worker or api: what this host is to do; all if not given")
    ] = None,
    models: Annotated[bool, typer.Option("--models/--no-models", help="load every model and draw one step")] = True,
    as_json: AsJson = False,
) -> None:
    """Look for everything that is wrong: settings, Redis, store, Discord, device, models, workers.

    Exit status 1 when something is broken; what is only risky is said and leaves it at 0.
    """
    if strangers := set(roles or ()) - set(ROLES):
        raise typer.BadParameter(f"{sorted(strangers)[0]} is none of {', '.join(ROLES)}", param_hint="--for")
    configure_logs("console", "error")
    os.environ.setdefault("TQDM_DISABLE", "1")  # the libraries' progress bars
    # Several roles meet the same fault: it is said once.
    found = list({one.sentence: one for one in examine_all(set(roles or ROLES), models=models)}.values())
    lines = [f"{finding.severity:8}{finding.about}: {finding.sentence}" for finding in found]
    worst = any(finding.severity is Severity.BROKEN for finding in found)
    document = {"broken": worst, "findings": [asdict(finding) for finding in found]}
    answer(document, "\n".join(lines) or "nothing is wrong", as_json)
    raise typer.Exit(1 if worst else 0)


def examine_all(roles: set[str], *, models: bool) -> Iterable[Finding]:
    """Every examination that concerns a host with these roles."""
    for name, nearest in unknown_settings():
        yield risky("settings", f"There is no setting {name}; did you mean {nearest}?")
    settings = _settings(CommonSettings)
    if isinstance(settings, Finding):
        yield settings
        return
    yield from examine("this host", lambda: [*host_findings(settings), *port_findings(settings)])
    reached = _client(settings)
    if isinstance(reached, Finding):
        yield reached
    client = None if isinstance(reached, Finding) else reached
    yield from examine("the image store", lambda: store_findings(settings, client))
    if client is not None:
        yield from examine("Redis", lambda: server_findings(settings, client))
        yield from examine("the catalogue", lambda: offer_findings(settings, client))
    if roles & {"bot", "worker"}:
        yield from examine("Discord", lambda: _discord(settings))
    if "bot" in roles:
        yield from _of_bot()
    if "api" in roles:
        yield from _of_api()
    if "worker" in roles:
        yield from _of_worker(models)


def _discord(settings: CommonSettings) -> Iterable[Finding]:
    from bot.doctor import discord_findings  # brings discord.py

    endpoints = discord_endpoints(settings.discord_api_base, allow_remote=settings.discord_allow_remote_api)
    if settings.discord_token is None:
        raise SettingsError(missing("discord_token"))
    return asyncio.run(discord_findings(settings.discord_token.get_secret_value(), endpoints))


def _of_bot() -> Iterable[Finding]:
    from bot.settings import BotSettings

    settings = _settings(BotSettings)
    if isinstance(settings, Finding):
        return [settings]
    try:
        settings.endpoints()
    except EaselError as error:
        return [broken("Discord", in_one_line(error))]
    kept = kept_findings(Path(settings.state_folder), Severity.RISKY)
    return [*value_findings(settings), *kept, *examine("limits", lambda: door_findings(settings))]


def _of_api() -> Iterable[Finding]:
    settings = _settings(ApiSettings)
    if isinstance(settings, Finding):
        return [settings]
    return [
        *value_findings(settings),
        *examine("limits", lambda: door_findings(settings)),
        *examine("the API", lambda: api_findings(settings)),
    ]


def _of_worker(models: bool) -> Iterable[Finding]:
    try:
        from worker import doctor as ward
        from worker.settings import WorkerSettings
    except ModuleNotFoundError as absent:
        yield broken(
            "this host",
            f'It has no {absent.name}, so no worker runs here: pip install ".[worker]" (draws) or ".[deliver]".',
        )
        return
    settings = _settings(WorkerSettings)
    if isinstance(settings, Finding):
        yield settings
        return
    yield from value_findings(settings)
    yield from examine(ward.SIGNING, lambda: ward.signing_findings(settings))
    yield from examine(ward.FOLDERS, lambda: ward.folder_findings(settings))
    yield from examine(ward.FILES, lambda: ward.file_findings(settings))
    device = examine(ward.DEVICE, lambda: ward.device_findings(settings))
    offered = examine(ward.MODELS, lambda: ward.offered_findings(settings))
    yield from (*device, *offered)
    if models and not any(finding.severity is Severity.BROKEN for finding in (*device, *offered)):
        yield from examine(ward.MODELS, lambda: ward.drawing_findings(settings))


def _settings(kind: type[Kind]) -> Kind | Finding:
    try:
        return read_settings(kind)
    except EaselError as error:
        return broken("settings", in_one_line(error))


def _client(settings: CommonSettings) -> redis.Redis | Finding:
    try:
        return open_redis(settings)
    except EaselError as error:
        return broken("Redis", in_one_line(error))
