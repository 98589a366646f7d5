"""`users`: one person as the house knows them, and what an operator may do about them, as `policy` does it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from exchange import preferences
from exchange.accounts import month_of
from exchange.answering import AsJson, answer
from exchange.policy import Subject
from exchange.quotas import Whose
from service import __main__ as rules
from service.__main__ import LIMIT
from service.opening import with_services
from service.policy import moment
from service.services import Services

app = typer.Typer(help="One person: what is known of them, and what is allowed to them.", no_args_is_help=True)

Person = Annotated[int, typer.Argument(metavar="ID", min=1, help="the person's id in Discord")]
HISTORY = 5
"""How many delivered jobs `show` lists."""


@app.command("show")
def show(user: Person, as_json: AsJson = False) -> None:
    """Show what a person made, has waiting, has set, and whether they may make pictures."""
    document = with_services(lambda services: _about(services, user))
    answer(document, _describe(document), as_json)


@app.command("block")
def block(
    user: Person,
    why: Annotated[str, typer.Option(help="what the person is told")] = "",
    days: Annotated[float | None, typer.Option(min=0.001, help="for how long; for ever without it")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a person make no pictures any more, from now on."""
    rules.ban(Subject.USER, user, why, days, as_json)


@app.command("unblock")
def unblock(user: Person, as_json: AsJson = False) -> None:
    """Let a blocked person make pictures again."""
    rules.unban(Subject.USER, user, as_json)


@app.command("quota")
def quota(
    user: Person,
    fast_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    relax_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    jobs_per_hour: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    cooldown_s: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much a person may make in a month, in an hour and at a time; it counts before their roles' quotas."""
    rules.quota(Whose.USER, user, fast_minutes, relax_minutes, jobs_per_hour, cooldown_s, as_json)


@app.command("role")
def role(
    id: Annotated[int, typer.Argument(metavar="ROLE", min=1, help="the role's id in Discord")],
    fast_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    relax_minutes: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    jobs_per_hour: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    cooldown_s: Annotated[str | None, typer.Option(help=LIMIT)] = None,
    as_json: AsJson = False,
) -> None:
    """Say how much everybody with a role may make; of several roles the most generous counts."""
    rules.quota(Whose.ROLE, id, fast_minutes, relax_minutes, jobs_per_hour, cooldown_s, as_json)


@app.command("forget")
def forget(user: Person, as_json: AsJson = False) -> None:
    """Delete all that is kept of a person: settings, usage, history, pictures. Posted messages stay where they are."""
    rules.forget(user, as_json)


async def _about(services: Services, user: int) -> dict[str, Any]:
    verdict = await services.policies.verdict(user, None)
    ban = verdict.user_ban
    month = month_of(int(time.time() * 1000))
    return {
        "user_id": str(user),
        "blocked": None if ban is None else asdict(ban),
        "invited": verdict.user_invited,
        "jobs_last_hour": verdict.spent,
        "open_jobs": sorted(await services.queue.of_user(user)),
        "month": month,
        "usage": [
            {"speed": str(usage.speed), "jobs": usage.jobs, "images": usage.images, "gpu_s": round(usage.gpu_s, 3)}
            for usage in await services.accounts.usage(user, month)
        ],
        "settings": await services.preferences.all(preferences.user(user)),
        "quota": dict((await services.quotas.all()).get(f"user:{user}", {})),
        "history": [asdict(entry) for entry in await services.accounts.history(user, count=HISTORY)],
    }


def _describe(about: Mapping[str, Any]) -> str:
    lines = [f"user {about['user_id']}"]
    if about["blocked"] is not None:
        until = about["blocked"]["until_ms"]
        lines.append(f"blocked {'for ever' if until is None else f'until {moment(until)}'}: {about['blocked']['why']}")
    elif not about["invited"]:
        lines.append("not invited, so they make no pictures")
    else:
        lines.append("may make pictures")
    lines.append(
        f"jobs in the last hour: {about['jobs_last_hour']}; open now: {', '.join(about['open_jobs']) or 'none'}"
    )
    lines += [
        f"{about['month']}, {usage['speed']}: {usage['jobs']} jobs, {usage['images']} pictures, {usage['gpu_s']:.1f} s"
        for usage in about["usage"]
        if usage["jobs"]
    ]
    for name, limit in about["quota"].items():
        lines.append(f"quota: {name.replace('_', ' ')} {'any' if limit is None else f'{limit:g}'}")
    lines += [f"set: {name} = {value}" for name, value in sorted(about["settings"].items())]
    lines += [
        f"{moment(entry['created_ms'])}  {entry['job_id']}  {entry['action']:10}{entry['prompt'][:60]}"
        for entry in about["history"]
    ]
    return "\n".join(lines)
