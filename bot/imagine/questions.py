"""The question before many jobs: how many, what they would make, how long it takes."""

from __future__ import annotations

from collections.abc import Sequence

from discord.utils import escape_markdown

from bot import limits
from bot.waiting.position import duration
from contract.actions import Button, ButtonStyle
from contract.locales import Book
from contract.messages import NOTICE_COLOUR, Embed
from service.accepting import Question

SHOWN_EXPANSIONS = 5
_SHOWN_LENGTH = 150


def question(words: Book, asked: Question, expansions: Sequence[str]) -> tuple[Embed, list[list[Button]]]:
    """The embed that asks, with Yes and No. `expansions` are the prompts in words."""
    count = len(asked.jobs)
    lines = [words.say("question.jobs", jobs=count, pictures=asked.pictures)]
    if asked.drawing_s is not None:
        lines[0] += " " + words.say("question.time", time=duration(words, asked.drawing_s))
    if asked.room is not None and count > asked.room:
        lines.append(words.say("question.room", room=asked.room))
    lines += [f"- {limits.fit(escape_markdown(text), _SHOWN_LENGTH)}" for text in expansions[:SHOWN_EXPANSIONS]]
    if len(expansions) > SHOWN_EXPANSIONS:
        lines.append(words.say("question.more", more=len(expansions) - SHOWN_EXPANSIONS))
    yes = words.say("question.yes", jobs=count)
    buttons = [
        Button(f"Easel::Pending::confirm::{asked.token}", yes, style=ButtonStyle.SUCCESS),
        Button(f"Easel::Pending::dismiss::{asked.token}", words.say("question.no")),
    ]
    return Embed(words.say("question.title"), "\n".join(lines), NOTICE_COLOUR), [buttons]
