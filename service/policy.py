"""The operator's policy: what it says of somebody who wants pictures, and how it is changed. Changes are audited."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from contract.errors import UserError
from contract.jobs import DiscordChannel, Job
from exchange.policies import Ban, Policy, Subject, Verdict
from service.asker import Asker
from service.budget import promptly
from service.services import Services

log: structlog.stdlib.BoundLogger = structlog.get_logger()

OPERATOR = "operator"
"""Who did it, when it was done from the command line."""


async def verdict(services: Services, asker: Asker) -> Verdict:
    """What the policy says of the asker now. UserError when it cannot be asked in time."""
    async with promptly():
        return await services.policies.verdict(asker.user.id, asker.guild_id)


def judge(verdict: Verdict, asker: Asker) -> None:
    """UserError when the asker may make no pictures here, or none any more in this hour."""
    if verdict.user_ban is not None:
        raise UserError("banned", **_told(verdict.user_ban))
    if verdict.guild_ban is not None:
        raise UserError("guild_banned", **_told(verdict.guild_ban))
    if not verdict.user_invited:
        raise UserError("not_invited")
    if asker.guild_id is not None and not verdict.guild_invited:
        raise UserError("guild_not_invited")
    if asker.guild_id is None and isinstance(asker.destination, DiscordChannel) and not verdict.policy.direct_messages:
        raise UserError("direct_messages_off")
    if verdict.policy.jobs_per_hour and verdict.spent >= verdict.policy.jobs_per_hour:
        raise UserError("rate_limited", limit=verdict.policy.jobs_per_hour)


async def count_job(services: Services, asker: Asker, job: Job) -> None:
    """Count an accepted job against the asker's hour. One that is not counted has been accepted all the same."""
    with suppress(UserError):
        async with promptly():
            await services.policies.spend(asker.user.id, job.id)


async def set_policy(services: Services, by: str, **changes: bool | int) -> Policy:
    """Change what holds for everybody: `direct_messages`, `jobs_per_hour`. What holds then."""
    async with promptly():
        policy = replace(await services.policies.policy(), **changes)  # type: ignore[arg-type]
        await services.policies.set_policy(policy)
    for name, value in changes.items():
        await audit(services, by, "policy", name, str(value))
    return policy


async def ban(services: Services, by: str, subject: Subject, id: int, ban: Ban) -> None:
    """Let a user or a guild make no pictures any more."""
    async with promptly():
        await services.policies.ban(subject, id, ban)
    await audit(services, by, "ban", f"{subject} {id}", _why(ban))


async def unban(services: Services, by: str, subject: Subject, id: int) -> bool:
    """Lift a ban. False when there was none."""
    async with promptly():
        lifted = await services.policies.unban(subject, id)
    if lifted:
        await audit(services, by, "unban", f"{subject} {id}")
    return lifted


async def invite(services: Services, by: str, subject: Subject, id: int) -> None:
    """Let this one make pictures, and from the first one on nobody who is not invited."""
    async with promptly():
        await services.policies.invite(subject, id)
    await audit(services, by, "invite", f"{subject} {id}")


async def uninvite(services: Services, by: str, subject: Subject, id: int) -> bool:
    """Take an invitation back; when none is left, all may again. False when there was none."""
    async with promptly():
        taken = await services.policies.uninvite(subject, id)
    if taken:
        await audit(services, by, "uninvite", f"{subject} {id}")
    return taken


async def audit(services: Services, by: str, did: str, about: str, detail: str = "") -> None:
    """Remember what somebody with power did. The log has it too, so that a Redis that is away hides nothing."""
    log.info("audit", by=by, did=did, about=about, detail=detail)
    with suppress(UserError):
        async with promptly():
            await services.policies.note(by, did, about, detail)


def who(asker: Asker) -> str:
    """The asker, as the audit names people."""
    return f"user {asker.user.id}"


def _told(ban: Ban) -> dict[str, str]:
    """What a sentence about a ban needs, when there is a reason."""
    return {"reason": "because", "why": _why(ban)} if _why(ban) else {}


def _why(ban: Ban) -> str:
    if ban.until_ms is None:
        return ban.why
    until = datetime.fromtimestamp(ban.until_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{ban.why} (until {until})".strip()
