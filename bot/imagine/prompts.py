"""From a typed prompt to jobs: read it, price it, ask first when it is many, submit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import structlog

from bot.answering import refuse
from bot.client import Interaction
from bot.imagine.questions import ask_first, corrected_button
from bot.people import created_ms, destination_of, user_of
from bot.permissions import check_channel
from bot.profiles import Profile, profile_of
from bot.rules import enforce
from bot.waiting.submission import submit
from contract.actions import Button
from contract.catalogue import ANY_VERSION, Catalogue, Model
from contract.errors import UserError
from contract.ids import draw_seed, job_id
from contract.jobs import Job, Speed, surprise
from contract.kinds.imagine import Imagine
from contract.plan import check
from contract.prompt import Prompt, PromptError, Submission, draw_styles, parse
from contract.versions import DEFAULT_VERSION

log: structlog.stdlib.BoundLogger = structlog.get_logger()


async def imagine_text(interaction: Interaction, text: str) -> None:
    """What `/imagine` does with its prompt, and what everything does that ends in a typed prompt.

    UserError when the channel, the prompt or the model does not allow it; a prompt with one obvious correction is
    refused here, with a button that runs the correction.
    """
    check_channel(interaction)
    profile = await profile_of(interaction)
    try:
        submission = parse(text, profile.context())
    except PromptError as error:
        log.info("refused", kind=error.kind, user_id=str(interaction.user.id))
        rows = await _correction(interaction, error)
        await refuse(interaction, error, command=f"/imagine {text}", rows=rows)
        return
    jobs = jobs_of(interaction, submission, profile)
    await enforce(interaction, profile.rules, jobs)
    if submission.confirm:
        await ask_first(interaction, submission, jobs)
    else:
        model = interaction.client.services.catalogue.named(jobs[0].model)
        await submit(interaction, jobs[0], remark=version_remark(submission.prompts[0], model))


async def imagine_nothing(interaction: Interaction) -> None:
    """What `/surprise` does: four pictures of whatever the model likes. UserError as `imagine_text`."""
    check_channel(interaction)
    profile = await profile_of(interaction)
    prompt = surprise(profile.context())
    jobs = jobs_of(interaction, Submission((prompt,), jobs=1, confirm=False, echo=prompt.echo), profile)
    await enforce(interaction, profile.rules, jobs)
    await submit(interaction, jobs[0])


def jobs_of(interaction: Interaction, submission: Submission, profile: Profile) -> list[Job]:
    """One job for each expansion and repetition. UserError when the operator's models cannot do one of them."""
    catalogue = interaction.client.services.catalogue
    user, destination, made_ms = user_of(interaction), destination_of(interaction), created_ms(interaction)
    # Any whole numbers do, as long as a retry of the interaction draws the same; ordinals of jobs end far below these.
    styles = (draw_seed(interaction.id, number) for number in count(10_000))
    jobs = []
    for ordinal, (prompt, model) in enumerate(_prompts(submission, catalogue)):
        typed = prompt.parameters
        seed = draw_seed(interaction.id, ordinal) if typed.seed is None else typed.seed
        stealth = profile.stealth if typed.visibility is None else typed.visibility == "stealth"
        jobs.append(
            Job(
                id=job_id(seed, model.fingerprint, interaction.id, ordinal),
                request=Imagine(),
                prompt=draw_styles(prompt, lambda: next(styles)),
                model=model.name,
                user=user,
                destination=destination,
                created_ms=made_ms,
                speed=profile.speed if typed.speed is None else Speed(typed.speed),
                stealth=stealth,
                locale=str(interaction.locale),
            )
        )
    return jobs


def version_remark(prompt: Prompt, model: Model) -> str | None:
    """Said when somebody asks for a version that is only another name of the model here."""
    if prompt.version == DEFAULT_VERSION or ANY_VERSION not in model.versions:
        return None
    return f"Version {prompt.version.capitalize()} is drawn by {model.title} here, like every version."


def _prompts(submission: Submission, catalogue: Catalogue) -> Iterator[tuple[Prompt, Model]]:
    for prompt in submission.prompts:
        model = catalogue.resolve(prompt.version)
        check(prompt, model)
        for _ in range(prompt.parameters.repeat or 1):
            yield prompt, model


async def _correction(interaction: Interaction, error: PromptError) -> list[list[Button]]:
    """The button that runs the corrected prompt, when there is one obvious correction and the queue can remember it."""
    if error.suggestion is None:
        return []
    try:
        return [[await corrected_button(interaction, error.suggestion)]]
    except UserError:
        return []
