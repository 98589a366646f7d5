"""`keys`: who may use the API."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import asdict
from typing import Annotated
from urllib.parse import urlsplit

import typer

from exchange import api_keys
from exchange.accounts import month_of, usage_of
from exchange.answering import Absent, AsJson, answer
from exchange.opening import open_redis
from exchange.quotas import Quota
from exchange.settings import SettingsError, read_settings
from worker.delivery.program import webhook_secret
from worker.settings import WorkerSettings

JobsPerHour = Annotated[int | None, typer.Option(min=1, help="jobs that it may start within an hour")]
FastMinutes = Annotated[float | None, typer.Option(min=0, help="fast minutes of GPU time in a month")]
RelaxMinutes = Annotated[float | None, typer.Option(min=0, help="relaxed ones")]
Cooldown = Annotated[float | None, typer.Option(min=0, help="seconds between two of its jobs")]

app = typer.Typer(help="Keys of programs that use the API.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="a name for people, such as the program's")],
    user: Annotated[int | None, typer.Option(help="Discord id of the person whose turns its jobs take")] = None,
    webhook: Annotated[str | None, typer.Option(help="https address that hears of the ends of its jobs")] = None,
    jobs_per_hour: JobsPerHour = None,
    fast_minutes: FastMinutes = None,
    relax_minutes: RelaxMinutes = None,
    cooldown_s: Cooldown = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: it cannot be shown again."""
    settings = read_settings(WorkerSettings)
    if not name.strip():
        raise SettingsError("a key has a name, or nobody knows later whose it is")
    if webhook is not None:
        if urlsplit(webhook).scheme != "https" or not urlsplit(webhook).hostname:
            raise SettingsError(f"{webhook} is no https address")
        if settings.api_secret is None:
            raise SettingsError("API_SECRET is not set: webhooks are signed with it, here and by who delivers")
    quota = Quota(fast_minutes, relax_minutes, jobs_per_hour, cooldown_s)
    key, secret = api_keys.create(open_redis(settings), name[:100], user_id=user, webhook=webhook, quota=quota)
    document, lines = {**api_keys.shown(key), "key": secret}, [secret]
    if webhook is not None and settings.api_secret is not None:
        signing = webhook_secret(settings.api_secret.get_secret_value(), key.id)
        document["webhook_secret"] = f"whsec_{base64.b64encode(signing).decode()}"
        lines.append(f"webhook secret: {document['webhook_secret']}")
    answer(document, "\n".join(lines), as_json)


@app.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON object a line")] = False,
) -> None:
    """Show every key: its id, name and user, whether it is good, what it made in this month, and its limits."""
    client = open_redis(read_settings(WorkerSettings))
    month = month_of(int(time.time() * 1000))
    for key in api_keys.listed(client):
        used = usage_of(client, key.user_id, month)
        if as_json:
            made = {"jobs": sum(one.jobs for one in used), "gpu_s": round(sum(one.gpu_s for one in used), 3)}
            typer.echo(json.dumps({**api_keys.shown(key), "this_month": made}))
        else:
            state = "good" if key.revoked_ms is None else "revoked"
            made_words = f"{sum(one.jobs for one in used)} jobs, {sum(one.gpu_s for one in used) / 60:.1f} minutes"
            typer.echo(f"{key.id}  {state:8}{key.name}  (user {key.user_id}; {made_words}, {key.quota})")


@app.command("limit")
def limit(
    id: Annotated[str, typer.Argument(help="the id that `keys list` shows")],
    jobs_per_hour: JobsPerHour = None,
    fast_minutes: FastMinutes = None,
    relax_minutes: RelaxMinutes = None,
    cooldown_s: Cooldown = None,
    as_json: AsJson = False,
) -> None:
    """Say how much may be made with a key; what is not given has no limit. Its user's own quota holds beside it."""
    quota = Quota(fast_minutes, relax_minutes, jobs_per_hour, cooldown_s)
    if not api_keys.limit(open_redis(read_settings(WorkerSettings)), id, quota):
        raise Absent(f"there is no key {id}; `keys list` shows all")
    answer({"id": id, "quota": asdict(quota)}, f"{id}: {quota}", as_json)


@app.command("revoke")
def revoke(id: Annotated[str, typer.Argument(help="the id that `keys list` shows")], as_json: AsJson = False) -> None:
    """End a key at once."""
    if not api_keys.revoke(open_redis(read_settings(WorkerSettings)), id):
        raise Absent(f"there is no good key {id}; `keys list` shows all")
    answer({"revoked": id}, f"{id} is revoked.", as_json)
