"""What a message of ours says of itself."""

from __future__ import annotations

import re

import discord

from contract.actions import Action, ButtonId, read_custom_id
from contract.errors import UnknownButton, UserError
from contract.ids import JobId
from service.follow_ups import Attachment, Posted

_MENTION = re.compile(r"<@!?(\d+)>(?!.*<@)", re.DOTALL)
"""The last mention in a message of ours is the person who asked; prompts come before it."""


def posted_of(message: discord.Message) -> Posted:
    """A message that the bot itself wrote."""
    attachment = message.attachments[0] if message.attachments else None
    embed = message.embeds[0] if message.embeds else None
    return Posted(
        message.id,
        message.content,
        attachment.description if attachment else None,
        embed.description if embed else None,
        embed.image.url if embed else None,
        _picture(attachment) if attachment else None,
    )


def _picture(file: discord.Attachment) -> Attachment | None:
    if file.width is None or file.height is None:
        return None
    return Attachment(file.url, file.width, file.height)


def button_under(message: discord.Message) -> ButtonId:
    """The first button of ours under a message: it says which job, and whether that is finished.

    UserError `no_job_here` when there is none.
    """
    for row in message.components:
        for component in getattr(row, "children", ()):
            try:
                return read_custom_id(getattr(component, "custom_id", None) or "")
            except UnknownButton:
                continue
    raise UserError("no_job_here")


def finished_under(message: discord.Message) -> JobId:
    """The finished job of a message of ours. UserError `no_job_here` when it has none."""
    button = button_under(message)
    if button.job is None or button.action is Action.CANCEL:
        raise UserError("no_job_here")
    return button.job


def owner_of(message: discord.Message) -> int | None:
    """The person who asked for the job of this message, by its own words, or by the command that it answers."""
    found = _MENTION.search(message.content)
    if found:
        return int(found[1])
    answered = message.interaction_metadata
    return None if answered is None else answered.user.id
