"""From typed words to jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from contract.catalogue import Catalogue
from contract.ids import draw_seed, job_id
from contract.jobs import Job, Request, Speed, surprise
from contract.kinds.imagine import Imagine
from contract.planning import check
from contract.prompt import Prompt, Submission, draw_styles, parse, with_sampler
from contract.remarks import version_remark
from contract.steering import remarks_on_means
from service.asker import Asker
from service.profiles import Profile, styled_anew

FIRST_STYLE = 10_000
"""Seeds of random styles are drawn by ordinals from here on; those of jobs end far below."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The jobs that words ask for. `remarks` are lines about how they were understood.

    When `confirm` is true they are so many, or so costly, that the person has to be asked; `expansions` are their
    prompts in words.
    """

    jobs: tuple[Job, ...]
    expansions: tuple[str, ...] = ()
    confirm: bool = False
    remarks: tuple[str, ...] = ()


def wish(
    text: str,
    asker: Asker,
    profile: Profile,
    catalogue: Catalogue,
    request: Request = Imagine(),  # noqa: B008 - frozen
    command: str = "imagine",
) -> Wish:
    """What `text` asks for, of this kind, by the rules of a command (`contract.prompt.Context`). UserError
    (PromptError) when it cannot be read, or the operator's models cannot do it."""
    profile = styled_anew(profile, text)
    submission = parse(text, profile.context(command))
    jobs = jobs_of(submission, asker, profile, catalogue, request)
    remark = version_remark(submission.prompts[0], catalogue.named(jobs[0].model), profile.version)
    said = [] if remark is None else [remark]
    said += remarks_on_means(submission.prompts[0], catalogue.named(jobs[0].model))
    return Wish(tuple(jobs), submission.expansions, submission.confirm, tuple(one.say(asker.locale) for one in said))


def surprise_wish(asker: Asker, profile: Profile, catalogue: Catalogue) -> Wish:
    """Four pictures of whatever the model likes, without words."""
    prompt = surprise(profile.context())
    submission = Submission((prompt,), jobs=1, confirm=False, echo=prompt.echo)
    return Wish(tuple(jobs_of(submission, asker, profile, catalogue)))


def jobs_of(
    submission: Submission,
    asker: Asker,
    profile: Profile,
    catalogue: Catalogue,
    request: Request = Imagine(),  # noqa: B008 - frozen
) -> list[Job]:
    """One job for each expansion and repetition. UserError when the operator's models cannot do one of them."""
    # Any whole numbers do, as long as a retry of the request draws the same.
    styles = (draw_seed(asker.key, number) for number in count(FIRST_STYLE))
    jobs = []
    for ordinal, prompt in enumerate(repeated(submission)):
        model = catalogue.resolve(prompt.version, profile.pins)
        if profile.sampler is not None and profile.sampler in model.choices and profile.sampler != model.sampler:
            prompt = with_sampler(prompt, profile.sampler)
        check(prompt, model, request)
        typed = prompt.parameters
        seed = draw_seed(asker.key, ordinal) if typed.seed is None else typed.seed
        stealth = profile.stealth if typed.visibility is None else typed.visibility == "stealth"
        jobs.append(
            Job(
                id=job_id(seed, model.fingerprint, asker.key, ordinal),
                request=request,
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
