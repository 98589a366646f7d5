"""One flag's words into one value, by the rules of the version."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

from contract.prompt.corrections import parted_flag
from contract.prompt.flags import Flag, Kind
from contract.prompt.lexer import DASHES, NUMBER
from contract.prompt.links import is_link, link, link_weight, shortened, split_weight
from contract.prompt.permutations import unescape
from contract.prompt.refusals import Edit, PromptError, Span
from contract.prompt.source import Source
from contract.prompt.values import LegacyFlag, Reference
from contract.versions import Rule, Version, Versions

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(NUMBER)
_ASPECT = re.compile(r"([0-9]{1,6}):([0-9]{1,6})")
_ASPECT_SLIP = re.compile(r"([0-9]{1,5}(?:\.[0-9]{1,4})?)[:x×/;=_-]([0-9]{1,5}(?:\.[0-9]{1,4})?)[,.;]?", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z0-9]+|<@!?[0-9]{1,20}>")
_STYLE_NUMBER = re.compile(r"[0-9]{1,18}")
_TUNER_CODE = re.compile(r"random-(?:16|32|64|128)|(?:raw-)?[a-z0-9]{8,}(?:-[a-z0-9]{8,})*", re.IGNORECASE)

_COMMA = re.compile("[,，、﹐]")
"""Commas of other keyboards part a list too."""

Word = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """A flag as given: what it is, where it stands and the words that are its value."""

    flag: Flag
    start: int
    end: int
    words: list[Word]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads values out of one line for one version. Every method raises PromptError for what it cannot take."""

    source: Source
    version: Version
    style: str | None = None
    others: Versions | None = None
    """Versions whose rules stand in for those that `version` lacks: a suffix may be meant for any of them."""

    def read(self, given: Given) -> object:
        """The value of one flag. PromptError `incompatible`, `missing_value`, `bad_value` or `invalid_link`."""
        flag = given.flag
        rule = self.version.rule(flag.name, self.style)
        if rule is None and self.others is not None:
            rule = next((rule for version in self.others if (rule := version.rule(flag.name))), None)
        if rule is None:
            raise self._unknown_here(given)
        if not given.words and flag.kind in _NEEDS_WORD:
            span = self.source.span(given.start, given.end)
            raise PromptError(
                "missing_value",
                param=flag.name,
                span=span,
                parameter=typed_name(self.source, given),
                example=flag.example,
            )
        return _READERS[flag.kind](self, given, rule)

    def word(self, word: Word) -> str:
        """A word's text."""
        return self.source.text[word[0] : word[1]]

    def integer(self, given: Given, rule: Rule) -> object:
        """A whole number in the rule's range, or one of its choices."""
        text = plain(self.word(given.words[0]))
        if not _INTEGER.fullmatch(text):
            raise self._bad(given, "integer", _whole(text))
        number = int(text)
        self._check_range(given, rule, number)
        if rule.choices and number not in rule.choices:
            raise self._bad(given, "choice", choices=_listed(rule.choices), version=self.version.label)
        if given.flag.field == "legacy":
            return LegacyFlag(given.flag.name, number)
        return number

    def decimal(self, given: Given, rule: Rule) -> object:
        """A number in the rule's range, or the nearest of its choices (the smaller of two equally near)."""
        text = plain(self.word(given.words[0]))
        if len(text) > 12 or not _DECIMAL.fullmatch(text):
            raise self._bad(given, "decimal", _decimal(text))
        number = float(text)
        if rule.nearest:
            return min((float(choice) for choice in rule.choices), key=lambda choice: (abs(choice - number), choice))
        self._check_range(given, rule, number)
        return number

    def aspect(self, given: Given, rule: Rule) -> object:
        """(width, height), reduced; in the older versions the closest ratio they know."""
        text = plain(self.word(given.words[0]))
        found = _ASPECT.fullmatch(text)
        width, height = (int(found[1]), int(found[2])) if found else (0, 0)
        if not width or not height:
            raise self._bad(given, "aspect", _repaired_aspect(text))
        if rule.choices:
            ratio = Fraction(width, height)
            closest = min(map(_ratio, rule.choices), key=lambda choice: abs(choice - ratio))
            return closest.numerator, closest.denominator
        low = 0 if rule.low is None else rule.low
        high = width if rule.high is None else rule.high
        if low <= width / height <= high:
            divisor = gcd(width, height)
            return width // divisor, height // divisor
        inside = Fraction(low if width / height < low else high).limit_denominator(1000)
        if not rule.nearest:
            bounds = [_colon(Fraction(bound).limit_denominator(1000)) for bound in (low, high)]
            raise self._bad(given, "range", _colon(inside), low=bounds[0], high=bounds[1], version=self.version.label)
        return inside.numerator, inside.denominator

    def choice(self, given: Given, rule: Rule) -> object:
        """One of the rule's words, or a tuner's style code where the rule takes them."""
        text = plain(self.word(given.words[0]))
        if text.lower() in rule.choices:
            return text.lower()
        if rule.codes and _TUNER_CODE.fullmatch(text):
            return text
        bare = text.rstrip(",;.")
        raise self._bad(
            given,
            "choice",
            bare if bare.lower() in rule.choices else None,
            choices=_listed(rule.choices),
            version=self.version.label,
        )

    def switch(self, given: Given, rule: Rule) -> object:
        """True, or the flag's own word where several flags share a field."""
        match given.flag.field:
            case "speed" | "visibility":
                return given.flag.name
            case "legacy":
                return LegacyFlag(given.flag.name)
            case _:
                return True

    def link(self, given: Given, rule: Rule) -> object:
        """One address."""
        return link(self.source, *given.words[0])[0]

    def references(self, given: Given, rule: Rule) -> object:
        """Links (and for --sref numbers or `random`), each with a weight; one alone for --oref."""
        flag = given.flag
        references = tuple(self._reference(given, word) for word in given.words)
        if flag.name != "oref":
            return references
        if len(references) > 1:
            raise self._bad(given, "one_reference", count=len(references))
        return references[0]

    def codes(self, given: Given, rule: Rule) -> object:
        """Profile codes as typed; none for a bare flag."""
        return tuple(self.word(word) for word in given.words)

    def items(self, given: Given, rule: Rule) -> object:
        """The items of a comma list, empty ones left out."""
        text = self.source.text[given.words[0][0] : given.words[-1][1]]
        # An echo may end with the list, and cannot end with an asterisk.
        items = tuple(item for piece in _COMMA.split(text) if (item := unescape(piece.strip()).rstrip(" *\\")))
        if not items:
            span = self.source.span(given.start, given.end)
            typed = typed_name(self.source, given)
            raise PromptError("missing_value", param="no", span=span, parameter=typed, example=given.flag.example)
        return items

    def _reference(self, given: Given, word: Word) -> Reference:
        text = self.word(word)
        span = self.source.span(*word)
        if is_link(text):
            address, weight = link(self.source, *word)
            return Reference(address, 1.0 if weight is None else weight)
        value, number = split_weight(text)
        value = value.lower()
        if given.flag.name == "sref" and (value == "random" or _STYLE_NUMBER.fullmatch(value)):
            value = value if value == "random" else str(int(value))
            return Reference(value, 1.0 if number is None else link_weight(number, span))
        raise PromptError(
            "bad_value",
            "style_reference" if given.flag.name == "sref" else "reference",
            param=given.flag.name,
            span=span,
            parameter=given.flag.name,
            value=shortened(text),
        )

    def _check_range(self, given: Given, rule: Rule, number: float) -> None:
        low = number if rule.low is None else rule.low
        high = number if rule.high is None else rule.high
        if not low <= number <= high:
            nearest = _number(low if number < low else high)
            raise self._bad(given, "range", nearest, low=_number(low), high=_number(high), version=self.version.label)

    def _bad(self, given: Given, reason: str, instead: str | None = None, **values: str | int) -> PromptError:
        """PromptError `bad_value` for the flag's first word; `instead` is what it was obviously meant to be."""
        start, end = given.words[0]
        span = self.source.span(start, end)
        text = self.word((start, end))
        instead = instead or parted_flag(text)
        edits = (Edit(*span, instead),) if span and instead else ()
        value = shortened(text)
        return self._error(given, "bad_value", reason, span, edits, value=value, **values)

    def _unknown_here(self, given: Given) -> PromptError:
        """The version lacks this flag: refused by name, the first year's flags as if nobody had heard of them."""
        span = self.source.span(given.start, given.end)
        if given.flag.field == "legacy":
            name = typed_name(self.source, given)
            return PromptError("unrecognized_parameter", param=name, span=span, words=name)
        return self._error(given, "incompatible", "version", span, (), version=self.version.label)

    def _error(
        self, given: Given, kind: str, reason: str, span: Span | None, edits: tuple[Edit, ...], **values: Any
    ) -> PromptError:
        typed = typed_name(self.source, given)
        return PromptError(kind, reason, param=given.flag.name, span=span, edits=edits, parameter=typed, **values)


_READERS: dict[Kind, Callable[[Reader, Given, Rule], object]] = {
    Kind.SWITCH: Reader.switch,
    Kind.INTEGER: Reader.integer,
    Kind.DECIMAL: Reader.decimal,
    Kind.ASPECT: Reader.aspect,
    Kind.WORD: Reader.choice,
    Kind.VIDEO: Reader.switch,
    Kind.LINK: Reader.link,
    Kind.REFERENCES: Reader.references,
    Kind.CODES: Reader.codes,
    Kind.LIST: Reader.items,
}
_NEEDS_WORD = {Kind.INTEGER, Kind.DECIMAL, Kind.ASPECT, Kind.WORD, Kind.LINK, Kind.REFERENCES, Kind.LIST}


def plain(word: str) -> str:
    """A value without the wide letters and digits of other keyboards: `３：２` is `3:2`."""
    return word if word.isascii() else unicodedata.normalize("NFKC", word)


def typed_name(source: Source, given: Given) -> str:
    """A flag's name as typed, in lower case, without its dashes."""
    return source.text[given.start : given.end].lstrip(DASHES).lower()


def taken(flag: Flag, words: list[str]) -> int:
    """How many of the words after `flag` are its value; the rest is text in the wrong place."""
    match flag.kind:
        case Kind.SWITCH:
            return 0
        case Kind.VERSION:
            if flag.name in ("test", "testp"):
                return 0
            return 1 if words and (flag.name == "version" or words[0][0].isdigit()) else 0
        case Kind.VIDEO:
            return 1 if words and words[0] == "1" else 0
        case Kind.LIST:
            return len(words)
        case Kind.CODES:
            return _leading(words, lambda word: _CODE.fullmatch(word) is not None)
        case Kind.REFERENCES:
            return max(_leading(words, _is_reference), min(1, len(words)))
        case _:
            return min(1, len(words))


def select(versions: Versions, source: Source, given: Given) -> Version:
    """The version that a selecting flag asks for. PromptError `missing_value` or `bad_value`."""
    flag = given.flag
    span = source.span(given.start, given.end)
    spelling = plain(source.text[slice(*given.words[0])]) if given.words else None
    version = versions.selected(flag.name, spelling)
    if version is not None:
        return version
    if spelling is None:
        raise PromptError(
            "missing_value", param=flag.name, span=span, parameter=typed_name(source, given), example=flag.example
        )
    span = source.span(*given.words[0])
    bare = spelling.rstrip(",;.").lower().removeprefix("v")
    instead = bare if versions.selected(flag.name, bare) else parted_flag(spelling)
    edits = (Edit(*span, instead),) if span and instead else ()
    raise PromptError(
        "bad_value",
        "version",
        param=flag.name,
        span=span,
        edits=edits,
        parameter=typed_name(source, given),
        choices=_listed(versions.spellings(flag.name)),
        value=shortened(spelling),
    )


def _leading(words: list[str], fits: Callable[[str], bool]) -> int:
    return next((index for index, word in enumerate(words) if not fits(word)), len(words))


def _is_reference(word: str) -> bool:
    value = split_weight(word)[0]
    return is_link(word) or value.lower() == "random" or _STYLE_NUMBER.fullmatch(value) is not None


def _listed(choices: tuple[object, ...]) -> str:
    return ", ".join(map(str, choices))


def _number(number: float) -> str:
    return f"{number:g}" if abs(number) < 1e6 else str(int(number))


def _ratio(choice: object) -> Fraction:
    width, height = str(choice).split(":")
    return Fraction(int(width), int(height))


def _colon(ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator}"


def _whole(text: str) -> str | None:
    """The whole number that `50,` or `50.4` was meant to be."""
    bare = text.rstrip(",;.%")
    if _INTEGER.fullmatch(bare):
        return bare
    return str(round(float(bare))) if len(bare) <= 12 and _DECIMAL.fullmatch(bare) else None


def _decimal(text: str) -> str | None:
    """The number that `.5,` was meant to be."""
    bare = text.rstrip(",;.")
    return bare if len(bare) <= 12 and _DECIMAL.fullmatch(bare) else None


def _repaired_aspect(text: str) -> str | None:
    """`16x9` as `16:9`, `1.39:1` as `139:100`."""
    found = _ASPECT_SLIP.fullmatch(text)
    if found is None:
        return None
    width, height = Fraction(found[1]), Fraction(found[2])
    if not width or not height:
        return None
    scale = 1
    for side in (width, height):
        scale = scale * side.denominator // gcd(scale, side.denominator)
    return f"{int(width * scale)}:{int(height * scale)}"
