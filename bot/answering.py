"""What the person who asked gets to see when a command or press ends otherwise than planned."""

from __future__ import annotations

from collections.abc import Iterable

import aiohttp
import discord
import structlog

from bot.rendering import embed_of, view_of
from contract.actions import Button, ButtonStyle, Menu
from contract.errors import UserError
from contract.events import Observer, Refused
from contract.locales import Book, book
from contract.messages import refusal
from contract.sentences import describe
from service.accepting import Held

log: structlog.stdlib.BoundLogger = structlog.get_logger()

NETWORK_ERRORS = (OSError, aiohttp.ClientError, discord.RateLimited)
"""What a request to Discord raises when it got no answer at all, or would have had to wait too long to be sent."""

UNKNOWN_INTERACTION = 10062
"""Discord's code for an answer that came after its three seconds."""

_TOO_LATE = frozenset({10015, UNKNOWN_INTERACTION, 40060})
"""Discord's codes for an interaction that has expired or was answered before: no word about what was to be said."""


def is_refusal(error: Exception) -> bool:
    """Whether Discord does not take what was to be posted: the thread is locked, AutoMod stands in the way.

    An answer without a code is a proxy's page or the like, which says nothing of it.
    """
    return (
        isinstance(error, discord.HTTPException)
        and error.status < 500
        and error.code != 0
        and error.code not in _TOO_LATE
    )


_FOR_THE_CALLER_ONLY = frozenset(
    {
        "action_needed",
        "answer_refused",
        "banned",
        "case_decided",
        "case_open",
        "channel_not_allowed",
        "cooldown",
        "direct_messages_off",
        "guild_banned",
        "guild_not_invited",
        "newcomers_elsewhere",
        "no_permission",
        "no_review_channel",
        "not_a_moderator",
        "not_invited",
        "not_your_job",
        "queue_unreachable",
        "rate_limited",
        "request_expired",
        "speed_off",
        "store_unreachable",
        "unknown_button",
        "used_up",
    }
)
"""Kinds that concern nobody else in the channel, whatever the command. A bad prompt is shown to all, as Midjourney
does: others learn from it, and clients that read the channel's history find it."""


async def explain(
    interaction: discord.Interaction,
    error: Exception,
    observe: Observer,
    *,
    command: str | None = None,
    ephemeral: bool = False,
) -> None:
    """Say what became of a command, press or form that raised `error`.

    A UserError is shown as it is; anything else is logged whole, and the person gets an apology with a number.
    `command` is what the footer repeats, such as `/imagine a fox`; `ephemeral` shows the refusal to the caller only.
    """
    if isinstance(error, UserError):
        observe(Refused(interaction.user.id, error.kind))
        rows = _ways_on(error, book(str(interaction.locale)))
        await refuse(interaction, error, command=command, ephemeral=ephemeral, rows=rows)
    elif isinstance(error, discord.NotFound) and error.code == UNKNOWN_INTERACTION:
        log.warning("answered too late", created_at=interaction.created_at.isoformat())
    else:
        log.error("command failed", exc_info=error)
        await refuse(interaction, UserError("job_failed"), command=f"Interaction {interaction.id}", ephemeral=True)


def _ways_on(error: UserError, words: Book) -> list[list[Button]]:
    """The button under a refusal that leaves a way on. Clients press the first one that asks whether it is meant."""
    match error:
        case Held(appeals=False, token=token):
            go_on = Button(f"MJ::Prompts::Appeal::{token}", words.say("prompt.go_on"), style=ButtonStyle.DANGER)
            return [[go_on]]
        case Held(token=token):
            return [[Button(f"Easel::Appeal::prompt::{token}", words.say("prompt.appeal"))]]
        case _:
            return []


async def refuse(
    interaction: discord.Interaction,
    error: UserError,
    *,
    command: str | None = None,
    ephemeral: bool = False,
    rows: Iterable[Iterable[Button | Menu]] = (),
    below: tuple[str, str] | None = None,
) -> None:
    """Say why not, as a red embed in the interaction's own answer (or after it, when that is already given). `below`
    is a heading and what stands under it, in markdown.

    It never raises for what Discord says to it: there is nobody left to tell, so the log gets it.
    """
    ephemeral = ephemeral or error.kind in _FOR_THE_CALLER_ONLY
    embed = embed_of(refusal(*describe(error, str(interaction.locale)), command))
    if below is not None:
        embed.add_field(name=below[0], value=below[1])
    view = view_of(rows)
    try:
        if interaction.response.is_done():
            await interaction.followup.send(embed=embed, view=view, ephemeral=ephemeral)
        else:
            await interaction.response.send_message(embed=embed, view=view, ephemeral=ephemeral)
    except (discord.HTTPException, *NETWORK_ERRORS) as problem:
        log.warning("a refusal could not be shown", kind=error.kind, problem=str(problem))
