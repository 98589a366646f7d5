"""A cut line into parts, negatives, images and parameters, with every rule that concerns more than one word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contract.prompt.corrections import misplaced_text_edits, unknown_name_edits
from contract.prompt.flags import FLAG, FLAGS, SELECTORS, SPELLINGS, Kind
from contract.prompt.lexer import Break, Line, Link, Words, glued_flags
from contract.prompt.links import link, refuse_address, refuse_masked, shortened, to_weight
from contract.prompt.permutations import unescape
from contract.prompt.readers import Given, Reader, select, taken, typed_name
from contract.prompt.refusals import Edit, PromptError
from contract.prompt.values import NO_SETTINGS, Context, ImagePrompt, Parameters, Part
from contract.versions import Rule, Version

_MERGED_FIELDS = frozenset({"character_references", "style_references", "legacy"})
_CORRECTED_NAMES = 8
"""With more strangers than this it is not clear what was meant."""
_NEEDS = {"cw": "cref"}
_NO_SETTING = frozenset(
    {"version", "niji", "test", "testp", "fast", "relax", "turbo", "stealth", "public", "no", "width", "height"}
    | {"repeat", "seed", "zoom", "cw", "video", "motion", "loop", "end", "bs"}
)
"""Flags that are no settings: the context says them better, or they make sense only for one prompt."""
_NEEDS_VIDEO = ("motion", "loop", "end", "bs")


@dataclass(frozen=True, slots=True)
class Meaning:
    """A line understood, and the flags it was understood from, for the echo."""

    line: Line
    given: tuple[Given, ...]
    version: Version
    parts: tuple[Part, ...]
    negatives: tuple[str, ...]
    images: tuple[ImagePrompt, ...]
    parameters: Parameters
    defaults: Mapping[str, Any]
    """The settings that were applied because the line says nothing about them."""


def read_line(line: Line, default: Version, context: Context) -> Meaning:
    """The meaning of `line`; `default` is the version when no flag selects one. Raises PromptError."""
    if not context.accepted_before:
        _check_links(line)
    _check_versions(line, context)
    given = _name_flags(line, context)
    version = next((select(context.versions, line.source, one) for one in given if one.flag.name in SELECTORS), default)
    given = tuple(_as_width(one, line, version) for one in given)
    values, negatives = _values(line, given, version, context)
    defaults = _applicable_defaults(values, version, context.defaults)
    values |= defaults
    parts, images = _text(line, version)
    _check_combinations(line, given, version, context)
    _check_content(line, parts, images, version, values, context)
    return Meaning(line, given, version, parts, negatives, images, Parameters(**values), defaults)


def _check_links(line: Line) -> None:
    """PromptError `invalid_link` for addresses that are no picture prompts: Discord would make links of them."""
    places = [(item.start, item.end) for item in line.items if isinstance(item, Words)]
    for raw in line.flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.kind is Kind.LIST and raw.words:
            places.append((raw.words[0][0], raw.words[-1][1]))
    for start, end in places:
        refuse_address(line.source, start, end)
    for item in line.items:
        if isinstance(item, Link):
            refuse_masked(line.source, item.start)


def _check_versions(line: Line, context: Context) -> None:
    """PromptError for the first version that does not exist, whatever else is wrong: in `--v 9 fox` it is to blame."""
    for raw in line.flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.name in SELECTORS and raw.words:
            words = [line.source.text[start:end] for start, end in raw.words]
            select(context.versions, line.source, Given(flag, raw.start, raw.end, raw.words[: taken(flag, words)]))


def _name_flags(line: Line, context: Context) -> tuple[Given, ...]:
    """The flags by their full names. PromptError `unrecognized_parameter` names every word that is none of them."""
    given: list[Given] = []
    strangers: list[str] = []
    places: list[tuple[int, int]] = []
    edits: list[tuple[Edit, ...]] = []
    text = line.source.text
    for raw in line.flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is None:
            strangers.append(raw.name or text[raw.start : raw.end])
            places.append((raw.start, raw.end))
            if len(places) <= _CORRECTED_NAMES:
                edits.append(unknown_name_edits(line.source, raw))
            continue
        words = [text[start:end] for start, end in raw.words]
        count = taken(flag, words)
        given.append(Given(flag, raw.start, raw.end, raw.words[:count]))
        if count < len(words):
            strangers += words[count:]
            places.append((raw.words[count][0], raw.words[-1][1]))
            if len(places) <= _CORRECTED_NAMES:
                edits.append(misplaced_text_edits(line, places[-1], raw.words[count - 1] if count else None))
    glued = [] if context.accepted_before else list(glued_flags(line))
    for start, end, name in glued:
        strangers.append(f"--{name}")
        places.append((start, end))
        span = line.source.span(start, end)
        if len(places) <= _CORRECTED_NAMES:
            edits.append((Edit(*span, f" --{name}"),) if span else ())
    if strangers:
        raise PromptError(
            "unrecognized_parameter",
            "glued" if len(glued) == len(strangers) else "",
            param=shortened(strangers[0]),
            span=line.source.span(*places[0]),
            edits=tuple(edit for group in edits for edit in group) if all(edits) and len(edits) == len(places) else (),
            words=shortened(", ".join(strangers), 300),
        )
    return tuple(given)


def _as_width(given: Given, line: Line, version: Version) -> Given:
    """`--w` is a width in the versions that have one, and weird in the others."""
    if given.flag.name != "weird" or version.rule("width") is None:
        return given
    return Given(FLAG["width"], given.start, given.end, given.words)


def _values(
    line: Line, given: tuple[Given, ...], version: Version, context: Context
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Field by field what the flags say: the first of several counts, lists are joined; and the items of `--no`."""
    values: dict[str, Any] = {}
    negatives: tuple[str, ...] = ()
    selected = False
    style = next(
        (line.source.text[slice(*one.words[0])].lower() for one in given if one.flag.name == "style" and one.words),
        None,
    )
    others = context.versions if context.command == "prefer_suffix" else None
    reader = Reader(line.source, version, style, others)
    for one in given:
        name, field = one.flag.name, one.flag.field
        if name in SELECTORS:
            if not selected:
                values[field] = version.name.removeprefix("niji ")
            else:
                select(context.versions, line.source, one)
            selected = True
            continue
        value = reader.read(one)
        if name == "no":
            negatives += value  # type: ignore[operator]
        elif field == "legacy":
            values[field] = (*values.get(field, ()), value)
        elif field in _MERGED_FIELDS:
            values[field] = values.get(field, ()) + value
        else:
            values.setdefault(field, value)
    return values, negatives


def _text(line: Line, version: Version) -> tuple[tuple[Part, ...], tuple[ImagePrompt, ...]]:
    """The weighted parts and the links of the text. PromptError for a weight or a link that is none."""
    text = line.source.text
    parts: list[Part] = []
    images: list[ImagePrompt] = []
    words: list[str] = []
    for item in line.items:
        match item:
            case Words(start, end):
                words.append(text[start:end])
            case Link(start, end):
                images.append(ImagePrompt(*link(line.source, start, end)))
            case Break():
                weight = _weight(line, item, version)
                if words:
                    parts.append(Part(unescape(" ".join(words)), weight))
                words = []
    if words:
        parts.append(Part(unescape(" ".join(words))))
    return tuple(parts), tuple(images)


def _weight(line: Line, item: Break, version: Version) -> float:
    span = line.source.span(item.start, item.end)
    if version.weights == "none":
        raise PromptError("incompatible", "multi_prompt", param="::", span=span, version=version.label)
    if item.number is None:
        return 1.0
    weight = to_weight(item.number, span)
    if version.weights == "integer" and weight != int(weight):
        raise PromptError("bad_value", "whole_weight", span=span, version=version.label, value=item.number)
    return weight


def _check_combinations(line: Line, given: tuple[Given, ...], version: Version, context: Context) -> None:
    """PromptError for flags that need another one, another command, or a profile that is not there yet."""
    names = {one.flag.name for one in given}
    for one in given:
        name = one.flag.name
        span = line.source.span(one.start, one.end)
        needed = _NEEDS.get(name)
        if name in _NEEDS_VIDEO and context.command != "video":
            needed = "video"
        if needed and needed not in names and context.command != "prefer_suffix":
            typed = typed_name(line.source, one)
            raise PromptError("incompatible", "needs", param=name, span=span, parameter=typed, needed=needed)
        if name == "zoom" and context.command != "custom_zoom":
            raise PromptError("command_not_supported", "zoom", param=name, span=span)
        if name == "no" and context.command == "shorten":
            raise PromptError("command_not_supported", "no", param=name, span=span)
        if name == "profile" and not one.words and not context.profile_ready:
            typed = typed_name(line.source, one)
            edits = (Edit(*span, ""),) if span else ()
            raise PromptError("not_enough_ratings", param=name, span=span, edits=edits, parameter=typed)
    if context.command == "shorten":
        for item in line.items:
            if isinstance(item, Break):
                span = line.source.span(item.start, item.end)
                raise PromptError("command_not_supported", "multi_prompt", param="::", span=span)


def _check_content(
    line: Line,
    parts: tuple[Part, ...],
    images: tuple[ImagePrompt, ...],
    version: Version,
    values: dict[str, Any],
    context: Context,
) -> None:
    """PromptError when there is nothing to draw, one link alone, or weights that cancel out."""
    if parts:
        total = sum((Decimal(str(part.weight)) for part in parts), Decimal(0))
        if total <= 0:
            start = line.items[0].start
            raise PromptError("weight_sum", span=line.source.span(start, line.text_end), sum=f"{total.normalize():f}")
        return
    starts_from_picture = context.command in ("custom_zoom", "video", "prefer_suffix", "blend")
    if starts_from_picture or (images and values.get("video")):
        return
    if not images:
        raise PromptError("empty_prompt")
    if len(images) == 1:
        raise PromptError("single_image", version=version.label)


def _applicable_defaults(values: dict[str, Any], version: Version, settings: Parameters) -> dict[str, Any]:
    """Of the settings, those that the line leaves open and the version takes."""
    chosen: dict[str, Any] = {}
    if settings is NO_SETTINGS:
        return chosen
    for flag in FLAGS:
        value = getattr(settings, flag.field, None)
        if flag.name in _NO_SETTING or flag.field == "legacy" or flag.field in values or value in (None, False, ()):
            continue
        if flag.field in ("style", "raw") and ("style" in values or "raw" in values):
            continue
        rule = version.rule(flag.name, values.get("style"))
        if rule is not None and _allows(rule, value):
            chosen[flag.field] = value
    return chosen


def _allows(rule: Rule, value: object) -> bool:
    """Whether a setting's value is within a rule."""
    match value:
        case True:
            return True
        case (int(width), int(height)):
            if rule.choices:
                return f"{width}:{height}" in rule.choices
            return (rule.low is None or width / height >= rule.low) and (
                rule.high is None or width / height <= rule.high
            )
        case int() | float():
            if rule.choices:
                return value in rule.choices
            return (rule.low is None or value >= rule.low) and (rule.high is None or value <= rule.high)
        case str():
            return not rule.choices or value in rule.choices
        case _:
            return True
