"""Blocked words: whether a prompt holds one, however it is written.

Text and words are brought to one plain form: compatibility forms (full-width, mathematical letters), look-alikes of
other scripts, case, accents and invisible characters make no difference. A word counts where it stands alone, in the
plural, with marks around or between its letters (`_nude_`, `n.u.d.e`, `n u d e`), with digits for letters (`nud3`),
and where `::` cuts it in two. Scripts
that put no spaces between words are searched anywhere in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote, urlsplit

from confusable_homoglyphs.confusables import confusables_data

from contract.prompt.values import Parameters, Prompt, Reference

_CUT = "\ue000"
"""Stands where `::` parted two pieces of text: it may be nothing, or the end of a word."""
_INVISIBLE = frozenset({"Cf", "Mn", "Me"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters by name that show nothing."""
# Thai to Tibetan, Myanmar, Khmer, the scripts of China and Japan; Korean puts its particles right behind a word.
_UNSPACED = (
    r"\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_LETTER = r"[^\W_]"
_BETWEEN = r"[^\w\s'’]"
_MARKS = rf"(?:{_BETWEEN}|_){{0,3}}"
_GAP = r"[\W_]{1,3}"
_LETTERS = re.compile(_LETTER)
_SHORTEST_SPELLED = 3
_LATIN_BY_NAME = re.compile(r"(?:.* )?(?:LATIN|REGIONAL INDICATOR SYMBOL)(?: .*)? ([A-Z])(?: WITH .*)?")
"""Small capitals, letters in squares, letters with strokes: Unicode's table of look-alikes leaves them out."""
_LETTERS_OF_DIGITS = {"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s"}
_DIGIT = re.compile(r"(?<=[a-z])[013457@$]|[013457@$](?=[a-z])")
_PLAIN = re.compile(r"[a-z0-9 ]*")


def blocked_word(blocked: Sequence[str], prompt: Prompt) -> str | None:
    """The first of the `blocked` words that `prompt` asks for, as it stands in the list; None when it asks for none.

    What is to be kept away (`--no`, weights of zero and below) is no offence; the names of linked files count.
    """
    if not blocked:
        return None
    words = _words(tuple(blocked))
    texts = [_CUT.join(part.text for part in prompt.parts if part.weight > 0)]
    texts += [unquote(urlsplit(link).path) for link in _links(prompt)]
    for plain in map(plain_form, texts):
        for text in dict.fromkeys((plain, _DIGIT.sub(lambda digit: _LETTERS_OF_DIGITS[digit[0]], plain))):
            letters = "".join(_LETTERS.findall(text))
            for word in words:
                if word.letters in letters and _pattern(word).search(text):
                    return word.listed
    return None


def plain_form(text: str) -> str:
    """`text` in lower case, without accents and invisible characters, look-alikes as the letters they look like."""
    if _PLAIN.fullmatch(text):
        return text
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text))
    visible = (
        character
        for character in decomposed
        if unicodedata.category(character) not in _INVISIBLE and character not in _BLANK_LETTERS
    )
    folded = "".join(character if character.isascii() else _look_alike(character) for character in visible)
    return unicodedata.normalize("NFC", folded.casefold())


@dataclass(frozen=True, slots=True)
class _Word:
    listed: str
    pieces: tuple[str, ...]
    """Its words in plain form, the last without an ending `y`, which the plural changes."""
    ends_in_y: bool

    @property
    def letters(self) -> str:
        """What a text must hold in this order for `_pattern` to be worth trying."""
        return "".join(self.pieces)


@lru_cache(maxsize=256)
def _words(blocked: tuple[str, ...]) -> tuple[_Word, ...]:
    words = []
    for listed in blocked:
        pieces = re.findall(rf"{_LETTER}+", plain_form(listed))
        if not pieces:
            continue
        ends_in_y = len(pieces[-1]) > 2 and pieces[-1].endswith("y")
        if ends_in_y:
            pieces[-1] = pieces[-1][:-1]
        words.append(_Word(listed, tuple(pieces), ends_in_y))
    return tuple(words)


@lru_cache(maxsize=4096)
def _pattern(word: _Word) -> re.Pattern[str]:
    pieces = word.pieces
    ending = f"(?:ys?|ie{_MARKS}s)" if word.ends_in_y else "(?:es|s)?"
    ways = [_GAP.join(_MARKS.join(map(re.escape, piece)) for piece in pieces) + ending]
    if len(pieces) == 1 and len(pieces[0]) >= _SHORTEST_SPELLED:
        ways.append(_GAP.join(map(re.escape, pieces[0] + "y" * word.ends_in_y)) + rf"(?:{_GAP}s)?")
    before = "" if re.match(f"[{_UNSPACED}]", pieces[0]) else f"(?<!{_LETTER})"
    after = "" if re.search(f"[{_UNSPACED}]$", pieces[-1]) else f"(?!{_LETTER})"
    return re.compile(f"{before}(?:{'|'.join(ways)}){after}")


def _links(prompt: Prompt) -> Iterator[str]:
    yield from (image.url for image in prompt.images)
    parameters: Parameters = prompt.parameters
    references: list[Reference] = [*parameters.style_references, *parameters.character_references]
    if parameters.omni_reference is not None:
        references.append(parameters.omni_reference)
    yield from (reference.value for reference in references if "://" in reference.value)


@cache
def _look_alike(character: str) -> str:
    """The ASCII letters that a character can be taken for, by Unicode's tables; itself when there are none."""
    for entry in confusables_data.get(character, ()):
        if entry["c"].isascii() and entry["c"].isalnum():
            return str(entry["c"])
    named = _LATIN_BY_NAME.fullmatch(unicodedata.name(character, ""))
    return named[1].lower() if named else character
