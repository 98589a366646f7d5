"""Finished jobs again: `/show` in a channel, ✉️ and `/prefer auto_dm` in direct messages."""

from __future__ import annotations

import asyncio
import io

import discord
import structlog

from bot.answering import NETWORK_ERRORS, promptly
from bot.client import EaselClient, Interaction
from bot.people import created_ms, destination_of, user_of
from bot.permissions import check_channel
from bot.profiles import profile_of
from bot.rendering import view_of
from bot.results.follow_ups import recorded_job
from bot.rules import enforce
from bot.waiting.submission import submit
from contract import derive, messages
from contract.errors import UserError
from contract.ids import JobId
from contract.jobs import Job, Press
from contract.lineage import caption
from exchange import preferences
from exchange.accounts import Entry

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def show_again(interaction: Interaction, id: JobId) -> None:
    """Post one of the caller's finished jobs here, with fresh buttons.

    From its message when that still stands; else it is drawn again, which gives the same pictures, as the same seed
    does. UserError when it is not theirs, or not known.
    """
    check_channel(interaction)
    client = interaction.client
    async with promptly():
        entry = await client.services.accounts.entry(interaction.user.id, id)
    job = await recorded_job(client, id)
    if job is None or (entry is None and job.user.id != interaction.user.id):
        raise UserError("no_such_job", job=id)
    await enforce(interaction, (await profile_of(interaction)).rules, [job])
    # Fetching and posting a large file can take longer than the three seconds an answer has.
    await interaction.response.defer(thinking=True)
    file = None if entry is None else await _posted_file(client, entry, job)
    if file is None:
        await _draw_again(interaction, job)
    else:
        await interaction.edit_original_response(
            content=messages.result(job), attachments=[file], view=view_of(messages.result_buttons(job))
        )


async def send_results(client: EaselClient, job: Job, user: discord.abc.Snowflake) -> None:
    """Send a person the pictures of their job one by one, with its id and seed, as a direct message.

    UserError when the store has no pictures of it, or the person takes no direct messages.
    """
    pictures = await asyncio.to_thread(_pictures, client, job)
    if not pictures:
        raise UserError("no_such_job", job=job.id)
    try:
        channel = await client.create_dm(user)
        files = [discord.File(io.BytesIO(data), f"{job.id}_{index}.png") for index, data in pictures]
        await channel.send(f"**{job.prompt.echo}**\n**Job ID**: {job.id}\n**seed** {job.seed}", files=files)
    except discord.Forbidden as error:
        raise UserError("no_direct_messages") from error


async def send_if_wanted(client: EaselClient, id: JobId) -> None:
    """`/prefer auto_dm`: a job's pictures are in the store. What stands in the way is logged; nobody asked just now."""
    try:
        async with promptly(10.0):
            job = await client.services.queue.accepted(id)
            if job is None or not client.serves(job.destination.guild_id):
                return
            wanted = await client.services.preferences.get(preferences.user(job.user.id), "auto_dm")
        if wanted is True:
            await send_results(client, job, discord.Object(job.user.id))
    except UserError as error:
        log.info("pictures could not be sent", job_id=id, kind=error.kind)
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.warning("pictures could not be sent", job_id=id, error=str(error))


async def _draw_again(interaction: Interaction, job: Job) -> None:
    profile = await profile_of(interaction)
    model = interaction.client.services.catalogue.named(job.model)
    press = Press(
        interaction_id=interaction.id,
        fingerprint=model.fingerprint,
        seed=job.seed,
        user=user_of(interaction),
        destination=destination_of(interaction),
        created_ms=created_ms(interaction),
        speed=profile.speed,
        stealth=profile.stealth,
        locale=str(interaction.locale),
    )
    await submit(interaction, derive.again(job, press))


async def _posted_file(client: EaselClient, entry: Entry, job: Job) -> discord.File | None:
    """The file of the message that was posted; None when it is gone."""
    try:
        message = await client.get_partial_messageable(entry.channel_id).fetch_message(entry.message_id)
        if not message.attachments:
            return None
        data = await message.attachments[0].read()
        return discord.File(io.BytesIO(data), message.attachments[0].filename, description=caption(job))
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        log.info("a posted message cannot be read", message_id=entry.message_id, error=str(error))
        return None


def _pictures(client: EaselClient, job: Job) -> list[tuple[int, bytes]]:
    """A job's pictures from the store, each from the first place that has it."""
    images = client.services.images
    found = []
    for index in range(job.image_count):
        files = (images.get_image(*place) for place in job.places(index))
        data = next((file for file in files if file is not None), None)
        if data is not None:
            found.append((index, data))
    return found
