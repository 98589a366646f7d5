"""Jobs whose results are texts, and what follows from those: everything that it takes stands in their message."""

from __future__ import annotations

from dataclasses import replace

from contract.catalogue import Catalogue, Model
from contract.errors import UserError
from contract.ids import draw_seed, job_id
from contract.jobs import Job, Request
from contract.kinds.describe import Describe, seed_after
from contract.kinds.numbered import texts_in
from contract.kinds.shorten import Shorten, analysed, words_of
from contract.prompt import Context, Prompt, Submission, parse
from contract.prompt.links import is_link, shortened
from service.asker import Asker
from service.follow_ups import Posted
from service.profiles import Profile
from service.wishes import Wish, jobs_of

PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
"""Media types of uploads that are read as pictures."""


def upload_link(link: str, name: str, media_type: str | None) -> str:
    """The link to an upload that is said to be a picture. UserError `not_a_picture` when it is said to be none."""
    if media_type is not None and media_type.partition(";")[0].strip().lower() not in PICTURE_TYPES:
        raise UserError("not_a_picture", file=shortened(name))
    return link


def picture_link(text: str) -> str:
    """The address of the one picture that `text` links to. UserError `not_a_link`, or PromptError as in a prompt."""
    words = picture_links(text)
    if len(words) != 1:
        raise UserError("not_a_link", link=shortened(text.strip()))
    return parse(f"{words[0]} a picture", Context(accepted_before=True)).prompts[0].images[0].url


def picture_links(text: str) -> list[str]:
    """The links that `text` consists of, as prompts take them. UserError `not_a_link` for any other word."""
    words = text.split()
    if not words or not all(map(is_link, words)):
        raise UserError("not_a_link", link=shortened(text.strip()))
    return words


def described(picture: str, asker: Asker, profile: Profile, catalogue: Catalogue, seed: int | None = None) -> Job:
    """The job that describes the picture behind a link, in the words of a seed. UserError when no model here can."""
    model = _able(catalogue, profile)
    words = parse("describe a picture", Context(version=profile.version, versions=profile.versions)).prompts[0]
    return _job(Describe(picture), replace(words, parts=()), model, asker, profile, seed)


def analysis(text: str, asker: Asker, profile: Profile, catalogue: Catalogue, *, details: bool = False) -> Job:
    """The job that weighs the words of a prompt. PromptError when it cannot be read, UserError `nothing_to_shorten`
    when it is no more than a word, and `several_to_shorten` when it is more than one."""
    submission = parse(text, replace(profile.context("shorten"), suffix=""))
    prompt = submission.prompts[0]
    if submission.expansions:
        raise UserError("several_to_shorten")
    if len(words_of(prompt.text)) < 2:
        raise UserError("nothing_to_shorten")
    return _job(Shorten(details), prompt, catalogue.resolve(prompt.version, profile.pins), asker, profile)


def texts_of(posted: Posted | None) -> tuple[str, ...]:
    """The texts that stand in a message. UserError `no_job_here` when there are none."""
    texts = texts_in(posted.texts or "") if posted is not None else ()
    if not texts:
        raise UserError("no_job_here")
    return texts


def described_again(posted: Posted | None, asker: Asker, profile: Profile, catalogue: Catalogue) -> Job:
    """The picture of a message, described in other words. UserError as `described`, and `no_job_here`."""
    if posted is None or posted.picture is None:
        raise UserError("no_job_here")
    seed = seed_after(texts_of(posted), draw_seed(asker.key))
    return _answering(described(posted.picture, asker, profile, catalogue, seed), posted)


def detailed(posted: Posted | None, asker: Asker, profile: Profile, catalogue: Catalogue) -> Job:
    """The prompt that was weighed in a message, with a bar for each word. UserError `no_job_here`."""
    first, *_ = texts_of(posted)
    assert posted is not None, "it has texts"
    try:
        words = analysed(posted.texts or "")
    except ValueError:
        raise UserError("no_job_here") from None
    _, dashes, flags = first.partition(" --")
    return _answering(analysis(words + dashes + flags, asker, profile, catalogue, details=True), posted)


def all_of(posted: Posted | None, asker: Asker, profile: Profile, catalogue: Catalogue) -> Wish:
    """One job for each text of a message."""
    context = profile.context()
    prompts = tuple(prompt for text in texts_of(posted) for prompt in parse(text, context).prompts[:1])
    submission = Submission(prompts, jobs=len(prompts), confirm=True, echo="")
    jobs = jobs_of(submission, asker, profile, catalogue)
    return Wish(tuple(jobs), tuple(prompt.echo for prompt in prompts), confirm=True)


def _able(catalogue: Catalogue, profile: Profile) -> Model:
    """The model that describes: the person's own, or the first that can. UserError `kind_not_supported`."""
    own = catalogue.resolve(profile.version, profile.pins)
    for model in (own, *catalogue.models):
        if "describe" in model.honours:
            return model
    raise UserError("kind_not_supported", action="describe", model=own.title)


def _answering(job: Job, posted: Posted) -> Job:
    return replace(job, destination=job.destination.answering(posted.message_id))


def _job(
    request: Request, prompt: Prompt, model: Model, asker: Asker, profile: Profile, seed: int | None = None
) -> Job:
    return Job(
        id=job_id(draw_seed(asker.key) if seed is None else seed, model.fingerprint, asker.key),
        request=request,
        prompt=prompt,
        model=model.name,
        user=asker.user,
        destination=asker.destination,
        created_ms=asker.asked_ms,
        speed=profile.speed,
        stealth=profile.stealth,
        locale=asker.locale,
    )
