"""What a message of ours says of itself."""

from __future__ import annotations

import re

import discord

from contract.actions import ButtonId, read_custom_id
from contract.errors import UnknownButton, UserError

_MENTION = re.compile(r"<@!?(\d+)>(?!.*<@)", re.DOTALL)
"""The last mention in a message of ours is the person who asked; prompts come before it."""


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


def owner_of(message: discord.Message) -> int | None:
    """The person who asked for the job of this message, by its own words."""
    found = _MENTION.search(message.content)
    return int(found[1]) if found else None
