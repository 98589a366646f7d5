"""The obvious corrections: what a word was surely meant to be."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches

from contract.prompt.flags import SPELLINGS, Kind
from contract.prompt.lexer import DASH, Line, RawFlag
from contract.prompt.refusals import Edit
from contract.prompt.source import Source

_GLUED = re.compile(r"([a-z]+)[=:]?([0-9.].*|<?https?://.*)|([a-z]+)[=:](.+)|([a-z]+)[,;.]", re.IGNORECASE)
_GLUED_FLAG = re.compile(rf"(.{{1,20}}?)(?:{DASH}{{2,}}|(?!-){DASH})([a-z]{{1,20}})", re.IGNORECASE)
_SPACED_RATIO = re.compile(r"[0-9]{1,6} ?: ?[0-9]{1,6}")
_LONGEST = 40


def unknown_name_edits(source: Source, raw: RawFlag) -> tuple[Edit, ...]:
    """`--v5` as `--v 5`, `--ar=3:2` as `--ar 3:2`, `--aspct` as `--aspect`, `-- ar` and `-ar` as `--ar`; nothing if
    unclear."""
    span = source.span(raw.start, raw.end)
    if span is None:
        return ()
    if raw.name.startswith("-"):
        return (Edit(*span, f"-{raw.name}"),)
    if not raw.name:
        after = source.span(raw.start, raw.words[0][0] + 1) if raw.words else None
        return (Edit(span[0], after[1] - 1, "--"),) if after else ()
    better = _meant(unicodedata.normalize("NFKC", raw.name)) if len(raw.name) <= _LONGEST else None
    return (Edit(*span, f"--{better}"),) if better else ()


def misplaced_text_edits(line: Line, place: tuple[int, int], value: tuple[int, int] | None) -> tuple[Edit, ...]:
    """What to do with the words at `place`, which stand after a parameter's `value`.

    They move to the end of the text; unless they are mere punctuation, the rest of a ratio with blanks around its
    colon, or the value of a flag glued to `value`.
    """
    span = line.source.span(*place)
    if value is not None and (parted := parted_flag(line.source.text[slice(*value)])):
        value_span = line.source.span(*value)
        return (Edit(*value_span, parted),) if value_span else ()
    text_end = line.text_end
    target = line.source.span(text_end - 1, text_end) if text_end else (0, 0)
    if span is None or target is None:
        return ()
    if value is not None and _SPACED_RATIO.fullmatch(line.source.text, value[0], place[1]):
        whole = line.source.span(value[0], place[1])
        return (Edit(*whole, line.source.text[value[0] : place[1]].replace(" ", "")),) if whole else ()
    words = line.source.text[place[0] : place[1]]
    if not any(map(str.isalnum, words)):
        return (Edit(*span, ""),)
    return Edit(target[1], target[1], f" {words} "), Edit(*span, "")


def parted_flag(word: str) -> str | None:
    """`3:2--tile` as `3:2 --tile`; None when no flag is glued to the word."""
    glued = _GLUED_FLAG.fullmatch(word)
    return f"{glued[1]} --{glued[2]}" if glued and glued[2].lower() in SPELLINGS else None


def _meant(name: str) -> str | None:
    if name.lower() in SPELLINGS:  # in wide letters
        return name.lower()
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
