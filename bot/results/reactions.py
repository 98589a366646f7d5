"""What people do with messages of ours: ❌ ends or deletes, ✉️ sends the results, ❤️ and ⭐ remember them. By reaction,
and the first two by message menu.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import discord
import structlog

from bot.answering import NETWORK_ERRORS
from bot.askers import asker_of_reaction
from bot.calls import Call, answered
from bot.client import EaselClient
from bot.results.again import send_results, send_texts
from bot.results.posted import button_under, finished_under, owner_of, posted_of
from contract.actions import Action
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Destination, User
from exchange.delivery import MessageRef
from service.asker import Asker
from service.cancelling import cancel
from service.favourites import mark, unmark
from service.pictures import forget, recorded_job
from service.rights import Owned, may_act

log: structlog.stdlib.BoundLogger = structlog.get_logger()

Follow = Callable[[EaselClient, discord.Message, Asker], Awaitable[None]]


async def reacted(client: EaselClient, payload: discord.RawReactionActionEvent) -> None:
    """❌ and ✉️ under our messages, by their owners; ❌ also by those who may delete messages. ❤️ and ⭐ by anybody."""
    await _follow(client, payload, _GIVEN)


async def unreacted(client: EaselClient, payload: discord.RawReactionActionEvent) -> None:
    """❤️ and ⭐ that are taken back."""
    await _follow(client, payload, _TAKEN_BACK)


async def _follow(client: EaselClient, payload: discord.RawReactionActionEvent, meanings: Mapping[str, Follow]) -> None:
    # Some clients send an emoji without the mark that says that it is to be drawn in colour.
    follow = meanings.get(str(payload.emoji).removesuffix("\N{VARIATION SELECTOR-16}"))
    me = client.user
    if follow is None or me is None or payload.user_id == me.id:
        return
    if payload.message_author_id not in (None, me.id):
        return
    try:
        message = await client.get_partial_messageable(payload.channel_id).fetch_message(payload.message_id)
        if message.author.id != me.id:
            return
        await follow(client, message, asker_of_reaction(client, payload))
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
        await cancel(client.services, asker, button.job_id)
        await client.waiting.finish(button.job_id)
        return
    job = await _behind(client, asker, message, button.job)
    if not may_act(asker, job):
        raise UserError("not_your_job")
    await message.delete()
    if button.job is not None:  # of texts nothing is kept that leads to them
        await forget(client.services, asker, button.job, job.user.id)
    log.info("deleted", job_id=button.job, message_id=str(message.id), by=str(asker.user.id))


async def send(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Send what this message's job made to its owner: pictures, or texts as they stand in it.

    UserError when it is not theirs, or the pictures are gone.
    """
    button = button_under(message)
    if (await _behind(client, asker, message, button.job)).user.id != asker.user.id:
        raise UserError("not_your_job")
    if button.job is None:
        await send_texts(client, message, asker)
        return
    job = await recorded_job(client.services, button.job_id)
    if job is None:
        raise UserError("no_such_job", job=button.job_id)
    await send_results(client, job, asker)


async def remember(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Put this message's job among the asker's favourites. UserError when it has none that is finished."""
    place = MessageRef(message.channel.id, message.id)
    await mark(client.services, asker, finished_under(message), posted_of(message), place)


async def forget_mark(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Take it out of them again."""
    await unmark(client.services, asker, finished_under(message))


_GIVEN: Mapping[str, Follow] = {"❌": end, "✉": send, "❤": remember, "⭐": remember}
_TAKEN_BACK: Mapping[str, Follow] = {"❤": forget_mark, "⭐": forget_mark}


@dataclass(frozen=True, slots=True)
class _Message:
    """Whose a message of ours is, and where, by its own words: what is left of a job whose record is gone."""

    user: User
    destination: Destination


async def _behind(client: EaselClient, asker: Asker, message: discord.Message, id: JobId | None) -> Owned:
    """The job of a message that stands where the asker is, or what the message says of it."""
    recorded = None if id is None else await recorded_job(client.services, id)
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
