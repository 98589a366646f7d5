"""From a press on a finished picture to the next job."""

from __future__ import annotations

import asyncio

import discord
import structlog

from bot.client import EaselClient, Interaction
from bot.people import created_ms, destination_of, user_of
from bot.profiles import Profile
from contract import derive, lineage
from contract.actions import ButtonId
from contract.errors import MalformedDocument, NewerVersion, UserError
from contract.ids import JobId, model_fingerprint_of
from contract.jobs import Job, Press
from contract.prompt import Prompt

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MODEL_CHANGED = "The model has changed since, so the result may differ from what was shown."


async def job_behind(interaction: Interaction, id: JobId, message: discord.Message | None) -> Job:
    """The job of the message under which a button was pressed: from the store, else from the message alone.

    UserError when neither has it. Only a message that this bot wrote is believed.
    """
    me = interaction.client.user
    if message is None or me is None or message.author.id != me.id:
        raise UserError("unknown_button")
    recorded = await recorded_job(interaction.client, id)
    if recorded is not None:
        return recorded
    attachment = message.attachments[0] if message.attachments else None
    rebuilt = lineage.rebuild(
        id,
        message.content,
        attachment.description if attachment else None,
        user=user_of(interaction),
        destination=destination_of(interaction),
        created_ms=created_ms(interaction),
        versions=interaction.client.services.catalogue.versions,
    )
    log.info("rebuilt a job from its message", job_id=id)
    return rebuilt


async def recorded_job(client: EaselClient, id: JobId) -> Job | None:
    """The job as the image store keeps it; None when it does not, or cannot say."""
    try:
        return await asyncio.to_thread(client.services.images.get_record, id)
    except (MalformedDocument, NewerVersion, OSError) as error:
        log.warning("a record could not be read", job_id=id, error=str(error))
        return None


async def model_remark(client: EaselClient, made: Job, of: Job) -> str | None:
    """Said when `made` draws again what another model than the present one drew for `of`; None when all is as it was.

    A re-roll shows new pictures anyway, and an upscale shows the very picture as long as the store has it.
    """
    if model_fingerprint_of(of.id) == client.services.catalogue.named(made.model).fingerprint:
        return None
    if made.request.keeps_picture:
        drawn_again = not await asyncio.to_thread(_is_stored, client, made)
    else:
        drawn_again = bool(made.request.origin) and made.parent is not None and made.parent.index is not None
    return MODEL_CHANGED if drawn_again else None


def next_job(
    interaction: Interaction, button: ButtonId, job: Job, profile: Profile, prompt: Prompt | None = None
) -> Job:
    """The job that a press makes of `job`; with `prompt`, steered by other words.

    UserError when `job` has no such picture, or its model is no longer offered.
    """
    press = Press(
        interaction_id=interaction.id,
        fingerprint=interaction.client.services.catalogue.named(job.model).fingerprint,
        user=user_of(interaction),
        destination=destination_of(interaction, reply_to=interaction.message.id if interaction.message else None),
        created_ms=created_ms(interaction),
        speed=profile.speed,
        stealth=profile.stealth,
        strength=profile.strength,
        locale=str(interaction.locale),
    )
    return derive.next_job(job, button, press, prompt)


def _is_stored(client: EaselClient, job: Job) -> bool:
    try:
        return any(client.services.images.get_image(id, index) is not None for id, index in job.places(0))
    except OSError as error:
        log.warning("a picture could not be read", job_id=job.id, error=str(error))
        return False
