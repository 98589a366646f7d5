"""What a worker would have done: finished messages and records, made without one."""

from __future__ import annotations

import io
from collections.abc import Sequence

import discord
from simcord.builders import ChannelHandle
from simcord.env import Env

from bot.rendering import embed_of, view_of
from contract import messages
from contract.actions import Line
from contract.codec import job_document
from contract.ids import JobId
from contract.jobs import Job
from contract.lineage import caption
from service.services import Services

REROLL_PROMPT, VARIATION_PROMPT = "MJ::ImagineModal::new_prompt", "MJ::RemixModal::new_prompt"
"""The text fields of Midjourney's forms, which clients fill in unseen."""


async def accepted_job(services: Services, user_id: int, *, other_than: JobId | None = None) -> Job:
    """The one job of this user in the queue (besides one that is known already)."""
    [job_id] = [id for id in await services.queue.of_user(user_id) if id != other_than]
    job = await services.queue.accepted(job_id)
    assert job is not None
    return job


async def post_result(
    env: Env,
    channel: ChannelHandle,
    job: Job,
    *,
    description: bool = True,
    answers: discord.Message | None = None,
    buttons: Sequence[Line] | None = None,
) -> discord.Message:
    """The finished message of `job`, posted by the bot's account as a worker does, as an answer to `answers`; with
    other `buttons` than it has today, as an older version left it."""
    file = discord.File(
        io.BytesIO(b"\x89PNG\r\n\x1a\n"),
        messages.file_name(job, "png"),
        description=caption(job) if description else None,
    )
    target = env.bot.get_partial_messageable(channel.id)
    view = view_of(messages.result_buttons(job) if buttons is None else buttons)
    if answers is None:
        return await target.send(messages.result(job), file=file, view=view)
    return await target.send(messages.result(job), file=file, view=view, reference=answers)


async def post_texts(env: Env, channel: ChannelHandle, job: Job, texts: Sequence[str]) -> discord.Message:
    """The finished message of a job of texts, posted by the bot's account as a worker does."""
    embed = embed_of(messages.told(job, texts, [1.0] * len(job.prompt.text.split()), "https://example.org/a.png"))
    view = view_of(messages.result_buttons(job, texts=len(texts)))
    return await env.bot.get_partial_messageable(channel.id).send(embed=embed, view=view)


def store_record(services: Services, job: Job) -> None:
    """The record that lies beside a finished job's pictures."""
    services.images.put_record(job_document(job))
