"""Text that remembers where each character was typed, so that every error can point at its word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_CONTROL = r"\s\x00-\x1f\x7f-\x9f"
_IRREGULAR = re.compile(r"^ | $|\\$|  |[^\S ]|[\x00-\x1f\x7f-\x9f]")
# Only what has to change: a single plain space stays as it is.
_RUN = re.compile(rf"[{_CONTROL}]{{2,}}|(?! )[{_CONTROL}]")

_JOINERS = "\u200c\u200d"
"""Emoji and some scripts are written with them; they are kept between two letters of such."""
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Signs that stand before numbers and verses: of the category of invisible ones, and yet seen."""
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
"""Letters and marks by category that show nothing."""
_SOFT_DASHES = re.compile("(?:(?<= )|^)\u00ad{2,}(?=[a-zA-Z])")
"""Hyphens that some editors make of `--`: they would not be seen, and are dashes before a name."""
_FLAG, _TAGS = "\U0001f3f4", range(0xE0020, 0xE0080)
"""The flags of England, Scotland and Wales spell their names in invisible tags behind a black flag."""
_MARKS_ON_LATIN, _MARKS_ON_OTHERS = 2, 4
"""How many marks may stand on one letter: Vietnamese needs two, Hebrew and Tibetan four; more only pile up."""


@dataclass(frozen=True, slots=True)
class Source:
    """`text`, and for each character its offset in what the person typed (-1: not typed by them)."""

    text: str
    origins: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `text[start:end]` was typed; None when it came from a suffix, an option or a default."""
        if start >= end or self.origins[start] < 0 or self.origins[end - 1] < 0:
            return None
        return self.origins[start], self.origins[end - 1] + 1

    def cut(self, start: int, end: int) -> Source:
        """The piece `text[start:end]`."""
        return Source(self.text[start:end], self.origins[start:end])

    def pick(self, slices: Iterable[tuple[int, int]]) -> Source:
        """The pieces `text[start:end]`, put together."""
        texts: list[str] = []
        origins: list[int] = []
        for start, end in slices:
            texts.append(self.text[start:end])
            origins += self.origins[start:end]
        return Source("".join(texts), origins)


def typed(text: str) -> Source:
    """`text` as a person typed it."""
    return Source(text, range(len(text)))


def inserted(text: str) -> Source:
    """`text` that the person did not type here."""
    return Source(text, [-1] * len(text))


def join(pieces: Iterable[Source], separator: str = "") -> Source:
    """All pieces in order."""
    texts: list[str] = []
    origins: list[int] = []
    for piece in pieces:
        if texts and separator:
            origins += [-1] * len(separator)
        texts.append(piece.text)
        origins += piece.origins
    return Source(separator.join(texts), origins)


def normalise(source: Source) -> Source:
    """One line of what can be seen.

    Runs of blanks and control characters become one space; invisible characters and marks that pile up on a letter go,
    lone surrogates are replaced; spaces at the edges and a backslash at the end go too.
    """
    if not source.text.isascii():
        source = _legible(source)
    if not _IRREGULAR.search(source.text):
        return source
    text, kept = source.text, []
    origins: list[int] = []
    position = 0
    for run in _RUN.finditer(text):
        kept += [text[position : run.start()], " "]
        origins += source.origins[position : run.start() + 1]
        position = run.end()
    kept.append(text[position:])
    origins += source.origins[position:]
    whole = "".join(kept)
    start = len(whole) - len(whole.lstrip(" "))
    end = max(start, len(whole.rstrip(" \\")))
    return Source(whole[start:end], origins[start:end])


def _legible(source: Source) -> Source:
    """Without what cannot be seen, and with no more marks on a letter than its script needs."""
    if _SOFT_DASHES.search(source.text):
        text = _SOFT_DASHES.sub(lambda found: "-" * len(found[0]), source.text)
        source = Source(text, source.origins)
    kept: list[str] = []
    origins: list[int] = []
    marks, limit = 0, _MARKS_ON_LATIN
    in_flag = False
    text = source.text
    for place, character in enumerate(text):
        category = unicodedata.category(character) if character > "\x7f" else "L"
        if category == "Cs":
            character = "\N{REPLACEMENT CHARACTER}"
        elif category in ("Mn", "Me"):
            marks += 1
            if marks > limit or character in _BLANK_LETTERS:
                continue
        elif category == "Cf":
            if ord(character) in _TAGS and in_flag:
                pass
            elif character in _JOINERS:
                if not _joins(text, place):
                    continue
            elif character not in _VISIBLE_FORMATS:
                continue
        elif character in _BLANK_LETTERS:
            continue
        else:
            marks, limit = 0, _MARKS_ON_LATIN if character < "\u0250" else _MARKS_ON_OTHERS
        in_flag = character == _FLAG or (in_flag and ord(character) in _TAGS)
        kept.append(character)
        origins.append(source.origins[place])
    return (
        source if len(kept) == len(text) and "\N{REPLACEMENT CHARACTER}" not in kept else Source("".join(kept), origins)
    )


def _joins(text: str, place: int) -> bool:
    """Whether a joiner stands between two characters of scripts that have joiners."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    return bool(before and after) and min(before, after) > "\u02ff" and after not in _JOINERS and not after.isspace()
