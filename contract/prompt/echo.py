"""Prompts as text again: the echo of a job's messages, and the plain form of a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from decimal import Decimal

from contract.prompt.flags import FLAG, FLAGS, REFERENCE_FLAGS, SELECTORS, SPELLINGS, Flag, Kind
from contract.prompt.lexer import DASH, DASHES, Line, Link
from contract.prompt.links import echoed, lasting
from contract.prompt.meaning import Meaning
from contract.prompt.permutations import escape
from contract.prompt.readers import Given, typed_name
from contract.prompt.refusals import PromptError
from contract.prompt.values import Parameters, Part, Prompt, Reference
from contract.versions import VERSIONS, Versions

MESSAGE_LIMIT = 2000
_STARS = re.compile(r"(?:\\?\*)+")
_THIS_ONE = re.compile(rf" ?{DASH}+\s?(?:zoom|motion)\s+\S+", re.IGNORECASE)
_FLAGS = re.compile(r"(?:^| )--[a-z].*$", re.IGNORECASE)
_RANDOM = "random"
_DRAWN_DIGITS = 10
_AROUND = "****" + " - Animate (High motion) by <@" + "9" * 20 + "> (100%) (relaxed, stealth)"
ECHO_LIMIT = MESSAGE_LIMIT - len(_AROUND)
"""Characters that an echo may have, so that the longest line around it still fits Discord's 2,000."""


def echo(meaning: Meaning, name_version: bool = True) -> str:
    """The line posted for a prompt. PromptError `too_long` when a message has no room for it.

    It keeps what was typed, with links in angle brackets, the version spelled out, settings appended, and references
    last. `name_version`: whether a version that was not typed is appended.
    """
    line, version = meaning.line, meaning.version
    pieces = [_text(line)]
    selected = False
    for given in meaning.given:
        name = given.flag.name
        if name in REFERENCE_FLAGS:
            continue
        if name in SELECTORS and not selected:
            selected = True
            dashed = "--" + typed_name(line.source, given)
            pieces.append(f"{dashed} {version.spellings[0]}" if version.spellings else dashed)
        else:
            pieces.append(_as_typed(line, given))
    if not selected and name_version:
        pieces.append(version.echo)
    if meaning.defaults:
        pieces += _flags(Parameters(**meaning.defaults))
    pieces += _references(meaning.parameters)
    whole = unbreakable(" ".join(piece for piece in pieces if piece))
    length = len(whole) + sum(
        _DRAWN_DIGITS - len(_RANDOM) for reference in meaning.parameters.style_references if reference.value == _RANDOM
    )
    if length > ECHO_LIMIT:
        raise PromptError("too_long", "echo", length=length, limit=ECHO_LIMIT, excess=length - ECHO_LIMIT)
    return whole


def draw_styles(prompt: Prompt, draw: Callable[[], int]) -> Prompt:
    """`prompt` with a number from `draw` (at most ten digits) for every `--sref random`, in its echo too.

    Done once for each job, so that permutations and repeats get different styles while a re-roll keeps its own.
    """
    references = prompt.parameters.style_references
    if all(reference.value != _RANDOM for reference in references):
        return prompt
    drawn = tuple(
        replace(reference, value=str(draw())) if reference.value == _RANDOM else reference for reference in references
    )
    parameters = replace(prompt.parameters, style_references=drawn)
    ending = " ".join(_references(prompt.parameters))
    return replace(
        prompt, echo=prompt.echo.removesuffix(ending) + " ".join(_references(parameters)), parameters=parameters
    )


def flag_as_typed(prompt: Prompt, field: str) -> str:
    """How the person wrote the flag that fills `field` of `Parameters`, with its dashes; its full name when they did
    not write it themselves."""
    for word in prompt.echo.split(" "):
        flag = SPELLINGS.get(word[2:].lower()) if word.startswith("--") else None
        if flag is not None and flag.field == field:
            return word
    return next((f"--{flag.name}" for flag in FLAGS if flag.field == field), f"--{field}")


def format_prompt(prompt: Prompt, versions: Versions = VERSIONS) -> str:
    """`prompt` written out from its values in one plain order; parsing it gives the same value."""
    version = versions.named(prompt.version)
    if version is None:
        raise KeyError(prompt.version)
    pieces = [_weighted(f"<{escape(image.url)}>", image.weight) for image in prompt.images]
    pieces += [_parts(prompt.parts), _negatives(prompt.negatives), version.echo, *_flags(prompt.parameters)]
    pieces += _references(prompt.parameters, whole=True)
    return " ".join(piece for piece in pieces if piece)


def flags_typed(prompt: Prompt) -> str:
    """What stands behind the words of an echo, the version only where it was typed."""
    flags = _FLAGS.search(prompt.echo)
    words = flags[0].split() if flags else []
    named = VERSIONS.named(prompt.version)
    if named is not None and not (prompt.parameters.version or prompt.parameters.niji):
        version = named.echo.split()
        places = range(len(words) - len(version), -1, -1)
        place = next((place for place in places if words[place : place + len(version)] == version), None)
        if place is not None:
            del words[place : place + len(version)]
    return " ".join(words)


def without_manner(prompt: Prompt) -> Prompt:
    """`prompt` without its `--zoom` and `--motion`, in its echo too: they say how one result is made, not what is to
    be seen."""
    if prompt.parameters.zoom is None and prompt.parameters.motion is None:
        return prompt
    parameters = replace(prompt.parameters, zoom=None, motion=None)
    return replace(prompt, echo=_THIS_ONE.sub("", prompt.echo).lstrip(), parameters=parameters)


def with_words(prompt: Prompt, words: str) -> Prompt:
    """`prompt` with further words behind its own, in its echo too; plain words, without marks of the language."""
    flags = _FLAGS.search(prompt.echo)
    text, behind = (prompt.echo[: flags.start()], flags[0]) if flags else (prompt.echo, "")
    if len(prompt.parts) == 1 and prompt.parts[0].weight == 1 and "::" not in text:
        text, part = f"{text.rstrip(' ,')}, {words}", f"{prompt.parts[0].text.rstrip(' ,')}, {words}"
        parts: tuple[Part, ...] = (Part(part),)
    elif prompt.parts:  # of several parts it is one more
        end = "" if re.search(r"::\S*$", text) else " ::"
        text, parts = f"{text}{end} {words}", (*prompt.parts, Part(words))
    else:
        text, parts = f"{text} {words}".strip(), (Part(words),)
    return replace(prompt, echo=text + behind, parts=parts)


def with_sampler(prompt: Prompt, sampler: str) -> Prompt:
    """`prompt` drawn by this sampler, in its echo too; itself where it names one."""
    if prompt.parameters.sampler is not None:
        return prompt
    named = f"{prompt.echo} --sampler {sampler}"
    return replace(prompt, echo=named, parameters=replace(prompt.parameters, sampler=sampler))


def kept_flags(flags: str, fields: Collection[str], *, others: bool = False) -> str:
    """Of flags as they stand behind a prompt, those that fill one of these fields, or all `others`."""
    groups: list[list[str]] = []
    for word in flags.split():
        if word.startswith("--") or not groups:
            groups.append([])
        groups[-1].append(word)
    kept = (group for group in groups if (_field_of(group[0]) in fields) is not others)
    return " ".join(word for group in kept for word in group)


def _field_of(dashed: str) -> str | None:
    flag = SPELLINGS.get(dashed[2:].lower())
    return None if flag is None else flag.field


def unbreakable(echo: str) -> str:
    """`echo` with escaped asterisks where plain ones would end the bold type that it stands in."""
    echo = echo.rstrip(" *\\")
    return _STARS.sub(lambda run: run[0] if run[0] == "*" and run.start() else "\\*" * run[0].count("*"), echo)


def number_text(number: float) -> str:
    """A number without exponent or needless zeros: `2`, `.5`, `-.25`."""
    if number == int(number):
        return str(int(number))
    return f"{Decimal(repr(number)):f}".replace("0.", ".", 1) if abs(number) < 1 else f"{Decimal(repr(number)):f}"


def _text(line: Line) -> str:
    """The text as typed, its links in angle brackets."""
    source = line.source.text
    pieces: list[str] = []
    for item in line.items:
        typed = source[item.start : item.end]
        glue = " " if pieces and source[item.start - 1] == " " else ""
        pieces.append(glue + (echoed(typed) if isinstance(item, Link) else typed))
    return "".join(pieces)


def _as_typed(line: Line, given: Given) -> str:
    dashed = "--" + typed_name(line.source, given)
    if given.flag.kind is Kind.VIDEO:
        return f"{dashed} 1"
    words = [line.source.text[start:end] for start, end in given.words]
    if given.flag.kind is Kind.LINK:
        words = [echoed(word) for word in words]
    return " ".join([dashed, *words])


def _parts(parts: tuple[Part, ...]) -> str:
    if len(parts) == 1 and parts[0].weight == 1:
        return escape(parts[0].text)
    pieces = []
    for index, part in enumerate(parts):
        text = escape(part.text)
        gap = " " if text.endswith((":", *DASHES)) else ""
        weight = "" if part.weight == 1 else number_text(part.weight)
        last = index == len(parts) - 1
        pieces.append(text if last and not weight else f"{text}{gap}::{weight}")
    return " ".join(pieces)


def _negatives(items: tuple[str, ...]) -> str:
    if not items:
        return ""
    pieces = [escape(item) + (" " if item.endswith(tuple(DASHES)) else "") for item in items]
    return "--no " + ", ".join(pieces).rstrip()


def _flags(parameters: Parameters) -> list[str]:
    """Every parameter that is set, references and versions aside."""
    pieces: list[str] = []
    for flag in FLAGS:
        if flag.name in REFERENCE_FLAGS or flag.name in SELECTORS or flag.field in ("no", "legacy"):
            continue
        value = getattr(parameters, flag.field)
        if value is None or value is False or (value == () and flag.kind is not Kind.CODES):
            continue
        if flag.field in ("speed", "visibility"):
            pieces += [f"--{flag.name}"] if value == flag.name else []
        else:
            pieces.append(_flag(flag, value))
    for legacy in parameters.legacy:
        pieces.append(f"--{legacy.name}" if legacy.value is None else f"--{legacy.name} {legacy.value}")
    return pieces


def _flag(flag: Flag, value: object) -> str:
    match value:
        case True:
            return f"--{flag.name} 1" if flag.kind is Kind.VIDEO else f"--{flag.name}"
        case (int(width), int(height)):
            return f"--{flag.name} {width}:{height}"
        case tuple(items):
            words = (_weighted(one.value, one.weight) if isinstance(one, Reference) else str(one) for one in items)
            return " ".join([f"--{flag.name}", *words])
        case int() | float():
            return f"--{flag.name} {number_text(value)}"
        case _ if flag.kind is Kind.LINK:
            return f"--{flag.name} <{escape(str(value))}>"
        case _:
            return f"--{flag.name} {value}"


def _references(parameters: Parameters, *, whole: bool = False) -> list[str]:
    """The references, as an echo shows them or with their links whole."""
    pieces: list[str] = []
    for name in REFERENCE_FLAGS:
        flag = FLAG[name]
        value = getattr(parameters, flag.field)
        references: tuple[Reference, ...] = value if isinstance(value, tuple) else (value,) if value else ()
        if references:
            pieces.append(" ".join([f"--{flag.name}", *(_reference(reference, whole) for reference in references)]))
    return pieces


def _reference(reference: Reference, whole: bool) -> str:
    value = reference.value
    if "://" in value:
        value = f"<{escape(value if whole else lasting(value))}>"
    return _weighted(value, reference.weight, absent=1)


def _weighted(word: str, weight: float | None, absent: float | None = None) -> str:
    return word if weight is None or weight == absent else f"{word}::{number_text(weight)}"
