"""From typed words to jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from contract.catalogue import Catalogue
from contract.ids import draw_seed, job_id
from contract.jobs import Job, Speed, surprise
from contract.kinds.imagine import Imagine
from contract.planning import check
from contract.prompt import Prompt, Submission, draw_styles, parse
from contract.remarks import version_remark
from service.asker import Asker
from service.profiles import Profile

FIRST_STYLE = 10_000
"""Seeds of random styles are drawn by ordinals from here on; those of jobs end far below."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The jobs that words ask for. `remark` is a line about how they were understood.

    When `confirm` is true they are so many, or so costly, that the person has to be asked; `expansions` are their
    prompts in words.
    """

    jobs: tuple[Job, ...]
    expansions: tuple[str, ...] = ()
    confirm: bool = False
    remark: str | None = None


def wish(text: str, asker: Asker, profile: Profile, catalogue: Catalogue) -> Wish:
    """What `text` asks for. UserError (PromptError) when it cannot be read, or the operator's models cannot do it."""
    submission = parse(text, profile.context())
    jobs = jobs_of(submission, asker, profile, catalogue)
    remark = version_remark(submission.prompts[0], catalogue.named(jobs[0].model))
    said = None if remark is None else remark.say(asker.locale)
    return Wish(tuple(jobs), submission.expansions, submission.confirm, said)


def surprise_wish(asker: Asker, profile: Profile, catalogue: Catalogue) -> Wish:
    """Four pictures of whatever the model likes, without words."""
    prompt = surprise(profile.context())
    submission = Submission((prompt,), jobs=1, confirm=False, echo=prompt.echo)
    return Wish(tuple(jobs_of(submission, asker, profile, catalogue)))


def jobs_of(submission: Submission, asker: Asker, profile: Profile, catalogue: Catalogue) -> list[Job]:
    """One job for each expansion and repetition. UserError when the operator's models cannot do one of them."""
    # Any whole numbers do, as long as a retry of the request draws the same.
    styles = (draw_seed(asker.key, number) for number in count(FIRST_STYLE))
    jobs = []
    for ordinal, prompt in enumerate(repeated(submission)):
        model = catalogue.resolve(prompt.version)
        check(prompt, model)
        typed = prompt.parameters
        seed = draw_seed(asker.key, ordinal) if typed.seed is None else typed.seed
        stealth = profile.stealth if typed.visibility is None else typed.visibility == "stealth"
        jobs.append(
            Job(
                id=job_id(seed, model.fingerprint, asker.key, ordinal),
                request=Imagine(),
                prompt=draw_styles(prompt, lambda: next(styles)),
                model=model.name,
                user=asker.user,
                destination=asker.destination,
                created_ms=asker.asked_ms,
                speed=profile.speed if typed.speed is None else Speed(typed.speed),
                stealth=stealth,
                locale=asker.locale,
            )
        )
    return jobs


def repeated(submission: Submission) -> Iterator[Prompt]:
    """Every prompt as often as its `--repeat` says."""
    for prompt in submission.prompts:
        yield from [prompt] * (prompt.parameters.repeat or 1)
