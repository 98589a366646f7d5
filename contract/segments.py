"""Where the words of a text stand, also in scripts that put no spaces between them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files

_SIGNS, _KATAKANA = r"\u3040-\u309f\u3400-\u9fff", r"\u30a0-\u30ff"
_PIECE = re.compile(rf"(?P<signs>[{_SIGNS}]+)|[{_KATAKANA}]+|[^\s{_SIGNS}{_KATAKANA}]+")
_MARKS = re.compile(r"[、，。；：！？”’）》】,.;:!?]+")
"""They belong to the word before them."""


_LONGEST = 8
"""Signs of a word, at most."""


@cache
def chinese() -> frozenset[str]:
    """The words of `chinese.txt`: what the default model reads, and what prompts are made of."""
    lines = files("contract").joinpath("chinese.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


@lru_cache(maxsize=8)
def places_of_words(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each word, with the marks that stand at it. Of Chinese the longest word of the list that begins
    at a sign counts, or else the sign alone."""
    found: list[tuple[int, int]] = []
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        if found and found[-1][1] == start and (marks := _MARKS.match(text, start, end)):
            found[-1] = (found[-1][0], marks.end())
            start = marks.end()
        while start < end:
            length = _length_of_word(text, start, end) if piece["signs"] else end - start
            found.append((start, start + length))
            start += length
    return tuple(found)


def _length_of_word(text: str, start: int, end: int) -> int:
    lengths = range(min(_LONGEST, end - start), 1, -1)
    return next((length for length in lengths if text[start : start + length] in chinese()), 1)
