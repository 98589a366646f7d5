"""Finished jobs again: `/show` in a channel, ✉️ and `/prefer auto_dm` in direct messages."""

from __future__ import annotations

import io

import discord
import structlog
from discord import app_commands

from bot.answering import NETWORK_ERRORS
from bot.calls import Call, answered
from bot.client import EaselClient
from bot.rendering import view_of
from bot.waiting.submission import submit
from contract import messages
from contract.errors import UserError
from contract.ids import JobId, nonce, parse_job_id
from contract.jobs import Job, channel_of
from contract.lineage import caption
from contract.locales import english
from exchange import preferences
from exchange.delivery import MessageRef
from service.accepting import permit, permit_directly
from service.asker import Asker
from service.budget import promptly
from service.follow_ups import again
from service.pictures import Screened, own_finished_job, screened, stored_pictures
from service.profiles import profile_of

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@app_commands.command(description=english("command.show"))
@app_commands.describe(job_id=english("option.show.job_id"))
@answered(ephemeral=False, deferred=True)
async def show(call: Call, job_id: str) -> None:
    """Post a finished job of the caller's again, with fresh buttons.

    From its message when that still stands; else it is drawn again, which gives the same pictures, as the same seed
    does.
    """
    call.typed = f"/show {job_id}"
    call.check_channel()
    job, entry = await own_finished_job(call.services, call.asker, read_job_id(job_id))
    await post_again(call, job, None if entry is None else MessageRef(entry.channel_id, entry.message_id))


async def post_again(call: Call, job: Job, message: MessageRef | None) -> None:
    """Post a finished job where the asker is, in place of a deferred answer. `message` is where it was posted.

    What nobody has looked at, where it has to be looked at, is drawn again, which is the long way past the screen.
    Texts are found once more: the same seed finds the same.
    """
    shown = await screened(call.services, job.id, await permit(call.services, call.asker, job))
    if shown is Screened.REFUSED:
        raise UserError("picture_refused")
    file = None
    if job.image_count and message is not None and shown is not Screened.UNKNOWN:
        file = await _posted_file(call.client, message, job, veiled=shown is Screened.VEILED)
    if file is None:
        await submit(call, again(call.services, call.asker, job, await profile_of(call.services, call.asker)))
    else:
        await _post(call, job, file)
        await call.take_away()


def read_job_id(text: str) -> JobId:
    """The id of a job as a person types it. UserError `no_such_job` when it is none."""
    try:
        return parse_job_id(text.strip().lower())
    except ValueError:
        raise UserError("no_such_job", job=text[:60]) from None


async def send_results(client: EaselClient, job: Job, asker: Asker) -> None:
    """Send a person the pictures of their job one by one, with its id and seed, as a direct message.

    UserError when the store has no pictures of it, they may not be shown there, or the person takes no direct messages.
    """
    shown = await screened(client.services, job.id, await permit_directly(client.services, asker, job))
    if shown in (Screened.REFUSED, Screened.UNKNOWN):
        raise UserError("picture_refused")
    veiled = shown is Screened.VEILED
    pictures = await stored_pictures(client.services, job)
    if not pictures:
        raise UserError("no_such_job", job=job.id)
    try:
        channel = await client.create_dm(discord.Object(asker.user.id))
        files = [discord.File(io.BytesIO(data), f"{job.id}_{i}.png", spoiler=veiled) for i, data in pictures]
        await channel.send(f"**{job.prompt.echo}**\n**Job ID**: {job.id}\n**seed** {job.seed}", files=files)
    except discord.Forbidden as error:
        raise UserError("no_direct_messages") from error


async def send_texts(client: EaselClient, message: discord.Message, asker: Asker) -> None:
    """Send a person the texts of this message as a direct message. UserError when they take none.

    Of texts nothing else is kept, and no button goes along: an answer to it would belong to the channel.
    """
    try:
        channel = await client.create_dm(discord.Object(asker.user.id))
        await channel.send(message.content, embeds=message.embeds)
    except discord.Forbidden as error:
        raise UserError("no_direct_messages") from error


async def send_if_wanted(client: EaselClient, id: JobId) -> None:
    """`/prefer auto_dm`: a job's pictures are in the store. What stands in the way is logged; nobody asked just now."""
    try:
        async with promptly():
            job = await client.services.queue.accepted(id)
            if job is None or not client.serves(job.destination.guild_id):
                return
            wanted = await client.services.preferences.get(preferences.user(job.user.id), "auto_dm")
        if wanted is True:
            await send_results(client, job, Asker(user=job.user, destination=job.destination, asked_ms=0, key=0))
    except UserError as error:
        log.info("pictures could not be sent", job_id=id, kind=error.kind)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("pictures could not be sent", job_id=id, error=str(error))


async def _post(call: Call, job: Job, file: discord.File) -> None:
    """Post a finished job as a message of its own, which clients wait for, once however often it is tried."""
    channel = call.client.get_partial_messageable(channel_of(call.asker.destination).channel_id)
    await channel.send(
        messages.result(job),
        file=file,
        view=view_of(messages.result_buttons(job, call.services.catalogue.honours(job.model))),
        nonce=nonce(JobId(f"show-{call.asker.key}")),
    )


async def _posted_file(client: EaselClient, at: MessageRef, job: Job, *, veiled: bool) -> discord.File | None:
    """The file of the message that was posted; None when it is gone."""
    try:
        message = await client.get_partial_messageable(at.channel_id).fetch_message(at.message_id)
        if not message.attachments:
            return None
        data = await message.attachments[0].read()
        name = message.attachments[0].filename.removeprefix(messages.VEIL)
        return discord.File(io.BytesIO(data), name, description=caption(job), spoiler=veiled)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a posted message cannot be read", message_id=at.message_id, error=str(error))
        return None
