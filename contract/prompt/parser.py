"""From a typed line to what it means: `parse`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from contract.prompt import permutations
from contract.prompt.echo import echo, unbreakable
from contract.prompt.flags import SELECTORS, SPELLINGS
from contract.prompt.foreign import refuse_foreign
from contract.prompt.lexer import Link, cut
from contract.prompt.links import shortened
from contract.prompt.meaning import read_line
from contract.prompt.presets import append_suffix, check_suffix, expand_options, normal_text
from contract.prompt.readers import taken
from contract.prompt.refusals import Edit, PromptError, corrected
from contract.prompt.source import Source
from contract.prompt.values import Context, Prompt, Submission
from contract.versions import JOBS_PER_SUBMISSION, RELAX_PLANS, Version

_SUFFIXED_COMMANDS = ("imagine", "blend")
_CORRECTIONS = 6
"""How many slips one suggestion puts right at most."""
_CORRECTABLE = 2000
"""Longer texts get no suggestion: what cannot be posted cannot be corrected either."""


def parse(text: str, context: Context = Context()) -> Submission:  # noqa: B008  (frozen)
    """What `text` asks for. Raises nothing but PromptError, after work linear in the length of `text`.

    The error carries a `suggestion` when there is one obvious correction that would run.
    """
    try:
        return _parse(text, context)
    except PromptError as error:
        error.suggestion = _suggestion(text, context, error)
        if (
            error.span is None
            and context.suffix
            and len(text) <= _CORRECTABLE
            and _runs(text, replace(context, suffix=""))
        ):
            error.suffix = shortened(context.suffix)
        raise


def without(text: str, field: str, context: Context = Context()) -> str | None:  # noqa: B008  (frozen)
    """`text` without the flags that fill `field` of `Parameters` (or without its links, for `images`).

    None when it does not hold them itself, or would not run without them either.
    """
    try:
        line = cut(normal_text(text))
    except PromptError:
        return None
    edits: list[Edit] = []
    if field == "images":
        places = [(item.start, item.end) for item in line.items if isinstance(item, Link)]
    else:
        places = []
        for raw in line.flags:
            flag = SPELLINGS.get(raw.name.lower())
            if flag is not None and flag.field == field:
                words = [line.source.text[start:end] for start, end in raw.words]
                count = taken(flag, words)
                places.append((raw.start, raw.words[count - 1][1] if count else raw.end))
    for place in places:
        span = line.source.span(*place)
        if span is not None:
            edits.append(Edit(*span, ""))
    shorter = corrected(text, tuple(edits))
    return shorter if edits and _runs(shorter, context) else None


def _runs(text: str, context: Context) -> bool:
    try:
        _parse(text, context)
    except PromptError:
        return False
    return True


def _suggestion(text: str, context: Context, error: PromptError) -> str | None:
    """`text` with its slips put right one after another, if it runs then."""
    for _ in range(_CORRECTIONS):
        moves = "{" in text and any(edit.start == edit.end for edit in error.edits)
        if not error.edits or moves or len(text) > _CORRECTABLE:  # no moving words between the options of a group
            return None
        text = corrected(text, error.edits)
        try:
            _parse(text, context)
        except PromptError as next_error:
            error = next_error
        else:
            return text
    return None


def _parse(text: str, context: Context) -> Submission:
    typed = normal_text(text)
    if not context.accepted_before:
        refuse_foreign(typed, partial(_version_of, context=context))
    source = expand_options(typed, context.options)
    if context.command == "prefer_suffix":
        check_suffix(source)
    if context.command in _SUFFIXED_COMMANDS:
        source = append_suffix(source, context.suffix)
    version = _default_version(context)
    limit = JOBS_PER_SUBMISSION.get(context.plan, 1) if context.max_jobs is None else context.max_jobs
    groups = permutations.Groups(source)
    count = groups.count()
    if count > limit:
        raise _too_many(count, limit, context)
    expansions = groups.expand()
    prompts = tuple(_prompt(expansion, version, context) for expansion in expansions)
    jobs = sum(prompt.parameters.repeat or 1 for prompt in prompts)
    _check_speed(prompts, jobs, context)
    if jobs > limit:
        raise _too_many(jobs, limit, context)
    if count == 1:
        return Submission(prompts, jobs, jobs > 1, prompts[0].echo)
    named = all(prompt.parameters.version or prompt.parameters.niji for prompt in prompts)
    unexpanded = source.text if named else f"{source.text} {version.echo}"
    return Submission(prompts, jobs, True, unbreakable(unexpanded), tuple(map(_shown, expansions)))


def _shown(expansion: Source) -> str:
    return permutations.unescape(expansion.text)


def _prompt(source: Source, default: Version, context: Context) -> Prompt:
    meaning = read_line(cut(source), default, context)
    return Prompt(
        echo=echo(meaning, name_version=context.command != "prefer_suffix"),
        parts=meaning.parts,
        negatives=meaning.negatives,
        images=meaning.images,
        parameters=meaning.parameters,
        version=meaning.version.name,
    )


def _version_of(source: Source, context: Context) -> Version:
    """The version that a line asks for."""
    for raw in cut(source).flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.name in SELECTORS:
            spelling = source.text[slice(*raw.words[0])] if raw.words else None
            return context.versions.selected(flag.name, spelling) or _default_version(context)
    return _default_version(context)


def _default_version(context: Context) -> Version:
    version = context.versions.named(context.version)
    if version is None:
        choices = ", ".join(version.name for version in context.versions)
        raise PromptError("bad_value", "default_version", param="version", value=context.version[:40], choices=choices)
    return version


def _check_speed(prompts: tuple[Prompt, ...], jobs: int, context: Context) -> None:
    """PromptError `speed_not_allowed` for batches in relax mode, and for relax mode on a plan without it."""
    for prompt in prompts:
        speed = prompt.parameters.speed or context.speed
        if speed == "relax" and context.plan not in RELAX_PLANS:
            raise PromptError("speed_not_allowed", "plan", param="relax")
        if speed == "relax" and jobs > 1:
            raise PromptError("speed_not_allowed", "batch", param="relax")


def _too_many(jobs: int, limit: int, context: Context) -> PromptError:
    reason = "plan" if context.max_jobs is None else "limit"
    if jobs >= permutations.COUNT_CAP:
        reason += "_uncounted"
    return PromptError("too_many_jobs", reason, jobs=jobs, limit=limit, plan=context.plan.capitalize())
