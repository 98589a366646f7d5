"""A job's words at every stage: contents, file names, embeds. What is peculiar to a kind of job, its kind says.

The grammar is Midjourney's, so that people and client libraries that read it feel at home: one `**...**` pair, single
spaces, states in round brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from anyascii import anyascii

from contract.actions import SAME, Action, Button, button
from contract.families import HONOURABLE
from contract.ids import JobId
from contract.jobs import Job, Speed, Stage
from contract.kinds import KINDS

REFUSAL_COLOUR = 0xFF0000
"""An error in the interaction's own answer: clients reject by this colour."""
FAILURE_COLOUR = 15548997
"""An error that comes later, as a reply to the waiting message."""
NOTICE_COLOUR = 0xFFC107
"""Something to know that is no error, such as `Job queued`."""

_SPEED_WORDS = {Speed.FAST: "fast", Speed.RELAX: "relaxed", Speed.TURBO: "turbo"}
_NAME_LENGTH = 63


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
    return f"{_head(job, Stage.WAITING)} (Waiting to start)"


def progress(job: Job, percent: int) -> str:
    """The waiting message while the job runs: `**P** - <@U> (31%) (fast)`."""
    return f"{_head(job, Stage.RUNNING)} ({percent}%) ({mode(job)})"


def stopped(job: Job) -> str:
    """The waiting message of a cancelled job: `**P** - <@U> (Stopped)`."""
    return f"{_head(job, Stage.RUNNING)} (Stopped)"


def result(job: Job) -> str:
    """The finished message: `**P** - <@U> (fast)`, or without the mode where its kind shows none."""
    head = _head(job, Stage.DONE)
    return f"{head} ({mode(job)})" if job.request.shows_mode else head


def mode(job: Job) -> str:
    """`fast`, `relaxed` or `turbo`, with `, stealth` behind it when nobody else is to see the job."""
    word = _SPEED_WORDS[job.speed]
    return f"{word}, stealth" if job.stealth else word


def bold_prompt(content: str) -> str | None:
    """The prompt between the first pair of `**` in a message of ours, or None."""
    found = re.search(r"\*\*(.*?)\*\*", content)
    return found[1] if found else None


def _possible(job: Job, action: Action) -> bool:
    makes = action.value.makes
    return makes is None or makes == SAME or KINDS[makes].possible(job, action.value.argument)


def _needs(job: Job, action: Action) -> frozenset[str]:
    makes = action.value.makes
    if makes is None:
        return frozenset()
    return job.request.needs if makes == SAME else KINDS[makes].needs


def _head(job: Job, stage: Stage) -> str:
    return job.request.head(f"**{job.prompt.echo}**", f"<@{job.user.id}>", stage)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_name(job: Job, extension: str) -> str:
    """`<user>_<words of the prompt>_<job id>.<extension>`: clients take what follows the last `_` for the job's id."""
    # Discord takes other scripts out of file names: they are spelled in Latin letters, emoji by their names.
    words = anyascii(f"{job.user.name}_" + "_".join(part.text for part in job.prompt.parts))
    words = re.sub(r":([a-z0-9_]+):", r" \1 ", words)
    plain = re.sub(r"[^\w.]", "", re.sub(r"\s+", "_", words.strip()), flags=re.ASCII)
    return f"{re.sub(r'_+', '_', plain)[:_NAME_LENGTH].strip('_.') or 'easel'}_{job.id}.{extension}"


def preview_name(job_id: JobId) -> str:
    """The file name of the preview in a waiting message."""
    return f"{job_id}_grid_0.webp"


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def result_buttons(job: Job, honours: Collection[str] = HONOURABLE) -> tuple[tuple[Button, ...], ...]:
    """The rows under a finished message: those of its sort, without what makes no sense for
    it and what its model (`honours`) could not do."""
    lines: dict[int, list[Button]] = {}
    for action in Action:
        row = action.value
        if row.under is job.request.under and _possible(job, action) and _needs(job, action).issubset(honours):
            pictures = range(job.image_count) if action.about_one_picture else (None,)
            lines.setdefault(row.line, []).extend(button(action, index, job.id) for index in pictures)
    return tuple(tuple(lines[line]) for line in sorted(lines))


def cancel_button(job_id: JobId) -> Button:
    """The button under a waiting message."""
    return button(Action.CANCEL, None, job_id)


# ── embeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(title: str, description: str, command: str | None = None) -> Embed:
    """A red embed for the interaction's own answer; `command` (such as `/imagine a fox --ar`) becomes the footer."""
    return Embed(title, description, REFUSAL_COLOUR, command and command[:2048])


def failure(title: str, description: str, job_id: JobId) -> Embed:
    """A red embed for a job that failed after it was accepted; the footer names the job for the operator."""
    return Embed(title, description, FAILURE_COLOUR, f"Job {job_id}")


def numbered(texts: Sequence[str]) -> Embed:
    """A result that is texts: `1️⃣ …`, an empty line, `2️⃣ …`, as Midjourney shows what it read out of a picture."""
    lines = (
        f"{number}\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP} {text}"
        for number, text in enumerate(texts, 1)
    )
    return Embed("", "\n\n".join(lines), NOTICE_COLOUR)
