"""A prompt's line cut in one pass: words, links and `::` breaks, then flags with the words after them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from contract.prompt.flags import SPELLINGS, Kind
from contract.prompt.source import Source

NUMBER = r"[+-]?(?:[0-9]++(?:\.[0-9]++)?+|\.[0-9]++)"
_BREAK = re.compile(rf"::({NUMBER}(?![\w]))?")
_EN_DASH, _EM_DASH = "\N{EN DASH}", "\N{EM DASH}"
_DRAWN = "\u1428\u2500\u2501\u2504\u2505\u254c\u254d\u30fc\u3161\uff70"
"""Lines and long vowels that look like dashes; words are decorated with them, or begin with them."""
DASHES = (
    f"-{_EN_DASH}{_EM_DASH}\u2010\u2011\u2012\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d"  # typed and autocorrected
    "\u02d7\u2043\u2052\u2053\u207b\u208b\u2796\u23af\u2e17\u2e1a\u2e40\u2e5d\u301c\u3030\u30a0\u058a\u05be"
    "\u1400\u1806\ufe31\ufe32\U00010ead" + _DRAWN
)
"""What people type or paste for the dashes before a flag: Unicode's dashes and minus signs."""
DASH = f"[{re.escape(DASHES)}]"
_OPENER = re.compile(f"{DASH}+")
_LINK = re.compile(r"<?https?://|blob:(?! |$)|data:image/", re.IGNORECASE)
_OPENING = re.compile(f"{DASH}|{_LINK.pattern}", re.IGNORECASE)
_SPECIAL = re.compile(rf"::|(?<= )(?:{_OPENING.pattern})", re.IGNORECASE)
_LONGEST_NAME = max(map(len, SPELLINGS))
_COMMA_DASH = re.compile(f",(?={DASH})")
_NUMBER_LIKE = re.compile(r"\.?[0-9][0-9.]*(?:[:x/][0-9.]+)?(?= |$)", re.IGNORECASE)
_MEASURED = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.ASPECT, Kind.VERSION})
_GLUED = re.compile(rf"(?<=[^ ])(?<!{DASH})({DASH}+)([a-z]{{1,20}})(?= |$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """Plain text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Link:
    """A link among the text, its weight included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Break:
    """`::`, which ends a part, with the number after it (or None)."""

    start: int
    end: int
    number: str | None


@dataclass(slots=True)
class RawFlag:
    """A flag as typed: `name` without dashes, `start` to `end` its place, `words` what follows up to the next flag."""

    name: str
    start: int
    end: int
    words: list[tuple[int, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Line:
    """A whole prompt, cut."""

    source: Source
    items: list[Words | Link | Break]
    flags: list[RawFlag]

    @property
    def text_end(self) -> int:
        """Where the text ends and the parameters begin."""
        return self.items[-1].end if self.items else 0


def flag_name(text: str, start: int = 0, end: int | None = None) -> str | None:
    """The name that the word `text[start:end]` gives after its dashes; None when it is no flag.

    `--name` and `—name` are flags whatever the name. Other dashes, which editors and keyboards put there, are read the
    same before a name that exists; where there are two, before any. One hyphen is text, and so are dashes alone.
    """
    end = len(text) if end is None else end
    opener = _OPENER.match(text, start, end)
    if opener is None or opener.end() == end:
        return None
    dashes = opener[0]
    if dashes == "-":
        return None
    doubtful = dashes != _EM_DASH and (len(dashes) == 1 or any(dash in _DRAWN for dash in dashes))
    if doubtful and not _is_known(text, opener.end(), end):
        return None
    return text[opener.end() : end]


def glued_flags(line: Line) -> Iterator[tuple[int, int, str]]:
    """Flags of the text that stick to the word before them, as in `cat--ar 2:1`: start and end of each, and its name.

    One dash between words is prose unless a number follows that the flag could take: `cat—ar 2:1`.
    """
    text = line.source.text
    for item in line.items:
        if not isinstance(item, Words):
            continue
        for found in _GLUED.finditer(text, item.start, item.end):
            name = found[2].lower()
            if name not in SPELLINGS:
                continue
            plain = found[1] != "-" and len(found[1]) > 1 and len(name) > 1
            if plain or (found[1] != "-" and is_measured(text, name, found.end())):
                yield found.start(), found.end(), name


def is_measured(text: str, name: str, end: int) -> bool:
    """Whether after the flag `name`, which ends at `end`, stands a number such as it takes."""
    return SPELLINGS[name].kind in _MEASURED and _NUMBER_LIKE.match(text, end + 1) is not None


def _is_known(text: str, start: int, end: int) -> bool:
    return end - start <= _LONGEST_NAME and text[start:end].lower() in SPELLINGS


def cut(source: Source) -> Line:
    """The line's words, links and breaks, then its flags. Takes normalised text."""
    line = Line(source, [], [])
    start, length = _cut_text(line), len(source.text)
    while start < length:
        end = source.text.find(" ", start)
        end = length if end < 0 else end
        _parameter_word(line, start, end)
        start = end + 1
    return line


def _cut_text(line: Line) -> int:
    """Cut everything up to the first flag; returns the offset after that flag's name."""
    text, length = line.source.text, len(line.source.text)
    begin = position = 0  # what lies between them is plain words
    at_word_start = True
    while position < length:
        found = (_OPENING.match(text, position) if at_word_start else None) or _SPECIAL.search(text, position)
        at_word_start = False
        if found is None:
            break
        start = found.start()
        if found[0] == "::":
            number = _BREAK.match(text, start)
            assert number is not None  # it matches where `::` stands
            _plain(line, begin, start)
            line.items.append(Break(start, number.end(), number[1]))
            begin = position = number.end()
            at_word_start = True
            continue
        end = text.find(" ", start)
        end = length if end < 0 else end
        if found[0] in DASHES:
            if _flag_starts(line, start, end):
                _plain(line, begin, start)
                return end + 1
            position = start + 1
            continue
        _plain(line, begin, start)
        line.items.append(Link(start, end))
        begin = position = end
    _plain(line, begin, length)
    return length


def _plain(line: Line, start: int, end: int) -> None:
    text = line.source.text
    while start < end and text[start] == " ":
        start += 1
    while start < end and text[end - 1] == " ":
        end -= 1
    if start < end:
        line.items.append(Words(start, end))


def _parameter_word(line: Line, start: int, end: int) -> None:
    text = line.source.text
    if text[start] in DASHES and _flag_starts(line, start, end):
        return
    if line.flags[-1].name.lower() == "no":
        # In a list a comma begins a new item, so a flag may follow it without a space.
        for comma in _COMMA_DASH.finditer(text, start, end):
            if flag_name(text, comma.end(), end) is not None:
                line.flags[-1].words.append((start, comma.end()))
                _flag_starts(line, comma.end(), end)
                return
    line.flags[-1].words.append((start, end))


def _flag_starts(line: Line, start: int, end: int) -> bool:
    text = line.source.text
    name = flag_name(text, start, end)
    if name is None and text[start] == "-" and _is_known(text, start + 1, end):
        name = text[start + 1 : end].lower()
        if not is_measured(text, name, end):
            return False
        name = f"-{name}"  # `-ar 3:2`: one dash is missing
    if name is None:
        opener = _OPENER.match(text, start, end)
        if opener is None or opener.end() < end or end - start < 2 or not _known_name_follows(text, end + 1):
            return False
        name = ""  # `-- ar 3:2`: a flag torn from its dashes
    line.flags.append(RawFlag(name, start, end))
    return True


def _known_name_follows(text: str, start: int) -> bool:
    while _LINK.match(text, start):  # links leave the text, so they do not stand between
        start = text.find(" ", start) + 1
        if not start:
            return False
    end = text.find(" ", start)
    return _is_known(text, start, end if end >= 0 else len(text))
