"""Every button that is about a job: one row each. What is sent, shown and understood is derived from this table.

The custom_ids are Midjourney's, because client libraries press buttons and send forms unseen. In a pattern `{number}`
is the picture, counted from 1, `{text}` one of the texts of a message, and `{job}` the job's id, which buttons under
texts do not have; what else a button says (a factor, a direction) is its row's own `argument`. A row names the kind of
job it makes; that kind reads picture and argument (`Request.derived`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, IntEnum, auto, unique

from contract.errors import UnknownButton, UserError
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
class Menu:
    """A menu to choose one of `options` from; the one in place n, from 0, has the value `str(n + 1)`."""

    custom_id: str
    placeholder: str
    options: tuple[str, ...]


Line = tuple[Button | Menu, ...]
"""What stands beside each other under a message: buttons, or one menu."""


@dataclass(frozen=True, slots=True)
class Form:
    """What asks for other words before a job is made, when a person has Remix on.

    `pattern` is its custom_id, with the fields of a button's and two more: `{message}` is the message under which the
    button stands, `{strong}` is 1 when the person's variations are strong, else 0. `field` is the custom_id of its one
    text field, which holds the present words, and `added` behind them. `always` it opens for those without Remix too.
    `asks_where`: it also asks which part of the picture is meant. `title` is an entry of the books.
    """

    pattern: str
    field: str
    added: str = ""
    always: bool = False
    asks_where: bool = False
    title: str = "remix.title"


class Under(Flag):
    """What a button stands under: sorts of results, joined by `|`. A kind says which of them its result is."""

    GRID = auto()
    SINGLE = auto()
    """One picture, at full size."""
    MOVING = auto()
    """A short loop."""
    DESCRIPTION = auto()
    """Prompts that say what a picture shows."""
    ANALYSIS = auto()
    """Shorter prompts, of one whose words were weighed."""
    SHEET = auto()
    """Small pictures to choose one from."""
    TREE = auto()
    """A picture of how other pictures came about."""


SAME = "same"
"""In place of a kind: another job of the very request that this one has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of button. `label` and `emoji` may hold a number as `pattern` does.

    It stands in line `line` (0 to 4) under results of the sort `under`, in the table's order, once for each picture
    or text when it is about one; a `menu` holds all that can be chosen under its result, and its `label` is an entry of
    the books. `makes` is the kind of job
    that follows, `SAME` for the same request again, None when none does; where some model on offer honours what the
    kind `rather` needs, that one follows, from that model. `argument` tells buttons of one kind apart. `form` is None
    where no other words can be asked for. `upwards`: it stands only under what was made from another result. `also` are
    custom_ids of Midjourney's older versions, which clients send and old messages hold.
    """

    pattern: str
    label: str | None = None
    emoji: str | None = None
    style: ButtonStyle = ButtonStyle.SECONDARY
    under: Under | None = None
    line: int = 0
    makes: str | None = None
    rather: str | None = None
    argument: str = ""
    form: Form | None = None
    menu: bool = False
    upwards: bool = False
    also: tuple[str, ...] = ()


_NUMBER = "{text}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}"
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


def _enlarge(how: str, older: Iterable[str]) -> Row:
    """`older` are the versions whose ids say the same."""
    return Row(
        f"MJ::JOB::upsample_v7_2x_{how}::{{number}}::{{job}}::SOLO",
        f"Upscale ({how.capitalize()})",
        under=Under.SINGLE,
        makes="enlarge",
        argument=how,
        also=tuple(f"MJ::JOB::upsample_{version}_2x_{how}::{{number}}::{{job}}::SOLO" for version in older),
    )


def _enlarge_times(factor: str) -> Row:
    return Row(
        f"MJ::JOB::upsample_v5_{factor}::{{number}}::{{job}}::SOLO",
        f"Upscale ({factor})",
        under=Under.SINGLE,
        makes="enlarge",
        argument=factor,
    )


def _animate(motion: str) -> Row:
    return Row(
        f"MJ::JOB::animate_{motion}::{{number}}::{{job}}::SOLO",
        f"Animate ({motion.capitalize()} motion)",
        "🎞️",
        under=Under.SINGLE,
        line=4,
        makes="animate",
        rather="video",
        argument=motion,
        form=Form(f"MJ::AnimateModal::{{job}}::{{number}}::{motion}::0", "MJ::AnimateModal::prompt"),
    )


@unique
class Action(Enum):
    """The table."""

    @property
    def about_one_picture(self) -> bool:
        """Whether the button says which picture it is about."""
        return "{number}" in self.value.pattern

    @property
    def about_one_text(self) -> bool:
        """Whether the button says which text of its message it is about."""
        return "{text}" in self.value.pattern

    UPSCALE = Row("MJ::JOB::upsample::{number}::{job}", "U{number}", under=Under.GRID, makes="upscale")
    REROLL = Row(
        "MJ::JOB::reroll::0::{job}::SOLO",
        emoji="🔄",
        under=Under.GRID | Under.MOVING,
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
    UPSCALE_SUBTLE = _enlarge("subtle", ("v6", "v6r1"))
    UPSCALE_CREATIVE = _enlarge("creative", ("v6", "v6r1"))
    UPSCALE_2X = _enlarge_times("2x")
    UPSCALE_4X = _enlarge_times("4x")
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
            "MJ::OutpaintCustomZoomModal::{job}",
            "MJ::OutpaintCustomZoomModal::prompt",
            added=" --zoom 2",
            always=True,
            title="zoom.title",
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
        form=Form(
            "MJ::InpaintModal::{job}::{number}",
            "MJ::InpaintModal::prompt",
            always=True,
            asks_where=True,
            title="region.title",
        ),
    )
    PAN_LEFT = _pan("left", "⬅️")
    PAN_RIGHT = _pan("right", "➡️")
    PAN_UP = _pan("up", "⬆️")
    PAN_DOWN = _pan("down", "⬇️")
    ANIMATE_HIGH = _animate("high")
    ANIMATE_LOW = _animate("low")
    DESCRIBED = Row(
        "MJ::Job::PicReader::{text}",
        emoji=_NUMBER,
        under=Under.DESCRIPTION,
        makes="imagine",
        form=Form("MJ::Picreader::Modal::{text}", "MJ::Picreader::Modal::PromptField", always=True),
    )
    DESCRIBE_AGAIN = Row("MJ::Picread::Retry", emoji="🔄", under=Under.DESCRIPTION, makes="describe")
    ALL_DESCRIBED = Row(
        "MJ::Job::PicReader::all", "Imagine all", "🎉", under=Under.DESCRIPTION, line=1, makes="imagine"
    )
    SHORTENED = Row(
        "MJ::Job::PromptAnalyzer::{text}",
        emoji=_NUMBER,
        under=Under.ANALYSIS,
        makes="imagine",
        form=Form("MJ::ImagineModal::{message}", "MJ::ImagineModal::new_prompt", always=True),
    )
    DETAILS = Row(
        "MJ::Job::PromptAnalyzerExtended",
        "Show Details",
        under=Under.ANALYSIS,
        line=1,
        makes="shorten",
        argument="details",
    )
    PICK = Row("Easel::Pick::{job}", "sheet.pick", under=Under.SHEET, makes="pick", menu=True)
    FAVOURITE = Row("MJ::BOOKMARK::{job}", emoji="❤️", under=Under.SINGLE | Under.MOVING, line=4)
    FAMILY = Row("Easel::Family::{job}", emoji="🌳", under=Under.SINGLE | Under.MOVING | Under.TREE, line=4)
    PARENT = Row(
        "Easel::Parent::{job}", emoji="↩️", under=Under.GRID | Under.SINGLE | Under.MOVING, line=4, upwards=True
    )
    CANCEL = Row("MJ::CancelJob::ByJobid::{job}", "Cancel Job", style=ButtonStyle.DANGER)


@dataclass(frozen=True, slots=True)
class ButtonId:
    """What a custom_id says: the action, the picture or text it is about (from 0; None for the whole job) and the job.

    `job` is None for buttons under texts: what those are about stands in the message alone.
    """

    action: Action
    index: int | None
    job: JobId | None

    @property
    def job_id(self) -> JobId:
        """`job`, where it has to be named. UserError `no_job_here` where it is not."""
        if self.job is None:
            raise UserError("no_job_here")
        return self.job

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


def custom_id(action: Action, index: int | None, job_id: JobId | None) -> str:
    """The custom_id of a button, at most 100 characters. `index` counts from 0; `job_id` is None under texts."""
    return _filled(action.value.pattern, action, index, job=job_id)


def button(action: Action, index: int | None, job_id: JobId) -> Button:
    """The button that offers `action` on picture or text `index` of a job (from 0; None on the whole job)."""
    row = action.value
    label, emoji = (words and _filled(words, action, index) for words in (row.label, row.emoji))
    return Button(custom_id(action, index, job_id), label, emoji, row.style)


def form_id(form: Form, button: ButtonId, message_id: int, *, strong: bool) -> str:
    """The custom_id of the form that `button`, under a message, opens."""
    return _filled(form.pattern, button.action, button.index, job=button.job, message=message_id, strong=int(strong))


def read_custom_id(text: str) -> ButtonId:
    """What the button with this custom_id asks for. UnknownButton when it is not one of ours."""
    for action, pattern in _BUTTONS:
        if found := pattern.fullmatch(text):
            fields = found.groupdict()
            job = fields.get("job")
            return ButtonId(action, _index(fields), parse_job_id(job) if job else None)
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
    number = fields.get("number") or fields.get("text")
    return None if number is None else int(number) - 1


def _filled(pattern: str, action: Action, index: int | None, **values: object) -> str:
    if index is None and (action.about_one_picture or action.about_one_text):
        raise ValueError("this button is about one picture or text: it needs an index")
    shown = None if index is None else index + 1
    return pattern.format(number=shown, text=shown, **values)


_FIELDS = {
    "{number}": r"(?P<number>[1-4])",
    "{text}": r"(?P<text>[1-5])",
    "{job}": r"(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})",
    "{message}": r"(?P<message>\d{1,20})",
    "{strong}": r"(?P<strong>[01])",
}


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", lambda found: _FIELDS[found[0]], pattern))


def _any_of(patterns: Iterable[re.Pattern[str]]) -> re.Pattern[str]:
    return re.compile("|".join(re.sub(r"\?P<\w+>", "?:", pattern.pattern) for pattern in patterns))


_BUTTONS = [(action, _regex(pattern)) for action in Action for pattern in (action.value.pattern, *action.value.also)]
_FORMS = {action: _regex(action.value.form.pattern) for action in Action if action.value.form is not None}

CUSTOM_ID = _any_of(pattern for _, pattern in _BUTTONS)
"""Every button of ours that is about a job."""
FORM_ID = _any_of(_FORMS.values())
"""Every form of ours that a button opens."""
