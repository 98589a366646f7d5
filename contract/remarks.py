"""What a person should know about a job that is no error: a line in small print under its message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from contract.catalogue import ANY_VERSION, Model
from contract.jobs import Job
from contract.locales import DEFAULT_LOCALE, book
from contract.prompt import Prompt, flag_as_typed
from contract.versions import DEFAULT_VERSION

_OF_THE_JOB = frozenset({"repeat", "speed", "visibility"})
"""Parameters that say nothing of a picture."""

CONTENT_LIMIT = 2000
"""Characters of a message (Discord)."""


@dataclass(frozen=True, slots=True)
class Remark:
    """The entry `remark.ID` of the books, and its values."""

    id: str
    values: Mapping[str, str] = field(default_factory=dict, hash=False)

    def say(self, locale: str = DEFAULT_LOCALE) -> str:
        """The remark as a sentence."""
        return book(locale).say(f"remark.{self.id}", **self.values)


def version_remark(prompt: Prompt, model: Model, usual: str = DEFAULT_VERSION) -> Remark | None:
    """Said when a prompt asks for a version that is only another name of the model here, or was read by an older one
    than the `usual`, because it holds what only that has."""
    parameters = prompt.parameters
    if prompt.version != usual and parameters.version is None and parameters.niji is None:
        return Remark("older_version", {"version": prompt.version, "usual": usual})
    if prompt.version == DEFAULT_VERSION or ANY_VERSION not in model.versions:
        return None
    return Remark("version", {"version": prompt.version.capitalize(), "model": model.title})


def idle_remark(job: Job) -> Remark | None:
    """Said when a prompt has flags that do nothing to this kind of picture: a tile cannot grow, a picture that grows or
    is changed keeps its shape, and quality is for first grids. A ratio counts when it is another than before, and so
    does all of what is drawn from words alone."""
    parameters, request = job.prompt.parameters, job.request
    if request.words_alone and job.ancestors:
        said = job.ancestors[-1].prompt.parameters
        names = [one.name for one in fields(parameters) if one.compare and one.name not in _OF_THE_JOB]
        new = [name for name in names if getattr(parameters, name) not in (None, False, (), getattr(said, name))]
        typed = [f"`{flag_as_typed(job.prompt, name)}`" for name in new]
        return Remark("words_alone", {"flags": ", ".join(typed)}) if typed else None
    before = job.ancestors[-1].prompt.parameters.aspect if job.ancestors else parameters.aspect
    reshaped = parameters.aspect not in (None, before)
    idle = {
        "--tile": parameters.tile and request.from_picture,
        "--ar": reshaped and not request.takes_ratio,
        "--quality": parameters.quality is not None and not request.takes_quality,
    }
    flags = [f"`{flag}`" for flag, is_idle in idle.items() if is_idle]
    return Remark("idle", {"flags": ", ".join(flags)}) if flags else None


def faint_remarks(job: Job, model: Model) -> Iterator[Remark]:
    """Said of flags of which little is to be seen: what they do nevertheless."""
    parameters, plan = job.prompt.parameters, job.plan
    if plan is None or job.image_count == 0 or job.request.words_alone:
        return
    if plan.student:
        flag = "--draft" if parameters.draft else "--turbo"
        usual = model.choices[model.sampler]
        yield Remark("student", {"flag": flag, "steps": str(plan.num_inference_steps), "usual": str(usual)})
    elif parameters.speed == "turbo":
        yield Remark("turbo")
    if parameters.raw or parameters.style == "raw":
        yield Remark("raw", {"model": model.title})


def with_small_print(content: str, lines: Iterable[str]) -> str:
    """`content` and below it a line in small print each; one that the message has no room for is left out."""
    for line in lines:
        longer = f"{content}\n-# {line}"
        if len(longer) <= CONTENT_LIMIT:
            content = longer
    return content
