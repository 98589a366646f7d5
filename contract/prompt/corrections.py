"""The obvious corrections: what a word was surely meant to be."""

from __future__ import annotations

import re
from difflib import get_close_matches

from contract.prompt.flags import SPELLINGS, Kind
from contract.prompt.lexer import Line, RawFlag
from contract.prompt.refusals import Edit
from contract.prompt.source import Source

_GLUED = re.compile(r"([a-z]+)[=:]?([0-9.].*|<?https?://.*)|([a-z]+)[=:](.+)|([a-z]+)[,;.]", re.IGNORECASE)
_LONGEST = 40


def unknown_name_edits(source: Source, raw: RawFlag) -> tuple[Edit, ...]:
    """`--v5` as `--v 5`, `--ar=3:2` as `--ar 3:2`, `--aspct` as `--aspect`, `-- ar` as `--ar`; nothing if unclear."""
    span = source.span(raw.start, raw.end)
    if span is None:
        return ()
    if not raw.name:
        after = source.span(raw.start, raw.words[0][0] + 1) if raw.words else None
        return (Edit(span[0], after[1] - 1, "--"),) if after else ()
    better = _meant(raw.name) if len(raw.name) <= _LONGEST else None
    return (Edit(*span, f"--{better}"),) if better else ()


def misplaced_text_edits(line: Line, place: tuple[int, int]) -> tuple[Edit, ...]:
    """The words at `place`, which stand after a parameter's value, moved to the end of the text."""
    span = line.source.span(*place)
    text_end = line.text_end
    target = line.source.span(text_end - 1, text_end) if text_end else (0, 0)
    if span is None or target is None:
        return ()
    words = line.source.text[place[0] : place[1]]
    return Edit(target[1], target[1], f" {words} "), Edit(*span, "")


def _meant(name: str) -> str | None:
    glued = _GLUED.fullmatch(name)
    if glued is not None:
        flag, value = (glued[1], glued[2]) if glued[1] else (glued[3], glued[4]) if glued[3] else (glued[5], "")
        known = SPELLINGS.get(flag.lower())
        if known is not None and (not value or known.kind is not Kind.SWITCH):
            return f"{flag} {value}".strip()
        return None
    if len(name) < 3:
        return None
    names = [spelling for spelling in SPELLINGS if len(spelling) > 2]
    close = get_close_matches(name.lower(), names, n=2, cutoff=0.75)
    if len(close) == 2 and SPELLINGS[close[0]] is not SPELLINGS[close[1]]:
        close = [best for best in close[:1] if best[0] == name[0].lower()]
    return close[0] if close else None
