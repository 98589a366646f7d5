"""A job's words at every stage: contents, file names, embeds. What is peculiar to a kind of job, its kind says.

The grammar is Midjourney's, so that people and client libraries that read it feel at home: one `**...**` pair, single
spaces, states in round brackets.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from anyascii import anyascii

from contract.actions import SAME, Action, Button, Line, Menu, button, custom_id
from contract.families import HONOURABLE
from contract.ids import JobId
from contract.jobs import Job, Speed, Stage
from contract.kinds import KINDS
from contract.layout import too_large, too_long
from contract.locales import book

REFUSAL_COLOUR = 0xFF0000
"""An error in the interaction's own answer: clients reject by this colour."""
FAILURE_COLOUR = 15548997
"""An error that comes later, as a reply to the waiting message."""
NOTICE_COLOUR = 0xFFC107
"""Something to know that is no error, such as `Job queued`."""
REMARK_COLOUR = 0x80848E
"""What is said of a result in small print."""

_SPEED_WORDS = {Speed.FAST: "fast", Speed.RELAX: "relaxed", Speed.TURBO: "turbo"}
_NAME_LENGTH = 63
FOOTER_LIMIT = 2048
"""Characters of an embed's footer (Discord)."""
VEIL = "SPOILER_"
"""What the name of a file begins with that Discord hides until somebody presses it."""


@dataclass(frozen=True, slots=True)
class Embed:
    """An embed as data. `image` is an address, or `attachment://` and the name of a file of the message."""

    title: str
    description: str
    colour: int
    footer: str | None = None
    image: str | None = None


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
    if action.value.upwards and job.parent is None:
        return False
    if makes is None or makes == SAME:
        return True
    kind, argument = KINDS[makes], action.value.argument
    grown = kind.grown(job.extent, argument)
    return kind.possible(job, argument) and not (too_large(grown) or too_long(grown))


def _honoured(job: Job, action: Action, honours: Collection[str]) -> bool:
    """Whether one of the kinds that the button may make is honoured; one that makes none always is."""
    row = action.value
    if row.makes == SAME:
        return job.request.needs.issubset(honours)
    kinds = [KINDS[name] for name in (row.makes, row.rather) if name is not None]
    return not kinds or any(kind.needs.issubset(honours) for kind in kinds)


def _head(job: Job, stage: Stage) -> str:
    return job.request.head(f"**{job.prompt.echo}**", f"<@{job.user.id}>", stage)


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def file_name(job: Job, extension: str, *, veiled: bool = False) -> str:
    """`<user>_<words of the prompt>_<job id>.<extension>`: clients take what follows the last `_` for the job's id.

    `veiled`: Discord hides the file until it is pressed.
    """
    words = spelled(f"{job.user.name}_" + "_".join(part.text for part in job.prompt.parts))
    plain = re.sub(r"[^\w.]", "", re.sub(r"\s+", "_", words.strip()), flags=re.ASCII)
    name = f"{re.sub(r'_+', '_', plain)[:_NAME_LENGTH].strip('_.') or 'easel'}_{job.id}.{extension}"
    return VEIL + name if veiled else name


def spelled(name: str) -> str:
    """Other scripts in Latin letters, emoji by their names: Discord takes them out of file names."""
    return re.sub(r":([a-z0-9_]+):", r" \1 ", anyascii(name))


def preview_name(job: Job) -> str:
    """The file name of the preview in a waiting message."""
    veil = VEIL if job.screening is not None and job.screening.veiled else ""
    return f"{veil}{job.id}_grid_0.webp"


# ── buttons ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def result_buttons(job: Job, honours: Collection[str] = HONOURABLE, *, texts: int | None = None) -> tuple[Line, ...]:
    """The rows under a finished message: those of its sort, without what makes no sense for
    it and what could not be done (`honours`). `texts` is how many it has, None for as many as it can have."""
    lines: dict[int, list[Button | Menu]] = {}
    for action in Action:
        row = action.value
        if (
            row.under is not None
            and job.request.under in row.under
            and _possible(job, action)
            and _honoured(job, action, honours)
        ):
            lines.setdefault(row.line, []).extend(_shown(job, action, texts))
    return tuple(tuple(lines[line]) for line in sorted(lines))


def _shown(job: Job, action: Action, texts: int | None) -> Iterator[Button | Menu]:
    if action.value.menu:
        words = book(job.locale)
        entries = ((name, f"look.{name.lower().replace(' ', '_')}") for name in job.request.options)
        options = tuple(words.say(entry) if entry in words else name for name, entry in entries)
        yield Menu(custom_id(action, None, job.id), words.say(action.value.label or ""), options)
    elif action.about_one_picture:
        yield from (button(action, index, job.id) for index in range(job.image_count))
    elif action.about_one_text:
        count = job.request.choices if texts is None else texts
        yield from (button(action, index, job.id) for index in range(count))
    else:
        yield button(action, None, job.id)


def appeal_button(job: Job) -> Button:
    """The button under the word that a picture was refused."""
    return Button(f"Easel::Appeal::picture::{job.id}", book(job.locale).say("prompt.appeal"))


def cancel_button(job_id: JobId) -> Button:
    """The button under a waiting message."""
    return button(Action.CANCEL, None, job_id)


# ── embeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def refusal(title: str, description: str, command: str | None = None) -> Embed:
    """A red embed for the interaction's own answer; `command` (such as `/imagine a fox --ar`) becomes the footer."""
    return Embed(title, description, REFUSAL_COLOUR, command and command[:FOOTER_LIMIT])


def failure(title: str, description: str, job_id: JobId) -> Embed:
    """A red embed for a job that failed after it was accepted; the footer names the job for the operator."""
    return Embed(title, description, FAILURE_COLOUR, f"Job {job_id}")


def small_print(lines: Iterable[str]) -> Embed | None:
    """What a person should know about a result, below it; None when there is nothing.

    It is an embed's footer and nothing else: clients read a result by how its content ends, and some take every embed
    with a description for texts. A footer shows no marks.
    """
    text = "\n".join(lines).replace("`", "")[:FOOTER_LIMIT]
    return Embed("", "", REMARK_COLOUR, text) if text else None


def told(job: Job, texts: Sequence[str], influence: Sequence[float], image: str | None = None) -> Embed:
    """A result that is texts, about the picture `image`, if it is about one."""
    said = job.request.said(job.prompt, texts, influence)
    return Embed("", said.description, NOTICE_COLOUR, said.footer, image)
