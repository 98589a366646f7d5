"""What the person who asked gets to see when a command or press ends otherwise than planned."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import aiohttp
import discord
import redis.exceptions
import structlog

from bot.rendering import embed_of, view_of
from contract.actions import Button
from contract.errors import UserError
from contract.messages import refusal
from contract.sentences import describe

log: structlog.stdlib.BoundLogger = structlog.get_logger()

NETWORK_ERRORS = (OSError, aiohttp.ClientError, discord.RateLimited)
"""What a request to Discord raises when it got no answer at all, or would have had to wait too long to be sent."""

UNKNOWN_INTERACTION = 10062
"""Discord's code for an answer that came after its three seconds."""


BUDGET_S = 2.3
"""How long a command may take before its answer, of Discord's three seconds: the answer has to arrive as well."""

_deadline_s: ContextVar[float] = ContextVar("deadline_s")

_FOR_THE_CALLER_ONLY = frozenset(
    {
        "channel_not_allowed",
        "newcomers_elsewhere",
        "no_permission",
        "not_your_job",
        "queue_unreachable",
        "request_expired",
        "unknown_button",
    }
)
"""Kinds that concern nobody else in the channel, whatever the command. A bad prompt is shown to all, as Midjourney
does: others learn from it, and clients that read the channel's history find it."""


@asynccontextmanager
async def answering(
    interaction: discord.Interaction, command: str | None = None, *, ephemeral: bool = False
) -> AsyncIterator[None]:
    """Run a command or press inside this: whatever goes wrong is said in the interaction's own answer.

    A UserError is shown as it is; anything else is logged whole, and the person gets an apology with a number.
    `command` is what the footer repeats, such as `/imagine a fox`; `ephemeral` shows the refusal to the caller only.
    """
    _deadline_s.set(asyncio.get_running_loop().time() + BUDGET_S)
    with structlog.contextvars.bound_contextvars(interaction_id=str(interaction.id)):
        try:
            yield
        except UserError as error:
            log.info("refused", kind=error.kind, user_id=str(interaction.user.id))
            await refuse(interaction, error, command=command, ephemeral=ephemeral)
        except Exception as error:
            if isinstance(error, discord.NotFound) and error.code == UNKNOWN_INTERACTION:
                log.warning("answered too late", created_at=interaction.created_at.isoformat())
                return
            log.exception("command failed")
            await refuse(interaction, UserError("job_failed"), command=f"Interaction {interaction.id}", ephemeral=True)


@asynccontextmanager
async def promptly(limit_s: float | None = None) -> AsyncIterator[None]:
    """Ask Redis inside this: UserError `queue_unreachable` when it does not answer in time.

    Its client is patient, for a restart of Redis must not lose a thing; a person has three seconds in all. Without
    `limit_s` it is what `answering` has left; after an answer, or where nobody waits, give one.
    """
    now_s = asyncio.get_running_loop().time()
    until_s = _deadline_s.get(now_s + BUDGET_S) if limit_s is None else now_s + limit_s
    try:
        async with asyncio.timeout_at(until_s):
            yield
    except (TimeoutError, redis.exceptions.RedisError) as error:
        log.error("the queue cannot be reached", error=type(error).__name__)
        raise UserError("queue_unreachable") from error


async def refuse(
    interaction: discord.Interaction,
    error: UserError,
    *,
    command: str | None = None,
    ephemeral: bool = False,
    rows: Iterable[Iterable[Button]] = (),
) -> None:
    """Say why not, as a red embed in the interaction's own answer (or after it, when that is already given).

    It never raises for what Discord says to it: there is nobody left to tell, so the log gets it.
    """
    ephemeral = ephemeral or error.kind in _FOR_THE_CALLER_ONLY
    embed = embed_of(refusal(*describe(error, str(interaction.locale)), command))
    view = view_of(rows)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(embed=embed, view=view, ephemeral=ephemeral)
        else:
            await interaction.response.send_message(embed=embed, view=view, ephemeral=ephemeral)
    except (discord.HTTPException, *NETWORK_ERRORS) as problem:
        log.warning("a refusal could not be shown", kind=error.kind, problem=str(problem))
