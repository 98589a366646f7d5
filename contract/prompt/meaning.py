"""A cut line into parts, negatives, images and parameters, with every rule that concerns more than one word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contract.prompt.corrections import misplaced_text_edits, unknown_name_edits
from contract.prompt.flags import FLAG, FLAGS, SELECTORS, SPELLINGS, Flag, Kind
from contract.prompt.lexer import Break, Line, Link, RawFlag, Words, glued_flags
from contract.prompt.links import is_link, link, refuse_address, refuse_masked, shortened, to_weight
from contract.prompt.permutations import unescape
from contract.prompt.readers import Given, Reader, left_out, select, taken, typed_name
from contract.prompt.refusals import Edit, PromptError
from contract.prompt.values import NO_SETTINGS, Context, ImagePrompt, Parameters, Part
from contract.versions import Rule, Version

_MERGED_FIELDS = frozenset({"character_references", "style_references", "loras", "edit", "legacy"})
_CORRECTED_NAMES = 8
"""With more strangers than this it is not clear what was meant."""
_NEEDS = {
    "cw": "cref",
    "sw": "sref",
    "sv": "sref",
    "ow": "oref",
    "iw": "image",
    "mt": "map",
    "mw": "map",
    **dict.fromkeys(("motion", "loop", "end", "bs"), "video"),
}
"""Flags that say something about another one, or about picture prompts (`image`): alone they mean nothing."""
_NO_SETTING = frozenset(
    {"version", "niji", "test", "testp", "fast", "relax", "turbo", "stealth", "public", "no", "width", "height"}
    | {"repeat", "seed", "zoom", "map", "edit", "video", *_NEEDS}
)
"""Flags that are no settings: the context says them better, or they make sense only for one prompt."""
_EXCLUDES = (("hd", "sd"), ("hd", "draft"), ("edit", "tile"))
"""Pairs of flags that do not go together."""
_ANY_VERSION = ("prefer_suffix", "edit")
"""Commands whose flags may be those of any version."""
MAX_EDITED = 4
"""Pictures that `--edit` takes."""
_SOME_WORDS = "a picture"
"""They say nothing that the picture beside them does not say."""
_MOODBOARD = re.compile(r"m[0-9]+", re.IGNORECASE)


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
    asked = [one for one in given if one.flag.name in SELECTORS]
    now = not context.accepted_before
    version = select(context.versions, line.source, asked[0], now=now) if asked else default
    given = tuple(_as_width(one, line, version) for one in given)
    _check_size(line, given, version)
    given = _without_idle(line, given, context)
    _check_pictures(line, given)
    values, negatives = _values(line, given, version, context, asked[0] if asked else None)
    defaults = _applicable_defaults(values, version, context.defaults)
    values |= defaults
    parts, images = _text(line, version)
    _check_combinations(line, given, version, context)
    _check_content(line, given, parts, images, version, values, context)
    return Meaning(line, given, version, parts, negatives, images, Parameters(**values), defaults)


def _check_links(line: Line) -> None:
    """PromptError `invalid_link` for addresses that are no picture prompts: Discord would make links of them."""
    places = [(item.start, item.end) for item in line.items if isinstance(item, Words)]
    for raw in line.flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.kind is Kind.LIST and raw.words:
            _check_listed(line, flag, raw)
            places.append((raw.words[0][0], raw.words[-1][1]))
    for start, end in places:
        refuse_address(line.source, start, end)
    for item in line.items:
        if isinstance(item, Link):
            refuse_masked(line.source, item.start)


def _check_listed(line: Line, flag: Flag, raw: RawFlag) -> None:
    """PromptError for a picture's link among the words of a list: it belongs before them."""
    text = line.source.text
    linked = [place for place in raw.words if is_link(text[slice(*place)])]
    if linked:
        edits = tuple(edit for place in linked for edit in misplaced_text_edits(line, flag, place, place, None))
        word = shortened(text[slice(*linked[0])])
        raise PromptError("invalid_link", "inside", span=line.source.span(*linked[0]), edits=edits, link=word)


def _check_versions(line: Line, context: Context) -> None:
    """PromptError for the first version that does not exist, whatever else is wrong: in `--v 9 fox` it is to blame."""
    for raw in line.flags:
        flag = SPELLINGS.get(raw.name.lower())
        if flag is not None and flag.name in SELECTORS and raw.words:
            words = [line.source.text[start:end] for start, end in raw.words]
            given = Given(flag, raw.start, raw.end, raw.words[: taken(flag, words)])
            select(context.versions, line.source, given, now=not context.accepted_before)


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
                value = raw.words[count - 1] if count else None
                edits.append(misplaced_text_edits(line, flag, (raw.start, raw.end), places[-1], value))
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


def _check_size(line: Line, given: tuple[Given, ...], version: Version) -> None:
    """PromptError for `--w 1024 --h 768` where a picture has a shape, and no size: there `--w` alone would be weird."""
    sides = {one.flag.name: one for one in reversed(given) if one.flag.name in ("width", "weird", "height")}
    across, down = sides.get("width") or sides.get("weird"), sides.get("height")
    if across is None or down is None or version.rule("height") is not None:
        return
    text = line.source.text
    numbers = [text[slice(*one.words[0])] if one.words else "" for one in (across, down)]
    edits = left_out(line.source, across), left_out(line.source, down)
    shape = ""
    if all(number.isdecimal() and 0 < int(number) < 100_000 for number in numbers):
        ratio = Fraction(*map(int, numbers))
        shape = f"--ar {ratio.numerator}:{ratio.denominator}"
    shaped = (replace(edits[0][0], replacement=shape), *edits[1]) if all(edits) else ()
    words = ", ".join(typed_name(line.source, one) for one in (across, down))
    span = line.source.span(across.start, across.end)
    raise PromptError("unrecognized_parameter", param=words.partition(",")[0], span=span, edits=shaped, words=words)


def _check_pictures(line: Line, given: tuple[Given, ...]) -> None:
    """PromptError for a flag without its picture where one is linked to elsewhere: `<link> make it red --edit`."""
    links = [(item.start, item.end) for item in line.items if isinstance(item, Link)]
    for one in given:
        if links and not one.words and one.flag.kind in (Kind.REFERENCES, Kind.LINK):
            meant = links[: MAX_EDITED if one.flag.name == "edit" else 1]
            spans, span = [line.source.span(*place) for place in meant], line.source.span(one.start, one.end)
            moved = "".join(f" {line.source.text[slice(*place)]}" for place in meant)
            edits = [Edit(*place, "") for place in spans if place]
            edits += [Edit(span[1], span[1], moved)] if span and all(spans) else []
            typed, example = typed_name(line.source, one), one.flag.example
            raise PromptError(
                "missing_value", param=one.flag.name, span=span, edits=tuple(edits), parameter=typed, example=example
            )


def _without_idle(line: Line, given: tuple[Given, ...], context: Context) -> tuple[Given, ...]:
    """`given` without what has nothing to say here: a suffix or shortcut with `--sw 50` waits for its `--sref`."""
    return tuple(
        one
        for one in given
        if line.source.span(one.start, one.end) is not None or _lacking(line, one, given, context) is None
    )


def _lacking(line: Line, one: Given, given: tuple[Given, ...], context: Context) -> str | None:
    """What a flag speaks of that is not there; None where it is, or where the flag speaks for itself."""
    needed = _NEEDS.get(one.flag.name)
    if needed is None or context.accepted_before or context.command == "prefer_suffix":
        return None
    if needed == "image":
        return None if any(isinstance(item, Link) for item in line.items) else needed
    is_there = needed in {other.flag.name for other in given} or needed == context.command
    return None if is_there else needed


def _values(
    line: Line, given: tuple[Given, ...], version: Version, context: Context, selector: Given | None
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Field by field what the flags say: the first of several counts, lists are joined; and the items of `--no`."""
    values: dict[str, Any] = {}
    negatives: tuple[str, ...] = ()
    selected = False
    others = context.versions if context.command in _ANY_VERSION else None
    reader = Reader(line.source, version, _beside(line, given), others, selector)
    for one in given:
        name, field = one.flag.name, one.flag.field
        if name in SELECTORS:
            if not selected:
                values[field] = version.name.removeprefix("niji ")
            else:
                select(context.versions, line.source, one, now=not context.accepted_before)
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


def _beside(line: Line, given: tuple[Given, ...]) -> frozenset[str]:
    """The flags that may bring rules of their own, as `contract.versions.Row.beside` writes them."""
    switches = {f"--{one.flag.name}" for one in given if one.flag.kind is Kind.SWITCH}
    words = (line.source.text[slice(*one.words[0])].lower() for one in given if one.flag.name == "style" and one.words)
    return frozenset(switches | {f"--style {word}" for word in words})


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
        edits = (Edit(*span, " "),) if span else ()
        raise PromptError("incompatible", "multi_prompt", param="::", span=span, edits=edits, version=version.label)
    if item.number is None:
        return 1.0
    weight = to_weight(item.number, span, (Edit(*span, ":: "),) if span else ())
    if version.weights == "integer" and weight != int(weight):
        nearest = round(weight) or (1 if weight > 0 else -1)
        edits = (Edit(*span, f"::{nearest} "),) if span else ()
        raise PromptError("bad_value", "whole_weight", span=span, edits=edits, version=version.label, value=item.number)
    return weight


def _check_combinations(line: Line, given: tuple[Given, ...], version: Version, context: Context) -> None:
    """PromptError for flags that need another one, another command, or a profile that is not there yet."""
    names = {one.flag.name for one in given}
    boards = [one for one in given if one.flag.name == "profile" and _has_moodboard(line, one)]
    for one in given:
        if boards and one.flag.name in ("sw", "sv"):
            raise _together(line, one, typed_name(line.source, boards[0]), one.flag.name, "moodboard")
    for one in given:
        name = one.flag.name
        span = line.source.span(one.start, one.end)
        needed = _lacking(line, one, given, context)
        if needed is not None:
            reason = "needs_picture" if needed == "image" else "needs"
            typed, edits = typed_name(line.source, one), left_out(line.source, one)
            raise PromptError(
                "incompatible", reason, param=name, span=span, edits=edits, parameter=typed, needed=needed
            )
        if name == "zoom" and context.command != "custom_zoom":
            edits = left_out(line.source, one)
            raise PromptError("command_not_supported", "zoom", param=name, span=span, edits=edits)
        if name == "no" and context.command == "shorten":
            edits = left_out(line.source, one)
            raise PromptError("command_not_supported", "no", param=name, span=span, edits=edits)
        if name == "profile" and not one.words and not context.profile_ready:
            typed = typed_name(line.source, one)
            edits = left_out(line.source, one)
            raise PromptError("not_enough_ratings", param=name, span=span, edits=edits, parameter=typed)
    for first, second in _EXCLUDES:
        if first in names and second in names:
            last = max((one for one in given if one.flag.name in (first, second)), key=lambda one: one.start)
            raise _together(line, last, first, second)
    if context.command == "shorten":
        for item in line.items:
            if isinstance(item, Break):
                span = line.source.span(item.start, item.end)
                edits = (Edit(*span, " "),) if span else ()
                raise PromptError("command_not_supported", "multi_prompt", param="::", span=span, edits=edits)


def _together(line: Line, last: Given, first: str, second: str, reason: str = "together") -> PromptError:
    """The refusal of two flags that do not go together; the one that came last is offered to go."""
    edits = left_out(line.source, last)
    span = (edits[0].start, edits[0].end) if edits else None
    return PromptError(
        "incompatible", reason, param=last.flag.name, span=span, edits=edits, parameter=first, other=second
    )


def _has_moodboard(line: Line, given: Given) -> bool:
    return any(_MOODBOARD.fullmatch(line.source.text[start:end]) for start, end in given.words)


def _check_content(
    line: Line,
    given: tuple[Given, ...],
    parts: tuple[Part, ...],
    images: tuple[ImagePrompt, ...],
    version: Version,
    values: dict[str, Any],
    context: Context,
) -> None:
    """PromptError when there is nothing to draw, one link alone, weights that cancel out, or too much to change."""
    edited = values.get("edit", ())
    if len(edited) > MAX_EDITED:
        edits = _without_pictures(line, given)
        raise PromptError("bad_value", "edit_pictures", param="edit", edits=edits, count=len(edited), limit=MAX_EDITED)
    if edited and not parts:
        raise PromptError("empty_prompt", "edit")
    if parts:
        total = sum((Decimal(str(part.weight)) for part in parts), Decimal(0))
        if total <= 0:
            span = line.source.span(line.items[0].start, line.text_end)
            raise PromptError("weight_sum", span=span, edits=_as_negatives(line, parts), sum=f"{total.normalize():f}")
        return
    starts_from_picture = context.command in ("custom_zoom", "video", "prefer_suffix", "blend")
    if starts_from_picture or (images and values.get("video")):
        return
    if not images:
        raise PromptError("empty_prompt")
    if len(images) == 1:
        [place] = (line.source.span(item.start, item.end) for item in line.items if isinstance(item, Link))
        edits = (Edit(place[1], place[1], f" {_SOME_WORDS}"),) if place else ()
        raise PromptError("single_image", edits=edits, version=version.label)


def _as_negatives(line: Line, parts: tuple[Part, ...]) -> tuple[Edit, ...]:
    """Parts that weigh less than nothing as items of `--no`, and those of no weight left out; no weights at all where
    nothing else is left."""
    weights = [part.weight for part in parts]
    is_left = any(weight > 0 for weight in weights)
    edits: list[Edit | None] = []
    negatives: list[str] = []
    words: list[Words] = []
    for item in line.items:
        if isinstance(item, Words):
            words.append(item)
        elif isinstance(item, Break):
            weight = weights.pop(0) if words else 0
            if not is_left or weight <= 0:
                edits.append(_instead(line, item, " "))
            if is_left and weight <= 0:
                edits += [_instead(line, one, "") for one in words]
                negatives += [" ".join(line.source.text[one.start : one.end] for one in words)] if weight < 0 else []
            words = []
    if negatives:
        end = line.source.span(line.text_end - 1, line.text_end)
        edits.append(Edit(end[1], end[1], f" --no {', '.join(negatives)}") if end else None)
    known = [edit for edit in edits if edit is not None]
    return tuple(known) if len(known) == len(edits) else ()


def _instead(line: Line, item: Words | Break, text: str) -> Edit | None:
    span = line.source.span(item.start, item.end)
    return Edit(*span, text) if span else None


def _without_pictures(line: Line, given: tuple[Given, ...]) -> tuple[Edit, ...]:
    """`--edit` with its first pictures, as many as it takes."""
    edits: list[Edit] = []
    taken_so_far = 0
    for one in given:
        if one.flag.name == "edit":
            places = one.words[max(0, MAX_EDITED - taken_so_far) :]
            if len(places) == len(one.words):
                edits += left_out(line.source, one)
            elif places and (span := line.source.span(places[0][0], places[-1][1])):
                edits.append(Edit(*span, ""))
            taken_so_far += len(one.words)
    return tuple(edits)


def _applicable_defaults(values: dict[str, Any], version: Version, settings: Parameters) -> dict[str, Any]:
    """Of the settings, those that the line leaves open and the version takes."""
    chosen: dict[str, Any] = {}
    beside = (f"--style {values['style']}",) if "style" in values else ("--hd",) if "hd" in values else ()
    if settings is NO_SETTINGS:
        return chosen
    for flag in FLAGS:
        value = getattr(settings, flag.field, None)
        if flag.name in _NO_SETTING or flag.field == "legacy" or flag.field in values or value in (None, False, ()):
            continue
        if flag.field in ("style", "raw") and ("style" in values or "raw" in values):
            continue
        rule = version.rule(flag.name, beside)
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
