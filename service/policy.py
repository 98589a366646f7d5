"""The operator's policy: what it says of somebody who wants pictures, and how it is changed. Changes are audited."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from contract.errors import UserError
from contract.jobs import DiscordChannel, Job
from contract.moderation import Blocked, Weighed
from exchange.policies import OPERATOR, Verdict
from exchange.policy import Ban, Policy, Subject
from exchange.quotas import Layer, Whose, limits_in_words
from service.asker import Asker
from service.budget import promptly
from service.quotas import check_quota, check_speeds
from service.services import Services

__all__ = ["OPERATOR"]

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def verdict(services: Services, asker: Asker) -> Verdict:
    """What the policy says of the asker now. UserError when it cannot be asked in time."""
    async with promptly():
        return await services.policies.verdict(asker.user.id, asker.guild_id, asker.roles)


def judge(verdict: Verdict, asker: Asker, jobs: Sequence[Job]) -> None:
    """UserError when the asker may make no pictures here, or these jobs not now."""
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
    drawn = [job for job in jobs if not job.request.keeps_picture]
    if drawn:
        check_speeds(verdict.policy, drawn)
        check_quota(verdict, asker, drawn)


async def set_policy(services: Services, by: str, **changes: bool | int | float | Weighed) -> Policy:
    """Change what holds for everybody, by the fields of a `Policy`. What holds then."""
    async with promptly():
        policy = await services.policies.set_policy(changes)
    for name, value in changes.items():
        await audit(services, by, "policy", name, shown(value))
    return policy


async def block_word(services: Services, by: str, entry: Blocked) -> None:
    """Let a word have a weight everywhere."""
    async with promptly():
        await services.policies.block_word(entry)
    await audit(services, by, "word", entry.word, str(entry.weight))


async def unblock_word(services: Services, by: str, word: str) -> bool:
    """Take a word off the operator's list. False when it was not on it."""
    async with promptly():
        taken = await services.policies.unblock_word(word)
    if taken:
        await audit(services, by, "word", word, "off the list")
    return taken


async def set_quota(
    services: Services, by: str, whose: Whose, id: int, changes: Layer, *, clear: Sequence[str] = ()
) -> Layer:
    """Change what a person, a role or everybody may make; None is any amount, and what is in `clear` is not said of
    them any more. What is said of them then."""
    async with promptly():
        layer = await services.quotas.set(whose, id, changes, clear=clear)
    about = str(whose) if whose is Whose.EVERYONE else f"{whose} {id}"
    await audit(services, by, "quota", about, limits_in_words(layer))
    return layer


async def ban(services: Services, by: str, subject: Subject, id: int, ban: Ban) -> None:
    """Let a user or a guild make no pictures any more."""
    async with promptly():
        await services.policies.ban(subject, id, ban)
    await audit(services, by, "ban", f"{subject} {id}", _why(ban))


async def time_out(services: Services, by: str, user_id: int, ban: Ban) -> None:
    """Let a user make no pictures for a while; a ban that lasts longer stays as it is."""
    async with promptly():
        changed = await services.policies.time_out(user_id, ban)
    if changed:
        await audit(services, by, "time-out", f"user {user_id}", _why(ban))


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


def shown(value: object) -> str:
    """A value of the policy, as operators read and write it."""
    return ("on" if value else "off") if isinstance(value, bool) else str(value)


def _told(ban: Ban) -> dict[str, str]:
    """What a sentence about a ban needs, when there is a reason."""
    return {"reason": "because", "why": _why(ban)} if _why(ban) else {}


def moment(ms: int) -> str:
    """Unix milliseconds as operators read them: `2026-11-27 06:54 UTC`."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _why(ban: Ban) -> str:
    if ban.until_ms is None:
        return ban.why
    until = moment(ban.until_ms)
    return f"{ban.why} (until {until})".strip()
