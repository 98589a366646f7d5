"""One flag's words into one value, by the rules of the version."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from math import gcd
from typing import Any

from contract.prompt.corrections import parted_flag
from contract.prompt.flags import SELECTORS, SPELLINGS, Flag, Kind
from contract.prompt.lexer import DASHES, NUMBER
from contract.prompt.links import is_link, link, link_weight, shortened, split_weight, to_weight
from contract.prompt.permutations import unescape
from contract.prompt.refusals import Edit, PromptError, Span
from contract.prompt.source import Source
from contract.prompt.values import LegacyFlag, Reference
from contract.versions import Rule, Version, Versions

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL = re.compile(NUMBER)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:[.,'][0-9]{3}){1,3}")
_ASPECT = re.compile(r"([0-9]{1,6}):([0-9]{1,6})")
_ASPECT_SLIP = re.compile(
    r"([0-9]{1,5}(?:\.[0-9]{1,4})?)(?:[:\u2236x×/;=_-]|by|to)([0-9]{1,5}(?:\.[0-9]{1,4})?)[,.;]?", re.IGNORECASE
)
_COMMON = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "5:7", "7:5", "9:16", "16:9", "21:9", "9:21")
_SHAPES = {"portrait": "2:3", "square": "1:1", "landscape": "3:2", "tall": "2:3", "wide": "3:2", "widescreen": "16:9"}
_NEWEST = frozenset({"latest", "newest", "new", "current"})
"""What people write in place of a version's number."""
_SELECTED = re.compile(rf"({'|'.join(sorted(SELECTORS - {'version'}, key=len, reverse=True))})[-_]?([0-9.]*)")
_LOW, _HIGH = frozenset({"min", "minimum", "lowest"}), frozenset({"max", "maximum", "highest"})
_STYLIZE = {"low": 50, "med": 100, "medium": 100, "high": 250}
"""As `/settings` names them."""
_LIKENESS = 0.7
"""How much a word has to be like one that there is, to be meant for it."""
_CODE = re.compile(r"[A-Za-z0-9]+|<@!?[0-9]{1,20}>")
_STYLE_NUMBER = re.compile(r"[0-9]{1,18}")
_NAMED = re.compile(r"[\w.+-]{1,64}")
MAX_STRENGTH = 4.0
"""How strong a LoRA may be, either way: with more, pictures dissolve."""
_WEIGHED = re.compile(r"([\w.+-]+?)(?:[:=]|:=)([+-]?[0-9]*\.?[0-9]+)")
"""A name with its weight behind one colon, as in `ink:0.8`."""
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
    beside: frozenset[str] = frozenset()
    """Other flags of the line that bring rules of their own, such as `--style 4a`."""
    others: Versions | None = None
    """Versions whose rules stand in for those that `version` lacks: a suffix may be meant for any of them."""
    selector: Given | None = None
    """The flag that asks for `version`."""

    def read(self, given: Given) -> object:
        """The value of one flag. PromptError `incompatible`, `missing_value`, `bad_value` or `invalid_link`.

        Its edits leave out what nobody can guess, except a link that is wrong: there the prompt says something else
        without it.
        """
        flag = given.flag
        rule = self.version.rule(flag.name, self.beside)
        if rule is None and self.others is not None:
            rule = next((rule for version in self.others if (rule := version.rule(flag.name))), None)
        if rule is None:
            raise self._unknown_here(given)
        try:
            if not given.words and flag.kind in _NEEDS_WORD:
                span = self.source.span(given.start, given.end)
                edits = self._any_style(given) or left_out(self.source, given)
                reason = "edit" if flag.name == "edit" else ""
                raise self._error(given, "missing_value", reason, span, edits, example=flag.example)
            return _READERS[flag.kind](self, given, rule)
        except PromptError as error:
            if not error.edits and (flag.kind in _SPARED or not is_link(self.word(given.words[0]))):
                error.edits = left_out(self.source, given)
            raise

    def word(self, word: Word) -> str:
        """A word's text."""
        return self.source.text[word[0] : word[1]]

    def integer(self, given: Given, rule: Rule) -> object:
        """A whole number in the rule's range, or one of its choices."""
        text = plain(self.word(given.words[0]))
        if not _INTEGER.fullmatch(text):
            raise self._bad(given, "integer", _whole(text) or _amount(text, given.flag, rule))
        number = int(text)
        self._check_range(given, rule, number)
        if rule.choices and number not in rule.choices:
            nearest = _number(min(map(_as_number, rule.choices), key=lambda choice: abs(choice - number)))
            raise self._bad(given, "choice", nearest, choices=_listed(rule.choices), version=self.version.label)
        if given.flag.field == "legacy":
            return LegacyFlag(given.flag.name, number)
        return number

    def decimal(self, given: Given, rule: Rule) -> object:
        """A number in the rule's range, or the nearest of its choices (the smaller of two equally near)."""
        text = plain(self.word(given.words[0]))
        if len(text) > 12 or not _DECIMAL.fullmatch(text):
            raise self._bad(given, "decimal", _decimal(text) or _amount(text, given.flag, rule))
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
            raise self._bad(given, "range", _colon(inside), low=bounds[0], high=bounds[1], version=self._label(given))
        return inside.numerator, inside.denominator

    def choice(self, given: Given, rule: Rule) -> object:
        """One of the rule's words, or a tuner's style code where the rule takes them."""
        text = plain(self.word(given.words[0]))
        if text.lower() in rule.choices:
            return text.lower()
        if rule.codes and _TUNER_CODE.fullmatch(text):
            return text
        words = [str(choice) for choice in rule.choices]
        meant = get_close_matches(text.rstrip(",;.").lower(), words, n=1, cutoff=_LIKENESS)
        reason = "choice" if len(words) > 1 else "only"
        instead = meant[0] if meant else None
        raise self._bad(given, reason, instead, choices=_listed(rule.choices), version=self.version.label)

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
        return self._address(given, given.words[0])[0]

    def references(self, given: Given, rule: Rule) -> object:
        """Links (and for --sref numbers or `random`), each with a weight; one alone for --oref."""
        flag = given.flag
        references = tuple(self._reference(given, word) for word in given.words)
        if flag.name != "oref":
            return references
        if len(references) > 1:
            span = self.source.span(given.words[1][0], given.words[-1][1])
            edits = (Edit(*span, ""),) if span else ()
            raise self._error(given, "bad_value", "one_reference", span, edits, count=len(references))
        return references[0]

    def names(self, given: Given, rule: Rule) -> object:
        """Names, each with a weight of at most `MAX_STRENGTH` either way."""
        return tuple(self._named(given, word) for word in given.words)

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
            address, weight = self._address(given, word)
            if given.flag.name == "edit" and weight is not None:
                edits = (Edit(*span, text.rpartition("::")[0]),) if span else ()
                raise PromptError(
                    "bad_value", "edit_weight", param="edit", span=span, edits=edits, value=shortened(text)
                )
            return Reference(address, 1.0 if weight is None else weight)
        value, number = split_weight(text)
        value = value.lower()
        if given.flag.name == "sref" and (value == "random" or _STYLE_NUMBER.fullmatch(value)):
            value = value if value == "random" else str(int(value))
            bare: tuple[Edit, ...] = (Edit(*span, value),) if span else ()
            return Reference(value, 1.0 if number is None else link_weight(number, span, bare))
        name = self.source.span(given.start, given.end)
        described = text.replace("-", "").isalpha() and given.flag.name != "edit"  # `--sref watercolor`: a word as any
        as_words: tuple[Edit, ...] = (Edit(*name, ""),) if name and described else ()
        otherwise = as_words or self._any_style(given) or left_out(self.source, given)
        reason = "style_reference" if given.flag.name == "sref" else "reference"
        raise self._error(given, "bad_value", reason, span, otherwise, value=shortened(text))

    def _any_style(self, given: Given) -> tuple[Edit, ...]:
        """`--sref` with a style that chance draws, for one that cannot be known; nothing for other flags."""
        span = self.source.span(given.start, given.words[-1][1] if given.words else given.end)
        if given.flag.name != "sref" or span is None:
            return ()
        return (Edit(*span, f"{self.source.text[given.start : given.end]} random"),)

    def _address(self, given: Given, word: Word) -> tuple[str, float | None]:
        try:
            return link(self.source, *word)
        except PromptError as error:
            if error.kind != "invalid_link" or error.reason:
                raise
            address = error.values["link"]
            raise self._error(given, "invalid_link", "behind", error.span, error.edits, link=address) from None

    def _named(self, given: Given, word: Word) -> Reference:
        span = self.source.span(*word)
        value, number = split_weight(plain(self.word(word)))
        if not _NAMED.fullmatch(value):
            typed = typed_name(self.source, given)
            meant = " --lora ".join(_WEIGHED.sub(r"\1::\2", one) for one in plain(self.word(word)).split(",") if one)
            runs = all(_NAMED.fullmatch(split_weight(one)[0]) for one in meant.split(" --lora "))
            edits = (Edit(*span, meant),) if span and runs else ()
            raise PromptError(
                "bad_value", "name", param="lora", span=span, edits=edits, parameter=typed, value=shortened(value)
            )
        weight = 1.0 if number is None else to_weight(number, span, (Edit(*span, value),) if span else ())
        if abs(weight) > MAX_STRENGTH:
            nearest = f"{value}::{_number(MAX_STRENGTH if weight > 0 else -MAX_STRENGTH)}"
            edits = (Edit(*span, nearest),) if span else ()
            limit = int(MAX_STRENGTH)
            raise self._error(given, "bad_value", "strength", span, edits, value=shortened(str(number)), limit=limit)
        return Reference(value, weight)

    def _label(self, given: Given) -> str:
        """The version, and the flag beside it that makes its rule a narrower one."""
        narrower = sorted(other for other in self.beside if (given.flag.name, other) in self.version.rules)
        return " ".join([self.version.label, *narrower])

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
        instead = instead or parted_flag(text) or _unmarked(text)
        edits = (Edit(*span, instead),) if span and instead else ()
        value = shortened(text)
        return self._error(given, "bad_value", reason, span, edits, value=value, **values)

    def _unknown_here(self, given: Given) -> PromptError:
        """The version lacks this flag: refused by name, the first year's flags as if nobody had heard of them."""
        span = self.source.span(given.start, given.end)
        if given.flag.field == "legacy":
            name = typed_name(self.source, given)
            return PromptError(
                "unrecognized_parameter", param=name, span=span, edits=left_out(self.source, given), words=name
            )
        edits = self._replaced(given) or self._elsewhere(given) or left_out(self.source, given)
        return self._error(given, "incompatible", "version", span, edits, version=self.version.label)

    def _replaced(self, given: Given) -> tuple[Edit, ...]:
        """The flag that took the place of this one in the version, with the same pictures."""
        others = (name for name in _REPLACED.get(given.flag.name, ()) if self.version.rule(name) is not None)
        other, span = next(others, None), self.source.span(given.start, given.end)
        return (Edit(*span, f"--{other}"),) if other and span and self._has_pictures(given) else ()

    def _elsewhere(self, given: Given) -> tuple[Edit, ...]:
        """Without the version that has no use for the pictures, where the words mean nothing without them."""
        needed = given.flag.name == "edit" and self._has_pictures(given)
        return left_out(self.source, self.selector) if self.selector and needed else ()

    def _has_pictures(self, given: Given) -> bool:
        return bool(given.words) and all(is_link(split_weight(self.word(word))[0]) for word in given.words)

    def _error(
        self, given: Given, kind: str, reason: str, span: Span | None, edits: tuple[Edit, ...], **values: Any
    ) -> PromptError:
        typed = typed_name(self.source, given)
        return PromptError(kind, reason, param=given.flag.name, span=span, edits=edits, parameter=typed, **values)


_REPLACED = {"cref": ("edit", "oref"), "oref": ("edit", "cref")}
"""What other versions have in place of a flag, the best first."""

_READERS: dict[Kind, Callable[[Reader, Given, Rule], object]] = {
    Kind.SWITCH: Reader.switch,
    Kind.INTEGER: Reader.integer,
    Kind.DECIMAL: Reader.decimal,
    Kind.ASPECT: Reader.aspect,
    Kind.WORD: Reader.choice,
    Kind.VIDEO: Reader.switch,
    Kind.LINK: Reader.link,
    Kind.REFERENCES: Reader.references,
    Kind.NAMES: Reader.names,
    Kind.CODES: Reader.codes,
    Kind.LIST: Reader.items,
}
_SPARED = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.ASPECT, Kind.WORD, Kind.LIST})
"""Without one of these a prompt is about the same, unlike without its pictures."""
_NEEDS_WORD = _READERS.keys() - {Kind.SWITCH, Kind.VIDEO, Kind.CODES}


def plain(word: str) -> str:
    """A value without the wide letters and digits of other keyboards: `３：２` is `3:2`."""
    return word if word.isascii() else unicodedata.normalize("NFKC", word)


def typed_name(source: Source, given: Given) -> str:
    """A flag's name as typed, in lower case, without its dashes."""
    return source.text[given.start : given.end].lstrip(DASHES).lower()


def left_out(source: Source, given: Given) -> tuple[Edit, ...]:
    """The edit that leaves a flag and its value out; none where they were not typed."""
    span = source.span(given.start, given.words[-1][1] if given.words else given.end)
    return (Edit(*span, ""),) if span is not None else ()


def taken(flag: Flag, words: list[str]) -> int:
    """How many of the words after `flag` are its value; the rest is text in the wrong place."""
    match flag.kind:
        case Kind.SWITCH:
            return 0
        case Kind.VERSION:
            if flag.name in ("test", "testp"):
                return 0
            is_spelling = bool(words) and (words[0][0].isdigit() or words[0].lower() in _NEWEST)
            return 1 if is_spelling or (words and flag.name == "version") else 0
        case Kind.VIDEO:
            return 1 if words and words[0] == "1" else 0
        case Kind.LIST:
            return len(words)
        case Kind.CODES:
            return _leading(words, lambda word: _CODE.fullmatch(word) is not None)
        case Kind.NAMES:  # a second name without a weight would be text
            return min(1, len(words)) + _leading(words[1:], lambda word: split_weight(word)[1] is not None)
        case Kind.REFERENCES:
            return max(_leading(words, _is_reference), min(1, len(words)))
        case _:
            return min(1, len(words))


def select(versions: Versions, source: Source, given: Given, *, now: bool = True) -> Version:
    """The version that a selecting flag asks for; a retired one unless it is asked for `now`. PromptError
    `missing_value` or `bad_value`."""
    flag = given.flag
    span = source.span(given.start, given.end)
    spelling = plain(source.text[slice(*given.words[0])]) if given.words else None
    version = versions.selected(flag.name, spelling)
    if version is not None and not (version.retired and now):
        return version
    without = left_out(source, given)
    if spelling is None:
        typed = typed_name(source, given)
        raise PromptError(
            "missing_value", param=flag.name, span=span, edits=without, parameter=typed, example=flag.example
        )
    span = source.span(*given.words[0])
    bare = spelling.rstrip(",;.").lower().removeprefix("v")
    instead = _newer(versions, flag.name, bare) or parted_flag(spelling) or _unmarked(spelling)
    edits = (Edit(*span, instead),) if span and instead else without
    other = _SELECTED.fullmatch(bare)  # `--v niji 6`
    meant = f"--{other[1]} {other[2]}".strip() if other else f"--{bare}" if _is_switch(bare) else ""
    if without and meant:
        edits = (replace(without[0], replacement=meant),)
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


def _is_switch(word: str) -> bool:
    flag = SPELLINGS.get(word)
    return flag is not None and flag.kind is Kind.SWITCH


def _newer(versions: Versions, flag: str, spelling: str) -> str | None:
    """What to write instead: the spelling itself; for a retired version the newest of its generation; for a number that
    no version has, the nearest that one has; for `latest` the newest of all."""
    version = versions.selected(flag, spelling)
    numbered = [other for other in versions.spellings(flag) if _DECIMAL.fullmatch(other)]
    if version is None and spelling in _NEWEST:
        return max(numbered, key=float, default=None)
    if version is None and len(spelling) <= 4 and _DECIMAL.fullmatch(spelling):
        return min(numbered, key=lambda other: abs(float(other) - float(spelling)), default=None)
    if version is None or not version.retired:
        return spelling if version else None
    alike = [other for other in versions.spellings(flag) if other.partition(".")[0] == version.name.partition(".")[0]]
    return alike[-1] if alike else None


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
    bare = text.rstrip(",;.%").lower()
    if bare.endswith("k") and bare[:-1].isdecimal():  # `1k`
        return f"{bare[:-1]}000"
    if _INTEGER.fullmatch(bare):
        return bare
    if _THOUSANDS.fullmatch(bare):
        return re.sub("[.,']", "", bare)
    return str(round(float(bare))) if len(bare) <= 12 and _DECIMAL.fullmatch(bare) else None


def _decimal(text: str) -> str | None:
    """The number that `.5,` was meant to be."""
    bare = text.rstrip(",;.")
    if bare.endswith("%") and len(bare) <= 4 and bare[:-1].isdecimal():
        return f"{int(bare[:-1]) / 100:g}"
    return bare if len(bare) <= 12 and _DECIMAL.fullmatch(bare) else None


def _amount(text: str, flag: Flag, rule: Rule) -> str | None:
    """The number that `max` or, of stylize, `high` was meant to be."""
    word = text.rstrip(",;.").lower()
    if flag.name == "stylize" and word in _STYLIZE and rule.high == 1000:
        return str(_STYLIZE[word])
    bound = rule.low if word in _LOW else rule.high if word in _HIGH else None
    return None if bound is None else _number(bound)


def _unmarked(word: str) -> str | None:
    """`"7"` as `7`."""
    bare = word.strip("\"'`“”„‘’«»()[]")
    return bare if bare and bare != word else None


def _as_number(choice: object) -> float:
    return float(str(choice))


def _repaired_aspect(text: str) -> str | None:
    """`16x9` as `16:9`, `1.39:1` as `139:100`, `1.78` as `16:9`, `16.9` and `16` too, `2` as `2:1`, `portrait` as
    `/blend` has it."""
    text = text.lstrip("+-")
    found = _ASPECT_SLIP.fullmatch(text)
    if found is None:
        if (common := text.replace(".", ":")) in _COMMON:
            return common
        if (
            text.isdecimal()
            and int(text) > 3
            and (common := next((c for c in _COMMON if c.startswith(f"{text}:")), ""))
        ):
            return common
        share = Fraction(text) if len(text) <= 8 and _DECIMAL.fullmatch(text) else Fraction(0)
        return _colon(share.limit_denominator(9)) if share >= Fraction(1, 9) else _SHAPES.get(text.lower())
    width, height = Fraction(found[1]), Fraction(found[2])
    if not width or not height:
        return None
    scale = 1
    for side in (width, height):
        scale = scale * side.denominator // gcd(scale, side.denominator)
    return f"{int(width * scale)}:{int(height * scale)}"
