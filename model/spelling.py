"""Words as they were meant: for a text encoder that knows whole words, a slip of the pen is another word or none.

A model folder may hold `tokenizer/words.txt`, the words and pairs of words that its training spoke of, nouns first; a
word with another one behind a tab is a kind of that, and is read as it ("chihuahua", "宠物"). A word that the tokenizer
has to spell is read as the one that it sounds or looks like ("elefant", "bannana", "strawberries", "icecream"), and a
number before a noun as a word. What is known stays as it was typed, and names are nobody's slips. Words that ask for a
style are read as nothing: such models are small, and the style is painted afterwards (`model.manners`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.manners import STYLE_WORDS, asked_in, manner_of, only_style, without
from model.painting import Manner
from model.request import Prompt

WORDS_FILE = "words.txt"

_WORD = re.compile(r"[A-Za-z]+(?:-[A-Za-z]+)?")
_NUMBER = re.compile(r"(?<![\w.,:/])([123])(?= +[A-Za-z]+s\b)")
_NUMBERS = {"1": "one", "2": "two", "3": "three"}
_LEAST_LIKENESS = 0.8
_SHORTEST = 4  # shorter words are like too many others
_LONG = 7  # of words as long as this, names are seldom like things: several slips at once are believed
_PLURALS = (("y", "ies"), ("f", "ves"), ("fe", "ves"), ("", "s"), ("", "es"))
_HISSING = ("s", "x", "z", "ch", "sh", "o")  # what takes "es" for its plural
_VOWELS = frozenset("aeiou")
_HUE = "red|orange|yellow|green|teal|blue|purple|pink"
# A thing, and behind the first comma its colour ("a car, red"; "汽车，红色").
_COLOUR_BEHIND = re.compile(
    rf"(?P<thing>[^,，]*\w)[ ]*(?P<comma>[,，])[ ]*(?:(?:all|in)[ ]+)?(?P<hue>{_HUE}|[红橙黄绿蓝紫粉青]色)"
    r"(?:[ ]+colou?r(?:ed)?)?[ ]*(?=[,，.。]|$)",
    re.IGNORECASE,
)
# What sounds alike is written alike: applied in this order.
_SOUNDS = ((r"ph", "f"), (r"gh", "g"), (r"ck|[kq]", "c"), (r"z", "s"), (r"y", "i"), (r"ou", "o"), (r"(.)\1", r"\1"))


@dataclass(frozen=True)
class Correction:
    """A part of a text, from `start` to `end`, and what it is read as. `slip`: it is another word than what was typed,
    and not only another form of it."""

    start: int
    end: int
    meant: str
    slip: bool = True


class Lexicon:
    """The words that a model was taught, with those that each stands for, nouns first. `whole` says of a word whether
    the tokenizer has it in one piece."""

    def __init__(self, words: Mapping[str, str], whole: Callable[[str], bool]) -> None:
        self._whole = whole
        words = {**words, **{word: word for word in STYLE_WORDS if word not in words}}
        self._taught = words
        self._by_sound: dict[str, str] = {}
        for word, stands_for in words.items():
            self._by_sound.setdefault(_sound(word), stands_for)
        names = sorted((word for word in words if " " in word), key=len, reverse=True)
        self._names = re.compile(rf"\b(?:{'|'.join(map(re.escape, names)) or '(?!)'})\b", re.IGNORECASE)
        # Kinds in scripts that write no spaces: found wherever they stand, the longest first.
        unspaced = sorted(
            (word for word in words if not (word.isascii() or words[word] == word)), key=len, reverse=True
        )
        self._unspaced = re.compile("|".join(map(re.escape, unspaced)) or "(?!)")
        # Names of kinds are many and seldom; a slip is one of a word that people type ("shrek" is no shrike).
        self._common = [_sound(word) for word, stands_for in words.items() if word == stands_for]

    def _known(self, word: str) -> str | None:
        """What a word stands for, or what the word stands for whose plural it is: as a plural, if that is a word of
        the tokenizer's."""
        if (meant := self._taught.get(word)) is not None:
            return meant
        meant = next((self._taught[form] for form in _singulars(word) if form in self._taught), None)
        if meant is None:
            return None
        return next((form for form in _plurals(meant) if self._whole(form)), meant)

    def nearest(self, word: str) -> str | None:
        """What an unknown word is read as; None where it is like nothing that was taught. A capital may begin a name
        as well as a sentence ("Shrek"), so behind one only what sounds the same is the same ("Elefant")."""
        if len(word) < _SHORTEST:
            return None
        sound, *singulars = (_sound(form) for form in (word, *_singulars(word.lower())))
        for alike in (sound, *singulars):
            if alike in self._by_sound:
                return self._by_sound[alike]
        if word[0].isupper():
            return None
        near = [
            other
            for other in self._common
            if other[0] == sound[0]
            and abs(len(other) - len(sound)) < 3
            and (min(len(sound), len(other)) >= _LONG or _one_slip(sound, other))
        ]
        nearest = difflib.get_close_matches(sound, near, n=1, cutoff=_LEAST_LIKENESS)
        return self._by_sound[nearest[0]] if nearest else None

    def corrections(self, text: str) -> list[Correction]:
        """What of a text is read as something else, or as nothing, in order."""
        spelled = self._spelled(text)
        meant = apply(text, spelled)
        styles = asked_in(meant)
        if not styles or without(meant, styles) == meant:
            return spelled
        found = []
        for one in styles:
            start, end = one.start, one.end
            # Words of a script without spaces got some: those are no part of the style beside them.
            while meant[start].isspace() and _within(place_before(start, spelled), spelled):
                start += 1
            while meant[end - 1].isspace() and _within(place_before(end - 1, spelled), spelled):
                end -= 1
            last = place_before(end - 1, spelled)
            inside = _within(last, spelled)
            stop = inside.end if inside else last + 1
            found.append(Correction(place_before(start, spelled), stop, one.instead, slip=False))
        apart = [word for word in spelled if not any(word.start < one.end and one.start < word.end for one in found)]
        return sorted([*apart, *found], key=lambda one: one.start)

    def spelled(self, text: str) -> str:
        """A text as it was meant, with the words that ask for a style."""
        return apply(text, self._spelled(text))

    def manner(self, prompt: Prompt) -> Manner:
        """How the pictures of a prompt are to be painted."""
        parts = [(self.spelled(text), weight) for text, weight in prompt.parts]
        return manner_of(parts, [self.spelled(text) for text in prompt.negatives], prompt.styles)

    def shown(self, parts: Sequence[tuple[str, float]]) -> Sequence[tuple[str, float]]:
        """The weighted parts of a prompt that say more than a style; all of them where no others have a weight."""
        if len(parts) < 2:
            return parts
        more = [(text, weight) for text, weight in parts if not only_style(self.spelled(text))]
        return more if sum(weight for _, weight in more) > 0 else parts

    def _spelled(self, text: str) -> list[Correction]:
        found = [Correction(*number.span(), _NUMBERS[number[0]], slip=False) for number in _NUMBER.finditer(text)]
        # "fries" are french fries, unless they are called so.
        named = [name.span() for name in self._names.finditer(text)]
        for word in _WORD.finditer(text):
            if any(start <= word.start() < end for start, end in named):
                continue
            known, whole = self._known(word[0].lower()), self._whole(word[0])
            if known is not None:
                if known != word[0].lower():
                    found.append(Correction(*word.span(), known, slip=False))
            elif not (whole or _is_name(text, word.start())) and (nearest := self.nearest(word[0])) is not None:
                found.append(Correction(*word.span(), nearest))
        for word in self._unspaced.finditer(text):
            found.append(Correction(*word.span(), f" {self._taught[word[0]]} ", slip=False))
        return sorted(found, key=lambda one: one.start)

    def read(self, text: str) -> str:
        """A text as it was meant."""
        return _colour_first(apply(text, self.corrections(text)))


def _colour_first(text: str) -> str:
    """A text with the colour that stands behind its thing in front of it: a text encoder this small binds a colour to
    what follows it. What has a colour already keeps it."""
    said = _COLOUR_BEHIND.match(text)
    if said is None or re.search(rf"\b(?:{_HUE})\b|色", said["thing"], re.IGNORECASE):
        return text
    return f"{said['hue']}{said['comma']} {said['thing'].lstrip()}{text[said.end() :]}"


def apply(text: str, corrections: Sequence[Correction]) -> str:
    """`text` with `corrections`, which are in order."""
    parts, end = [], 0
    for one in corrections:
        parts += [text[end : one.start], one.meant]
        end = one.end
    return "".join([*parts, text[end:]])


def place_before(place: int, corrections: Sequence[Correction]) -> int:
    """Where in a text stands what stands at `place` after `corrections`; a word's start for a place within one."""
    shift = 0
    for one in corrections:
        begin = one.start + shift
        if place < begin:
            break
        if place < begin + len(one.meant):
            return one.start
        shift += len(one.meant) - (one.end - one.start)
    return place - shift


def _within(place: int, corrections: Sequence[Correction]) -> Correction | None:
    """The one that has this place of the text."""
    return next((one for one in corrections if one.start <= place < one.end), None)


def lexicon_of(tokenizer: Any) -> Lexicon | None:
    """The lexicon that lies beside a tokenizer; None where there is none."""
    file = Path(str(tokenizer.name_or_path)) / WORDS_FILE
    if not file.is_file():
        return None

    def whole(word: str) -> bool:
        return len(tokenizer.tokenize(word)) == 1

    lines = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    return Lexicon({line[0]: line[-1] for line in lines}, whole)


def _is_name(text: str, place: int) -> bool:
    """Whether the word at `place` is a name and no slip: a capital behind a small word, as in "a portrait of Zelda"."""
    before = text[:place].rsplit(maxsplit=1)
    return bool(before) and text[place].isupper() and before[-1].isalpha() and before[-1].islower()


def _one_slip(typed: str, meant: str) -> bool:
    """Whether they differ by two letters that changed places, by one vowel for another, or by one letter too many or
    too few where enough others are left. Other words that are as near are mostly names ("shrek", "zelda", "lego")."""
    shortest = min(len(typed), len(meant))
    start = next((place for place in range(shortest) if typed[place] != meant[place]), shortest)
    typed, meant = typed[start:], meant[start:]
    while typed and meant and typed[-1] == meant[-1]:
        typed, meant = typed[:-1], meant[:-1]
    if len(typed) == len(meant):
        return (len(typed) == 2 and typed == meant[::-1]) or (len(typed) == 1 and {typed, meant} <= _VOWELS)
    return len(typed) + len(meant) == 1 and shortest > _SHORTEST


def _sound(word: str) -> str:
    """What a word sounds like, roughly; a pair of words sounds like one."""
    word = word.lower().replace(" ", "").replace("-", "")
    for spelling, sound in _SOUNDS:
        word = re.sub(spelling, sound, word)
    return word


def _singulars(word: str) -> list[str]:
    """What `word` may be the plural of."""
    if word.endswith("ss"):
        return []
    found = [word.removesuffix(ending) + other for other, ending in _PLURALS if word.endswith(ending)]
    return [one for one in found if word != one + "es" or one.endswith(_HISSING)]  # "stares" are no stars


def _plurals(word: str) -> list[str]:
    """What the plural of `word` may be."""
    return [word.removesuffix(ending) + other for ending, other in _PLURALS if word.endswith(ending)]
