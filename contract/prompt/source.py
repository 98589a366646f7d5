"""Text that remembers where each character was typed, so that every error can point at its word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_CONTROL = r"\s\x00-\x1f\x7f-\x9f"
# Zero-width spaces, soft hyphens and direction marks: they hide or reverse text. Joiners stay, emoji need them.
_INVISIBLE = "\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff"
_SURROGATES = "\ud800-\udfff"
_IRREGULAR = re.compile(rf"^[ *]|[ *\\]$|  |[^\S ]|[\x00-\x1f\x7f-\x9f{_INVISIBLE}{_SURROGATES}]|\*\*")
# Only what has to change: a single plain space and a single asterisk stay as they are.
_GAP = f"[{_CONTROL}{_INVISIBLE}]"
_RUN = re.compile(rf"(?P<gap>{_GAP}{{2,}}|(?! ){_GAP})|(?P<stars>\*[*{_INVISIBLE}]+)|(?P<surrogate>[{_SURROGATES}])")
_BLANK = re.compile(rf"[{_CONTROL}]")


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
    """One line that cannot break the bold type it will stand in.

    Runs of blanks and control characters become one space, runs of `*` one `*`; invisible characters and lone
    surrogates go; asterisks and spaces at the edges and a backslash at the end go too.
    """
    if not _IRREGULAR.search(source.text):
        return source
    text, kept = source.text, []
    origins: list[int] = []
    position = 0
    for run in _RUN.finditer(text):
        kept.append(text[position : run.start()])
        origins += source.origins[position : run.start()]
        position = run.end()
        if run.lastgroup == "gap":
            character = " " if _BLANK.search(run[0]) else ""
        else:
            character = "*" if run.lastgroup == "stars" else "\N{REPLACEMENT CHARACTER}"
        kept.append(character)
        origins += source.origins[run.start() : run.start() + len(character)]
    kept.append(text[position:])
    origins += source.origins[position:]
    whole = "".join(kept)
    start = len(whole) - len(whole.lstrip(" *"))
    end = max(start, len(whole.rstrip(" *\\")))
    return Source(whole[start:end], origins[start:end])
