"""Every button that is about a job: one row each. What is sent, shown and understood is derived from this table.

The custom_ids are Midjourney's, because client libraries press buttons and send forms unseen. In a pattern `{number}`
is the picture, counted from 1, and `{job}` the job's id; what else a button says (a factor, a direction) is its
row's own `argument`. A row names the kind of job it makes; that kind reads picture and argument (`Request.derived`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum, StrEnum, unique

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


@dataclass(frozen=True, slots=True)
class Form:
    """What asks for other words before a job is made, when a person has Remix on.

    `pattern` is its custom_id, with the fields of a button's and two more: `{message}` is the message under which the
    button stands, `{strong}` is 1 when the person's variations are strong, else 0. `field` is the custom_id of its one
    text field, which holds the present words, and `added` behind them. `always` it opens for those without Remix too.
    `asks_where`: it also asks which part of the picture is meant.
    """

    pattern: str
    field: str
    added: str = ""
    always: bool = False
    asks_where: bool = False


class Under(StrEnum):
    """What a button stands under: sorts of results. A kind says which of them its result is."""

    GRID = "grid"
    SINGLE = "single"
    """One picture, at full size."""


SAME = "same"
"""In place of a kind: another job of the very request that this one has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of button. `label` may hold `{number}` as `pattern` does.

    It stands in line `line` (0 to 4) under results of the sort `under`, in the table's order, once for each picture
    when it is about one. `makes` is the kind of job that follows, `SAME` for the same request again, None when none
    does. `argument` tells buttons of one kind apart. `form` is None where no other words can be asked for.
    """

    pattern: str
    label: str | None = None
    emoji: str | None = None
    style: ButtonStyle = ButtonStyle.SECONDARY
    under: Under | None = None
    line: int = 0
    makes: str | None = None
    argument: str = ""
    form: Form | None = None


_OTHER_WORDS = Form("MJ::RemixModal::{job}::{number}::1", "MJ::RemixModal::new_prompt")
"""Clients send this one for every button about one picture that has none of its own."""


def _pan(direction: str, emoji: str) -> Row:
    return Row(
        f"MJ::JOB::pan_{direction}::{{number}}::{{job}}::SOLO",
        emoji=emoji,
        under=Under.SINGLE,
        line=3,
        makes="pan",
        argument=direction,
        form=Form(f"MJ::PanModal::{direction}::{{job}}::{{number}}", "MJ::PanModal::prompt"),
    )


@unique
class Action(Enum):
    """The table."""

    @property
    def about_one_picture(self) -> bool:
        """Whether the button says which picture it is about."""
        return "{number}" in self.value.pattern

    UPSCALE = Row("MJ::JOB::upsample::{number}::{job}", "U{number}", under=Under.GRID, makes="upscale")
    REROLL = Row(
        "MJ::JOB::reroll::0::{job}::SOLO",
        emoji="🔄",
        under=Under.GRID,
        makes=SAME,
        form=Form("MJ::ImagineModal::{message}", "MJ::ImagineModal::new_prompt"),
    )
    VARIATION = Row(
        "MJ::JOB::variation::{number}::{job}",
        "V{number}",
        under=Under.GRID,
        line=1,
        makes="variation",
        form=Form("MJ::RemixModal::{job}::{number}::{strong}", "MJ::RemixModal::new_prompt"),
    )
    UPSCALE_SUBTLE = Row(
        "MJ::JOB::upsample_v7_2x_subtle::{number}::{job}::SOLO",
        "Upscale (Subtle)",
        under=Under.SINGLE,
        makes="enlarge",
        argument="subtle",
    )
    UPSCALE_CREATIVE = Row(
        "MJ::JOB::upsample_v7_2x_creative::{number}::{job}::SOLO",
        "Upscale (Creative)",
        under=Under.SINGLE,
        makes="enlarge",
        argument="creative",
    )
    ZOOM_2 = Row(
        "MJ::Outpaint::50::{number}::{job}::SOLO",
        "Zoom Out 2x",
        "🔍",
        under=Under.SINGLE,
        line=2,
        makes="zoom",
        argument="2",
        form=_OTHER_WORDS,
    )
    ZOOM_1_5 = Row(
        "MJ::Outpaint::75::{number}::{job}::SOLO",
        "Zoom Out 1.5x",
        "🔍",
        under=Under.SINGLE,
        line=2,
        makes="zoom",
        argument="1.5",
        form=_OTHER_WORDS,
    )
    CUSTOM_ZOOM = Row(
        "MJ::CustomZoom::{job}",
        "Custom Zoom",
        "🔍",
        under=Under.SINGLE,
        line=2,
        makes="zoom",
        form=Form(
            "MJ::OutpaintCustomZoomModal::{job}", "MJ::OutpaintCustomZoomModal::prompt", added=" --zoom 2", always=True
        ),
    )
    MAKE_SQUARE = Row(
        "MJ::Outpaint::100::{number}::{job}::SOLO",
        "Make Square",
        "↕️",
        under=Under.SINGLE,
        line=2,
        makes="square",
        form=_OTHER_WORDS,
    )
    VARY_SUBTLE = Row(
        "MJ::JOB::low_variation::{number}::{job}::SOLO",
        "Vary (Subtle)",
        "🪄",
        under=Under.SINGLE,
        line=1,
        makes="variation",
        argument="subtle",
        form=Form("MJ::RemixModal::{job}::{number}::0", "MJ::RemixModal::new_prompt"),
    )
    VARY_STRONG = Row(
        "MJ::JOB::high_variation::{number}::{job}::SOLO",
        "Vary (Strong)",
        "🪄",
        under=Under.SINGLE,
        line=1,
        makes="variation",
        argument="strong",
        form=Form("MJ::RemixModal::{job}::{number}::1", "MJ::RemixModal::new_prompt"),
    )
    VARY_REGION = Row(
        "MJ::Inpaint::{number}::{job}::SOLO",
        "Vary (Region)",
        "🖌️",
        under=Under.SINGLE,
        line=1,
        makes="region",
        form=Form("MJ::InpaintModal::{job}::{number}", "MJ::InpaintModal::prompt", always=True, asks_where=True),
    )
    PAN_LEFT = _pan("left", "⬅️")
    PAN_RIGHT = _pan("right", "➡️")
    PAN_UP = _pan("up", "⬆️")
    PAN_DOWN = _pan("down", "⬇️")
    CANCEL = Row("MJ::CancelJob::ByJobid::{job}", "Cancel Job", style=ButtonStyle.DANGER)


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


@dataclass(frozen=True, slots=True)
class FormId:
    """What a form's custom_id says; `job` and `message_id` are None where it does not."""

    action: Action
    index: int | None
    job: JobId | None
    message_id: int | None


def custom_id(action: Action, index: int | None, job_id: JobId) -> str:
    """The custom_id of a button, at most 100 characters. `index` counts from 0."""
    return action.value.pattern.format(number=_shown(action, index), job=job_id)


def button(action: Action, index: int | None, job_id: JobId) -> Button:
    """The button that offers `action` on picture `index` of a job (from 0; None on the whole job)."""
    row = action.value
    label = row.label and row.label.format(number=_shown(action, index))
    return Button(custom_id(action, index, job_id), label, row.emoji, row.style)


def form_id(form: Form, button: ButtonId, message_id: int, *, strong: bool) -> str:
    """The custom_id of the form that `button`, under a message, opens."""
    number = _shown(button.action, button.index)
    return form.pattern.format(number=number, job=button.job, message=message_id, strong=int(strong))


def read_custom_id(text: str) -> ButtonId:
    """What the button with this custom_id asks for. UnknownButton when it is not one of ours."""
    for action, pattern in _BUTTONS.items():
        if found := pattern.fullmatch(text):
            fields = found.groupdict()
            return ButtonId(action, _index(fields), parse_job_id(fields["job"]))
    raise UnknownButton(text[:100])


def read_form_id(text: str) -> tuple[FormId, ...]:
    """The buttons that may have opened the form with this custom_id; the last of them says most. UnknownButton when
    the form is not one of ours.

    A form does not always tell which button opened it: clients send a remixed variation as strong, whatever it was.
    """
    found = [(action, pattern.fullmatch(text)) for action, pattern in _FORMS.items()]
    read = tuple(_form(action, match.groupdict()) for action, match in found if match)
    if not read:
        raise UnknownButton(text[:100])
    return read


def _form(action: Action, fields: Mapping[str, str]) -> FormId:
    job, message = fields.get("job"), fields.get("message")
    return FormId(action, _index(fields), parse_job_id(job) if job else None, int(message) if message else None)


def _index(fields: Mapping[str, str]) -> int | None:
    return int(fields["number"]) - 1 if "number" in fields else None


def _shown(action: Action, index: int | None) -> int | None:
    if index is None and action.about_one_picture:
        raise ValueError("this button is about one picture: it needs an index")
    return None if index is None else index + 1


_FIELDS = {
    "{number}": r"(?P<number>[1-4])",
    "{job}": r"(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",
    "{message}": r"(?P<message>\d{1,20})",
    "{strong}": r"(?P<strong>[01])",
}


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", lambda found: _FIELDS[found[0]], pattern))


def _any_of(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str]:
    return re.compile("|".join(re.sub(r"\?P<\w+>", "?:", pattern.pattern) for pattern in patterns))


_BUTTONS = {action: _regex(action.value.pattern) for action in Action}
_FORMS = {action: _regex(action.value.form.pattern) for action in Action if action.value.form is not None}

CUSTOM_ID = _any_of(_BUTTONS.values())
"""Every button of ours that is about a job."""
FORM_ID = _any_of(_FORMS.values())
"""Every form of ours that a button opens."""
