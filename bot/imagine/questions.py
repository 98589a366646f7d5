"""The question before many jobs: how many, what they would make, at which cost."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot import limits
from contract.actions import Button, ButtonStyle
from contract.messages import NOTICE_COLOUR, Embed
from service.accepting import Question

SHOWN_EXPANSIONS = 5
_SHOWN_LENGTH = 150


def question(asked: Question, expansions: Sequence[str]) -> tuple[Embed, list[list[Button]]]:
    """The embed that asks, with Yes and No. `expansions` are the prompts in words."""
    count = len(asked.jobs)
    shown = [f"- {limits.fit(discord.utils.escape_markdown(text), _SHOWN_LENGTH)}" for text in expansions]
    if len(shown) > SHOWN_EXPANSIONS:
        shown[SHOWN_EXPANSIONS:] = [f"- … and {len(shown) - SHOWN_EXPANSIONS} more"]
    lines = [f"This makes **{count} jobs**, {asked.pictures} pictures, at a cost of {asked.cost:.3g} megapixel-steps."]
    buttons = [
        Button(f"Easel::Pending::confirm::{asked.token}", f"Yes, run {count} jobs", style=ButtonStyle.SUCCESS),
        Button(f"Easel::Pending::dismiss::{asked.token}", "No"),
    ]
    return Embed("Are you sure?", "\n".join([*lines, *shown]), NOTICE_COLOUR), [buttons]
