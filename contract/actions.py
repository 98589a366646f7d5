"""Every button that is about a job: one row each. What is sent, shown and understood is derived from this table.

The custom_ids are Midjourney's, because client libraries press them unseen. In a pattern `{number}` is the picture,
counted from 1, and `{job}` the job's id; whatever else a button says (a factor, a direction) is its row's own
`argument`. A row names the kind of job it makes; that kind reads picture and argument (`Request.derived`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, IntEnum, unique

from contract.errors import UnknownButton
from contract.ids import JobId, parse_job_id


class ButtonStyle(IntEnum):
    """Discord's button styles that we use."""

    PRIMARY = 1
    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4


@dataclass(frozen=True, slots=True)
class Button:
    """One button as data; the sender turns it into the library's own."""

    custom_id: str
    label: str | None = None
    emoji: str | None = None
    style: ButtonStyle = ButtonStyle.SECONDARY


SAME = "same"
"""In place of a kind: another job of the very request that this one has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of button. `label` may hold `{number}` as `pattern` does.

    `makes` is the kind of job that follows, `SAME` for the same request again, None when none does. `remixable` ones
    ask for other words first when a person has Remix on. `argument` tells buttons of one kind apart.
    """

    pattern: str
    label: str | None = None
    emoji: str | None = None
    style: ButtonStyle = ButtonStyle.SECONDARY
    makes: str | None = None
    argument: str = ""
    remixable: bool = False


@unique
class Action(Enum):
    """The table."""

    UPSCALE = Row("MJ::JOB::upsample::{number}::{job}", "U{number}", makes="upscale")
    REROLL = Row("MJ::JOB::reroll::0::{job}::SOLO", emoji="🔄", makes=SAME, remixable=True)
    VARIATION = Row("MJ::JOB::variation::{number}::{job}", "V{number}", makes="variation", remixable=True)
    VARY_SUBTLE = Row(
        "MJ::JOB::low_variation::{number}::{job}::SOLO",
        "Vary (Subtle)",
        "🪄",
        makes="variation",
        argument="subtle",
        remixable=True,
    )
    VARY_STRONG = Row(
        "MJ::JOB::high_variation::{number}::{job}::SOLO",
        "Vary (Strong)",
        "🪄",
        makes="variation",
        argument="strong",
        remixable=True,
    )
    CANCEL = Row("MJ::CancelJob::ByJobid::{job}", "Cancel Job", style=ButtonStyle.DANGER)


@dataclass(frozen=True, slots=True)
class Choice:
    """A button as a kind offers it under its result; `index` is the picture, from 0, None for the whole job."""

    action: Action
    index: int | None = None


@dataclass(frozen=True, slots=True)
class ButtonId:
    """What a custom_id says: the action, the picture it is about (from 0; None for the whole job) and the job."""

    action: Action
    index: int | None
    job: JobId

    @property
    def picture(self) -> int:
        """`index`, of a button that is about one picture. ValueError for one that is about the whole job."""
        if self.index is None:
            raise ValueError(f"{self.action.name} is about a whole job, not one of its pictures")
        return self.index


def custom_id(action: Action, index: int | None, job_id: JobId) -> str:
    """The custom_id of a button, at most 100 characters. `index` counts from 0."""
    return action.value.pattern.format(number=_shown(action, index), job=job_id)


def button(choice: Choice, job_id: JobId) -> Button:
    """The button that offers `choice` for a job."""
    row, number = choice.action.value, _shown(choice.action, choice.index)
    label = row.label and row.label.format(number=number)
    return Button(custom_id(choice.action, choice.index, job_id), label, row.emoji, row.style)


def read_custom_id(text: str) -> ButtonId:
    """What the button with this custom_id asks for. UnknownButton when it is not one of ours."""
    for action, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(text):
            fields = found.groupdict()
            index = int(fields["number"]) - 1 if "number" in fields else None
            return ButtonId(action, index, parse_job_id(fields["job"]))
    raise UnknownButton(text[:100])


def _shown(action: Action, index: int | None) -> int | None:
    if index is None and "{number}" in action.value.pattern:
        raise ValueError("this button is about one picture: it needs an index")
    return None if index is None else index + 1


_FIELDS = {
    "{number}": r"(?P<number>[1-4])",
    "{job}": r"(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",
}


def _regex(pattern: str) -> str:
    return re.sub(r"\{\w+\}", lambda found: _FIELDS[found[0]], pattern)


_PATTERNS = {action: re.compile(_regex(action.value.pattern)) for action in Action}

CUSTOM_ID = re.compile("|".join(re.sub(r"\?P<\w+>", "?:", pattern.pattern) for pattern in _PATTERNS.values()))
"""Every button of ours that is about a job, for `discord.ui.DynamicItem`."""
