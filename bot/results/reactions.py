"""What people do with messages of ours: ❌ ends or deletes, ✉️ sends the pictures. By reaction and by message menu."""

from __future__ import annotations

from dataclasses import dataclass

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.askers import asker_of_reaction
from bot.calls import Call, answered
from bot.client import EaselClient
from bot.results.again import send_results
from bot.results.posted import button_under, owner_of
from contract.actions import Action
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Destination, User
from service.asker import Asker
from service.cancelling import cancel
from service.pictures import forget, recorded_job
from service.rights import Owned, may_act

log: structlog.stdlib.BoundLogger = structlog.get_logger()

CROSS, ENVELOPE = "❌", "✉️"


async def reacted(client: EaselClient, payload: discord.RawReactionActionEvent) -> None:
    """❌ and ✉️ under our messages, by their owners; ❌ also by those who may delete messages."""
    emoji = str(payload.emoji)
    me = client.user
    if emoji not in (CROSS, ENVELOPE, "✉") or me is None or payload.user_id == me.id:
        return
    if payload.message_author_id not in (None, me.id):
        return
    try:
        message = await client.get_partial_messageable(payload.channel_id).fetch_message(payload.message_id)
        if message.author.id != me.id:
            return
        await (end if emoji == CROSS else send)(client, message, asker_of_reaction(client, payload))
    except UserError as error:
        log.info("a reaction was refused", kind=error.kind, user_id=str(payload.user_id))
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a reaction could not be followed", error=str(error), message_id=str(payload.message_id))


async def end(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Cancel the running job of this message, or delete the finished one with its pictures and records.

    UserError when it is not theirs, or no message of a job.
    """
    button = button_under(message)
    if button.action is Action.CANCEL:
        await cancel(client.services, asker, button.job)
        await client.waiting.finish(button.job)
        return
    job = await _behind(client, asker, message, button.job)
    if not may_act(asker, job):
        raise UserError("not_your_job")
    await message.delete()
    await forget(client.services, asker, button.job, job.user.id)
    log.info("deleted", job_id=button.job, by=str(asker.user.id))


async def send(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Send the pictures of this message's job to its owner. UserError when it is not theirs, or they are gone."""
    button = button_under(message)
    if (await _behind(client, asker, message, button.job)).user.id != asker.user.id:
        raise UserError("not_your_job")
    job = await recorded_job(client.services, button.job)
    if job is None:
        raise UserError("no_such_job", job=button.job)
    await send_results(client, job, discord.Object(asker.user.id))


@dataclass(frozen=True, slots=True)
class _Message:
    """Whose a message of ours is, and where, by its own words: what is left of a job whose record is gone."""

    user: User
    destination: Destination


async def _behind(client: EaselClient, asker: Asker, message: discord.Message, id: JobId) -> Owned:
    """The job of a message that stands where the asker is, or what the message says of it."""
    recorded = await recorded_job(client.services, id)
    if recorded is not None:
        return recorded
    return _Message(User(owner_of(message) or 0, ""), asker.destination)


@answered(deferred=True)
async def end_by_menu(call: Call, message: discord.Message) -> None:
    """Apps → Cancel Job: the same as ❌."""
    if not call.is_ours(message):
        raise UserError("no_job_here")
    await end(call.client, message, call.asker)
    await call.say(call.words.say("menu_done.cancel"))


@answered(deferred=True)
async def send_by_menu(call: Call, message: discord.Message) -> None:
    """Apps → DM Results: the same as ✉️."""
    if not call.is_ours(message):
        raise UserError("no_job_here")
    await send(call.client, message, call.asker)
    await call.say(call.words.say("menu_done.sent"))
