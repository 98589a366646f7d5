"""A job's words at every stage: contents, file names, buttons, embeds. The one place that counts from 1.

The grammar is Midjourney's, so that people and client libraries that read it feel at home: one `**...**` pair, single
spaces, states in round brackets, custom_ids of the form `MJ::JOB::upsample::1::<job id>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from contract.errors import UnknownButton
from contract.ids import JobId, parse_job_id
from contract.jobs import GRID_SIZE, Imagine, Job, Speed, Strength, Upscale, Variation

REFUSAL_COLOUR = 0xFF0000
"""An error in the interaction's own answer: clients reject by this colour."""
FAILURE_COLOUR = 15548997
"""An error that comes later, as a reply to the waiting message."""
NOTICE_COLOUR = 0xFFC107
"""Something to know that is no error, such as `Job queued`."""

_SPEED_WORDS = {Speed.FAST: "fast", Speed.RELAX: "relaxed", Speed.TURBO: "turbo"}
_STRENGTH_WORDS = {Strength.SUBTLE: "Subtle", Strength.STRONG: "Strong"}
_NAME_LENGTH = 63


class ButtonStyle(IntEnum):
    """Discord's button styles that we use."""

    PRIMARY = 1
    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4


class Action(StrEnum):
    """What a button asks for, by the word inside its custom_id."""

    UPSCALE = "upsample"
    VARIATION = "variation"
    REROLL = "reroll"
    VARY_SUBTLE = "low_variation"
    VARY_STRONG = "high_variation"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Button:
    """One button as data; whoever sends it turns it into the library's own."""

    custom_id: str
    label: str | None = None
    emoji: str | None = None
    style: ButtonStyle = ButtonStyle.SECONDARY


@dataclass(frozen=True, slots=True)
class ButtonId:
    """What a custom_id says: the action, the picture it is about (from 0; None for the whole job) and the job."""

    action: Action
    index: int | None
    job: JobId


@dataclass(frozen=True, slots=True)
class Embed:
    """An embed as data."""

    title: str
    description: str
    colour: int
    footer: str | None = None


# ── contents ────────────────────────────────────────────────────────────────────────────────────────────────────────


def waiting(job: Job) -> str:
    """The answer to the command or press: `**P** - <@U> (Waiting to start)`."""
    return f"{_head(job, done=False)} (Waiting to start)"


def progress(job: Job, percent: int) -> str:
    """The waiting message while the job runs: `**P** - <@U> (31%) (fast)`."""
    return f"{_head(job, done=False)} ({percent}%) ({mode(job)})"


def stopped(job: Job) -> str:
    """The waiting message of a cancelled job: `**P** - <@U> (Stopped)`."""
    return f"{_head(job, done=False)} (Stopped)"


def result(job: Job) -> str:
    """The finished message: `**P** - <@U> (fast)`; a single picture has no mode: `**P** - Image #2 <@U>`."""
    if isinstance(job.request, Upscale):
        return _head(job, done=True)
    return f"{_head(job, done=True)} ({mode(job)})"


def mode(job: Job) -> str:
    """`fast`, `relaxed` or `turbo`, with `, stealth` behind it when nobody else is to see the job."""
    word = _SPEED_WORDS[job.speed]
    return f"{word}, stealth" if job.stealth else word


def bold_prompt(content: str) -> str | None:
    """The prompt between the first pair of `**` in a message of ours, or None."""
    found = re.search(r"\*\*(.*?)\*\*", content)
    return found[1] if found else None


def _head(job: Job, *, done: bool) -> str:
    prompt, mention = f"**{job.prompt.echo}**", f"<@{job.user.id}>"
    match job.request:
        case Imagine():
            return f"{prompt} - {mention}"
        case Variation(strength=strength):
            return f"{prompt} - Variations ({_STRENGTH_WORDS[strength]}) by {mention}"
        case Upscale(index=index):
            return f"{prompt} - Image #{index + 1} {mention}"


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_name(job: Job, extension: str) -> str:
    """`<user>_<words of the prompt>_<job id>.<extension>`: clients take what follows the last `_` for the job's id."""
    words = f"{job.user.name}_" + "_".join(part.text for part in job.prompt.parts)
    plain = re.sub(r"[^\w.]", "", re.sub(r"\s+", "_", words.strip()), flags=re.ASCII)
    return f"{re.sub(r'_+', '_', plain)[:_NAME_LENGTH].strip('_.') or 'easel'}_{job.id}.{extension}"


def preview_name(job_id: JobId) -> str:
    """The file name of the preview in a waiting message."""
    return f"{job_id}_grid_0.webp"


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def result_buttons(job: Job) -> tuple[tuple[Button, ...], ...]:
    """The rows under a finished message: U1-U4 🔄 / V1-V4 under a grid, the two ways to vary under a single picture."""
    if isinstance(job.request, Upscale):
        return (
            (
                Button(custom_id(Action.VARY_SUBTLE, 0, job.id), "Vary (Subtle)", "🪄"),
                Button(custom_id(Action.VARY_STRONG, 0, job.id), "Vary (Strong)", "🪄"),
            ),
        )
    pictures = range(GRID_SIZE)
    return (
        (
            *(Button(custom_id(Action.UPSCALE, index, job.id), f"U{index + 1}") for index in pictures),
            Button(custom_id(Action.REROLL, None, job.id), emoji="🔄"),
        ),
        tuple(Button(custom_id(Action.VARIATION, index, job.id), f"V{index + 1}") for index in pictures),
    )


def cancel_button(job_id: JobId) -> Button:
    """The button under a waiting message."""
    return Button(custom_id(Action.CANCEL, None, job_id), "Cancel Job", style=ButtonStyle.DANGER)


def custom_id(action: Action, index: int | None, job_id: JobId) -> str:
    """The custom_id of a button, at most 100 characters. `index` counts from 0."""
    match action:
        case Action.CANCEL:
            return f"MJ::CancelJob::ByJobid::{job_id}"
        case Action.REROLL:
            return f"MJ::JOB::reroll::0::{job_id}::SOLO"
        case Action.UPSCALE | Action.VARIATION:
            return f"MJ::JOB::{action}::{_shown(index)}::{job_id}"
        case Action.VARY_SUBTLE | Action.VARY_STRONG:
            return f"MJ::JOB::{action}::{_shown(index)}::{job_id}::SOLO"


CUSTOM_ID = re.compile(
    r"MJ::(?:CancelJob::ByJobid|JOB::(?P<action>upsample|variation|reroll|low_variation|high_variation)::(?P<index>[0-4]))"
    r"::(?P<job>[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})(?:::SOLO)?"
)
"""Every button of ours that is about a job, for `discord.ui.DynamicItem`."""


def read_custom_id(text: str) -> ButtonId:
    """What the button with this custom_id asks for. UnknownButton when it is not one of ours."""
    found = CUSTOM_ID.fullmatch(text)
    if not found:
        raise UnknownButton(text[:100])
    action = Action(found["action"] or Action.CANCEL)
    index = None if action in (Action.CANCEL, Action.REROLL) else int(found["index"]) - 1
    if index is not None and index < 0:
        raise UnknownButton(text[:100])
    return ButtonId(action, index, parse_job_id(found["job"]))


def _shown(index: int | None) -> int:
    if index is None:
        raise ValueError("this button is about one picture: it needs an index")
    return index + 1


# ── embeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(title: str, description: str, command: str | None = None) -> Embed:
    """A red embed for the interaction's own answer; `command` (such as `/imagine a fox --ar`) becomes the footer."""
    return Embed(title, description, REFUSAL_COLOUR, command and command[:2048])


def failure(title: str, description: str, job_id: JobId) -> Embed:
    """A red embed for a job that failed after it was accepted; the footer names the job for the operator."""
    return Embed(title, description, FAILURE_COLOUR, f"Job {job_id}")
