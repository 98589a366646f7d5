"""From a typed line to what it means: `parse`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from contract.prompt import permutations
from contract.prompt.echo import echo, unbreakable
from contract.prompt.flags import SELECTORS, SPELLINGS
from contract.prompt.foreign import lora_tags, loras_as_flags, refuse_foreign
from contract.prompt.lexer import Line, Link, cut
from contract.prompt.links import shortened
from contract.prompt.meaning import Meaning, read_line
from contract.prompt.presets import append_suffix, check_suffix, expand_options, normal_text
from contract.prompt.readers import taken
from contract.prompt.refusals import Edit, PromptError, corrected
from contract.prompt.source import Source
from contract.prompt.values import Context, Prompt, Submission
from contract.versions import DEFAULT_VERSION, JOBS_PER_SUBMISSION, RELAX_PLANS, STAND_INS, Version

_SUFFIXED_COMMANDS = ("imagine", "blend", "edit")
_LACKS = {
    ("incompatible", "version"),
    ("incompatible", "multi_prompt"),
    ("bad_value", "choice"),
    ("bad_value", "only"),
}
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
    if field == "loras":
        places += lora_tags(line.source.text)
    for place in places:
        span = line.source.span(*place)
        if span is not None:
            edits.append(Edit(*span, ""))
    shorter = corrected(text, tuple(edits))
    return shorter if edits and _runs(shorter, context) else None


def has_flag(text: str, field: str) -> bool:
    """Whether `text` has a flag that fills this field of the parameters, by any of its spellings."""
    try:
        flags = cut(normal_text(text)).flags
    except PromptError:
        return False
    return any(SPELLINGS[raw.name.lower()].field == field for raw in flags if raw.name.lower() in SPELLINGS)


def _runs(text: str, context: Context) -> bool:
    try:
        _parse(text, context)
    except PromptError:
        return False
    return True


def _suggestion(text: str, context: Context, error: PromptError) -> str | None:
    """`text` with its slips put right one after another, if it runs then."""
    for _ in range(_CORRECTIONS):
        moves = "{" in text and any(edit.start == edit.end < len(text) for edit in error.edits)
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
    _check_speed(prompts, jobs, text, source, context)
    if jobs > limit:
        raise _too_many(jobs, limit, context)
    if count == 1:
        return Submission(prompts, jobs, jobs > 1, prompts[0].echo)
    named = all(prompt.parameters.version or prompt.parameters.niji for prompt in prompts)
    names = {prompt.version for prompt in prompts}
    read_by = None if named or len(names) > 1 else context.versions.named(names.pop())
    unexpanded = f"{source.text} {read_by.echo}" if read_by is not None else source.text
    return Submission(prompts, jobs, True, unbreakable(unexpanded), tuple(map(_shown, expansions)))


def _shown(expansion: Source) -> str:
    return permutations.unescape(expansion.text)


def _prompt(source: Source, default: Version, context: Context) -> Prompt:
    meaning = _meaning(cut(source if context.accepted_before else loras_as_flags(source)), default, context)
    return Prompt(
        echo=echo(meaning, name_version=context.command != "prefer_suffix"),
        parts=meaning.parts,
        negatives=meaning.negatives,
        images=meaning.images,
        parameters=meaning.parameters,
        version=meaning.version.name,
    )


def _meaning(line: Line, default: Version, context: Context) -> Meaning:
    """What a line means. One that names no version, and holds what only older ones have, is read by the newest of
    those: `owl::2 cat` by 6.1."""
    try:
        return read_line(line, default, context)
    except PromptError as error:
        if not _is_too_new(error, line, default, context):
            raise
        wrong: PromptError | None = None
        for older in _older(context):
            try:
                return read_line(line, older, context)
            except PromptError as other:  # one that has all of it, but not with these values, may have the sentence
                if wrong is None and (other.kind, other.reason) not in _LACKS:
                    wrong = other
        raise wrong or error from None


def _is_too_new(error: PromptError, line: Line, default: Version, context: Context) -> bool:
    """Whether an older version may read it: not where somebody has chosen the version."""
    if (error.kind, error.reason) not in _LACKS or default.name != DEFAULT_VERSION:
        return False
    return all(SPELLINGS[raw.name.lower()].name not in SELECTORS for raw in line.flags if raw.name.lower() in SPELLINGS)


def _older(context: Context) -> Iterator[Version]:
    return (version for name in STAND_INS if (version := context.versions.named(name)) is not None)


def _version_of(source: Source, context: Context) -> Version:
    """The version that a line asks for; where it names none, one that takes weights, since an older one may read it."""
    for raw in cut(source).flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.name in SELECTORS:
            spelling = source.text[slice(*raw.words[0])] if raw.words else None
            return context.versions.selected(flag.name, spelling) or _default_version(context)
    default = _default_version(context)
    if default.name != DEFAULT_VERSION or default.weights != "none":
        return default
    return next((older for older in _older(context) if older.weights == "decimal"), default)


def _default_version(context: Context) -> Version:
    version = context.versions.named(context.version)
    if version is None:
        choices = ", ".join(version.name for version in context.versions)
        raise PromptError("bad_value", "default_version", param="version", value=context.version[:40], choices=choices)
    return version


def _check_speed(prompts: tuple[Prompt, ...], jobs: int, text: str, source: Source, context: Context) -> None:
    """PromptError `speed_not_allowed` for batches and HD videos in relax mode, and for that on a plan without it."""
    for prompt in prompts:
        speed = prompt.parameters.speed or context.speed
        if speed == "relax" and context.plan not in RELAX_PLANS:
            raise PromptError("speed_not_allowed", "plan", param="relax")
        if speed == "relax" and jobs > 1:
            raise PromptError("speed_not_allowed", "batch", param="relax", edits=_in_fast_mode(text, source))
        if speed == "relax" and prompt.parameters.video and prompt.parameters.hd:
            raise PromptError("speed_not_allowed", "hd_video", param="relax", edits=_in_fast_mode(text, source))


def _in_fast_mode(text: str, source: Source) -> tuple[Edit, ...]:
    """`--relax` as `--fast`, where it was typed; `--fast` at the end of `text`, where relax mode is a setting."""
    relaxed = [raw for raw in cut(source).flags if raw.name.lower() == "relax"]
    spans = [span for raw in relaxed if (span := source.span(raw.start, raw.end)) is not None]
    return tuple(Edit(*span, "--fast") for span in spans) or (Edit(len(text), len(text), " --fast"),)


def _too_many(jobs: int, limit: int, context: Context) -> PromptError:
    reason = "plan" if context.max_jobs is None else "limit"
    if jobs >= permutations.COUNT_CAP:
        reason += "_uncounted"
    return PromptError("too_many_jobs", reason, jobs=jobs, limit=limit, plan=context.plan.capitalize())
