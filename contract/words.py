"""Blocked words: whether a prompt holds one, however it is written.

A text is read in every way that `contract.readings` knows. What comes of it is looked up, never searched for, so the
time depends on the text and not on the length of the list. A listed word counts in its plural and its common
inflections; with digits for some letters, or one of them hidden (`n*de`), written too often, or swapped with its
neighbour; backwards; and grown together with itself, another listed word, a common noun or crosses. Scripts that put no
spaces between words are searched anywhere in the text.

In a list, `--no WORD` is about what a prompt keeps away, and all else about what it asks for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import product
from urllib.parse import unquote

from contract.prompt.links import lasting
from contract.prompt.values import Prompt
from contract.readings import CUT, PIECE, SHORTEST_DISGUISED, plain_form, readings, spans

AWAY = "--no "
"""What an entry begins with that is about what is to be kept away."""

# Thai to Tibetan, Myanmar, Khmer, the scripts of China and Japan; Korean puts its particles right behind a word.
_UNSPACED = re.compile(
    r"[\u0e00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
    r"\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_DIGITS = {
    "0": "o", "1": "il", "2": "z", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g",
}  # fmt: skip
_READINGS_OF_DIGITS = 16
_MASKS = "*#•●▪■█░×?○◯◎⭕🔴🟠🟡🟢🔵🟣🟤⚪⚫⬛⬜❌❎❗❓"
_MASKED = re.compile(rf"(?<![a-z{_MASKS}])(?=[a-z{_MASKS}]*[{_MASKS}])[a-z{_MASKS}]{{4,24}}(?![a-z{_MASKS}])")
_SHORTEST_SWAPPED = 5
_ENDINGS = ("y", "ier", "iest", "ied", "ed", "ing", "ity", "ities", "ism", "ist", "ists", "ography", "ographic")
"""What a word takes in place of its last `e`."""
_SHORTEST_GERUND = 8
"""A listed `beheading` is about `behead`; shorter words in -ing are often something else (`king`, `string`)."""
_COMMON_DOUBLES = frozenset("bcdefglmnoprstz")
_COMPANIONS = frozenset(
    "art babe babes baby bath beach body bodies boy boys celeb child children couple covered dance dancer doll fan "  # noqa: SIM905
    "figure fight girl girls guy guys half human images kid kids ladies lady lover male man men model models nymph "
    "people person photo photos photography pic pics picture pictures portrait pose posing princess scene scenes "
    "selfie sex shoot semi show smeared soaked spattered stained star teen video woman women world young female "
    "goddess elf anime cartoon hub tube site".split()
)
"""What words are grown together with, before or behind."""
_LONGEST_COMPANION = max(map(len, _COMPANIONS))


def holds_word(entry: str) -> bool:
    """Whether there is something in an entry of a list that a prompt can be searched for: letters or digits. Signs and
    emoji alone are none."""
    word = _named(entry).removeprefix(AWAY)
    return word.strip().lower() != AWAY.strip() and PIECE.search(plain_form(word)) is not None


def blocked_word(blocked: Sequence[str], prompt: Prompt) -> str | None:
    """The first of the `blocked` words that `prompt` asks for, as it stands in the list; None when it asks for none."""
    found = blocked_words(blocked, prompt)
    return found[0] if found else None


def blocked_words(blocked: Sequence[str], prompt: Prompt) -> tuple[str, ...]:
    """All of the `blocked` words that `prompt` asks for, as they stand in the list and in its order.

    What is to be kept away (`--no`, weights of zero and below) is held against the entries that begin with `--no`,
    everything else against the others; the names of linked files count.
    """
    if not blocked:
        return ()
    wanted, unwanted = _indexes(tuple(blocked))
    found: set[str] = set()
    if wanted.entries:
        texts = [CUT.join(part.text for part in prompt.parts if part.weight > 0)]
        texts += [unquote(unquote(lasting(link))) for link in prompt.links]
        found.update(name for text in texts for name in wanted.found(text))
    if unwanted.entries:
        texts = [*prompt.negatives, *(part.text for part in prompt.parts if part.weight <= 0)]
        found.update(AWAY + name for text in texts for name in unwanted.found(text))
    return tuple(listed for listed in blocked if _named(listed) in found)


# ── a list of words ─────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Entry:
    listed: str
    pieces: tuple[str, ...]
    """Its words in plain form."""


class _Index:
    """A list of words, ready to be looked up."""

    def __init__(self, listed: Iterable[str]) -> None:
        entries = [_Entry(one, tuple(PIECE.findall(plain_form(one)))) for one in listed]
        self.entries = [entry for entry in entries if entry.pieces]
        self._unspaced = [entry for entry in self.entries if _UNSPACED.search("".join(entry.pieces))]
        self._by_first: defaultdict[str, list[_Entry]] = defaultdict(list)
        self._forms: defaultdict[str, set[str]] = defaultdict(set)
        self._swapped: defaultdict[str, set[str]] = defaultdict(set)
        self._squeezed: defaultdict[str, set[str]] = defaultdict(set)
        self._by_length: defaultdict[int, set[str]] = defaultdict(set)
        for entry in self.entries:
            self._by_first[entry.pieces[0]].append(entry)
            for number, piece in enumerate(entry.pieces, 1):
                forms = _inflected(piece) if number == len(entry.pieces) else {piece}
                for form in forms:
                    self._forms[form].add(piece)
                    self._squeezed[_squeezed(form)].add(form)
                    self._by_length[len(form)].add(form)
                for swapped in _swaps(piece):
                    self._swapped[swapped].add(piece)
        self._longest = max((len(form) for form in self._forms), default=0)

    def found(self, text: str) -> set[str]:
        """The listed words that `text` may be read to hold."""
        found: set[str] = set()
        for reading in dict.fromkeys(readings(text)):
            found.update(self._in_reading(reading))
        return found

    def _in_reading(self, text: str) -> Iterator[str]:
        pieces = [(match[0], match.start(), match.end()) for match in PIECE.finditer(text)]
        letters = "".join(piece for piece, _, _ in pieces) if self._unspaced else ""
        yield from (entry.listed for entry in self._unspaced if "".join(entry.pieces) in letters)
        ends: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
        read: dict[str, tuple[set[str], set[str]]] = {}
        for start, end, string in spans(text, pieces, self._longest):
            if string not in read:
                read[string] = self._read(string), self._backwards(string)
            words, backwards = read[string]
            if end == start + 1:
                words = words | self._alone(string)
            if backwards and not _is_parted_by_spaces(text, pieces[start:end]):
                words = words | backwards
            for word in words:
                ends[start].add((word, end))
        for places in ends.values():
            for word, end in places:
                for entry in self._by_first.get(word, ()):
                    if _follows(entry.pieces[1:], end, ends):
                        yield entry.listed
        if any(mask in text for mask in _MASKS):
            yield from self._masked(text)

    def _read(self, string: str) -> set[str]:
        """The listed words that a string can be taken for."""
        found = set(self._forms.get(string, ()))
        bare = string.strip("0123456789")
        if bare != string:
            found |= self._forms.get(bare, set())
        if any(character.isdigit() for character in string):
            for letters in _undigited(string):
                found |= self._forms.get(letters, set())
        if len(bare) >= SHORTEST_DISGUISED:
            found |= self._disguised(bare)
        return found

    def _disguised(self, string: str) -> set[str]:
        found: set[str] = set()
        for form in self._squeezed.get(_squeezed(string), ()):
            found |= {word for word in self._forms[form] if _is_drawn_out(form, string, of=word)}
        return found

    def _backwards(self, string: str) -> set[str]:
        """The listed words that a string is backwards."""
        words = self._forms.get(string.strip("0123456789")[::-1], ())
        return {word for word in words if len(word) >= SHORTEST_DISGUISED}

    def _alone(self, string: str) -> set[str]:
        """The listed words that a string of one piece can be taken for besides: two of its letters are swapped, or
        they are grown together."""
        found = set(self._swapped.get(string, ()))
        if any(character.isdigit() for character in string):
            for letters in _undigited(string):
                found |= self._swapped.get(letters, set()) | self._grown(letters)
        return found | self._grown(string)

    def _grown(self, string: str) -> set[str]:
        """The listed words in a string that is nothing but such words, companions and the letter x: `nudewoman`,
        `nudenude`, `xxnudexx`. One x alone makes too many a word another one (code, codex), so there it takes more."""
        reached: defaultdict[int, dict[tuple[int, int], set[str]]] = defaultdict(dict)
        reached[0][0, 0] = set()
        for start in range(len(string)):
            for (listed, crosses), words in reached.pop(start, {}).items():
                for end, found in self._next(string, start):
                    crossed = crosses + (end - start if string[start:end].strip("x") == "" else 0)
                    state = min(listed + bool(found), 2), min(crossed, 2)
                    reached[end].setdefault(state, set()).update(words, found)
        grown = reached[len(string)].items()
        return set().union(*(words for (listed, crosses), words in grown if listed and (crosses != 1 or listed > 1)))

    def _next(self, string: str, start: int) -> Iterator[tuple[int, set[str]]]:
        """Where what a string is grown together of may end that begins at `start`, and the listed words that it is."""
        crosses = len(string) - start - len(string[start:].lstrip("x"))
        if crosses:
            yield start + crosses, set()
        for end in range(start + 2, min(len(string), start + max(self._longest, _LONGEST_COMPANION)) + 1):
            piece = string[start:end]
            if end - start >= SHORTEST_DISGUISED and piece in self._forms:
                yield end, self._forms[piece]
            elif piece in _COMPANIONS:
                yield end, set()

    def _masked(self, text: str) -> Iterator[str]:
        """Words of which some letters are hidden, and more than half, the first among them, are not."""
        for match in _MASKED.finditer(text):
            string = match[0]
            hidden = sum(character in _MASKS for character in string)
            if string[0] in _MASKS or 2 * hidden > len(string):
                continue
            for form in self._by_length.get(len(string), ()):
                if all(shown in (letter, *_MASKS) for shown, letter in zip(string, form, strict=True)):
                    for word in self._forms[form]:
                        yield from (entry.listed for entry in self._by_first.get(word, ()) if len(entry.pieces) == 1)


@lru_cache(maxsize=64)
def _indexes(blocked: tuple[str, ...]) -> tuple[_Index, _Index]:
    """What is not to be asked for, and what is not to be kept away."""
    named = [_named(one) for one in blocked]
    wanted = [one for one in named if not one.startswith(AWAY)]
    return _Index(wanted), _Index(one.removeprefix(AWAY) for one in named if one.startswith(AWAY))


def _named(listed: str) -> str:
    return AWAY + listed.strip()[len(AWAY) :].strip() if listed.strip().lower().startswith(AWAY) else listed


def _is_parted_by_spaces(text: str, pieces: Sequence[tuple[str, int, int]]) -> bool:
    """Whether spaces part the pieces of something that is not spelled out letter by letter."""
    return " " in text[pieces[0][1] : pieces[-1][2]] and any(len(piece) > 1 for piece, _, _ in pieces)


def _follows(pieces: Sequence[str], start: int, ends: dict[int, set[tuple[str, int]]]) -> bool:
    """Whether these words stand one behind the other from piece `start` on."""
    if not pieces:
        return True
    return any(word == pieces[0] and _follows(pieces[1:], end, ends) for word, end in ends.get(start, ()))


@cache
def _inflected(word: str) -> frozenset[str]:
    """A word in its plural and, when it is long enough, in its other common forms."""
    forms = {word, word + "s", word + "z", word + "es"}
    if word.endswith("y") and len(word) > 2:
        forms |= {word[:-1] + "ies", word[:-1] + "iez"}
    if len(word) < SHORTEST_DISGUISED or not word.isascii():
        return frozenset(forms)
    stems = {word.removesuffix("e"), word[:-1] + "i" if word.endswith("y") else word}
    if word[-1] in "bdgmnprt" and word[-2] in "aeiou":
        stems.add(word + word[-1])  # strip, stripping
    forms |= {stem + ending for stem in stems for ending in _ENDINGS}
    if word.endswith("ing") and len(word) >= _SHORTEST_GERUND:
        forms |= {word.removesuffix("ing") + ending for ending in ("", "s", "ed", "er", "ers")}
    if word.endswith("cide"):
        forms.add(word.removesuffix("de") + "dal")
    forms |= {word + ending for ending in ("ly", "ness", "like", "ish")}
    return frozenset(forms)


def _swaps(word: str) -> Iterator[str]:
    """A word with two neighbours behind its first letter swapped, as it is still read; of short ones not the last."""
    if len(word) >= SHORTEST_DISGUISED and word.isascii():
        for place in range(1, len(word) - (1 if len(word) >= _SHORTEST_SWAPPED else 2)):
            yield word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _squeezed(string: str) -> str:
    return re.sub(r"(.)\1+", r"\1", string)


def _is_drawn_out(form: str, string: str, *, of: str) -> bool:
    """Whether `string` is a form of the word `of` with some of its letters written more often than they should be, not
    less often.

    Twice instead of once makes many a short word another one (god, good), so there it takes more.
    """
    if string == "".join(2 * letter for letter in form):
        return True
    if len(of) < SHORTEST_DISGUISED and form != of:
        return False  # the asses that somebody may assess
    for (letter, times), (_, written) in zip(_runs(form), _runs(string), strict=True):
        if written < times:
            return False
        harmless = len(of) < _SHORTEST_SWAPPED and letter in _COMMON_DOUBLES and not form.endswith(letter)
        if written == times + 1 and harmless:
            return False
    return True


def _runs(string: str) -> list[tuple[str, int]]:
    return [(match[1], len(match[0])) for match in re.finditer(r"(.)\1*", string)]


def _undigited(string: str) -> Iterator[str]:
    """What a string with digits for letters may mean, as long as enough letters are in it."""
    digits = sum(character.isdigit() for character in string)
    if len(string) - digits < max(2, digits - 2):
        return
    ways = [_DIGITS.get(character, character) for character in string]
    for count, letters in enumerate(product(*ways)):
        if count == _READINGS_OF_DIGITS:
            return
        yield "".join(letters)
