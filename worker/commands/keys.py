"""`keys`: who may use the API."""

from __future__ import annotations

import base64
import json
from typing import Annotated
from urllib.parse import urlsplit

import typer

from exchange import api_keys
from exchange.settings import SettingsError, read_settings
from worker.commands.shared import open_redis
from worker.delivery.program import webhook_secret
from worker.settings import WorkerSettings

app = typer.Typer(help="Keys of programs that use the API.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="a name for people, such as the program's")],
    user: Annotated[int | None, typer.Option(help="Discord id of the person whose turns its jobs take")] = None,
    webhook: Annotated[str | None, typer.Option(help="https address that hears of the ends of its jobs")] = None,
) -> None:
    """Make a key and print it: it cannot be shown again."""
    settings = read_settings(WorkerSettings)
    if webhook is not None:
        if urlsplit(webhook).scheme != "https" or not urlsplit(webhook).hostname:
            raise SettingsError(f"{webhook} is no https address")
        if settings.api_secret is None:
            raise SettingsError("API_SECRET is not set: webhooks are signed with it, here and by who delivers")
    key, secret = api_keys.create(open_redis(settings), name[:100], user_id=user, webhook=webhook)
    typer.echo(secret)
    if webhook is not None and settings.api_secret is not None:
        signing = webhook_secret(settings.api_secret.get_secret_value(), key.id)
        typer.echo(f"webhook secret: whsec_{base64.b64encode(signing).decode()}")


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON object a line")] = False,
) -> None:
    """Show every key: its id, name, user and whether it is good."""
    for key in api_keys.listed(open_redis(read_settings(WorkerSettings))):
        if as_json:
            typer.echo(json.dumps(api_keys.shown(key)))
        else:
            state = "good" if key.revoked_ms is None else "revoked"
            typer.echo(f"{key.id}  {state:8}{key.name}  (user {key.user_id})")


@app.command("revoke")
def revoke(id: Annotated[str, typer.Argument(help="the id that `keys list` shows")]) -> None:
    """End a key at once."""
    if not api_keys.revoke(open_redis(read_settings(WorkerSettings)), id):
        raise SettingsError(f"there is no good key {id}; `keys list` shows all")
    typer.echo(f"{id} is revoked.")
