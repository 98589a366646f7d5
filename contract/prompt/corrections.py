"""The obvious corrections: what a word was surely meant to be."""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from fractions import Fraction

from contract.prompt.flags import SPELLINGS, Flag, Kind
from contract.prompt.lexer import DASH, Line, RawFlag
from contract.prompt.refusals import Edit
from contract.prompt.source import Source

_GLUED = re.compile(r"([a-z]+)[=:-]?([0-9.].*|<?https?://.*)|([a-z]+)[=:](.+)|([a-z]+)[,;.]", re.IGNORECASE)
_GLUED_FLAG = re.compile(rf"(.{{1,20}}?)(?:{DASH}{{2,}}|(?!-){DASH})([a-z]{{1,20}})", re.IGNORECASE)
_SPACED_RATIO = re.compile(r"([0-9]{1,6}) ?:? ?([0-9]{1,6})")
_NUMBER_AGAIN = re.compile(r"[0-9.]+%?")
_ON, _OFF = frozenset({"on", "true", "yes", "1"}), frozenset({"off", "false", "0"})
"""What other tools write behind their switches."""
_LONGEST = 40
_ELSEWHERE = {
    **dict.fromkeys(("neg", "negative", "negative-prompt", "negative_prompt", "negprompt", "np"), "no"),
    **dict.fromkeys(("ratio", "aspect-ratio", "aspect_ratio", "aspectratio"), "ar"),
}
"""Flags of other tools, by what they are called here."""
_SIZES = frozenset({"size", "res", "resolution", "dimensions"})
_SIZE = re.compile(r"([0-9]{1,5})[xX*×]([0-9]{1,5})")
_NOT_HERE = frozenset(
    {"steps", "step", "cfg", "cfg-scale", "cfg_scale", "guidance", "guidance-scale", "guidance_scale", "clip-skip"}
)
"""Numbers of other tools that a model here knows itself."""
_CHOICES = frozenset({"mode", "speed", "model", "preset", "tune"})
"""Flags of other tools and times, with one word behind them, which may be a switch here: `--mode fast`."""
_NEVER_MEANT = frozenset({"test", "testp", "width"})
"""Flags of the first year that everyday words are close to: `--text`, `--with`."""
_SHAPE = re.compile(r"([0-9]{1,5})(?:[xX*×:]([0-9]{1,5}))")
_VERSION = re.compile(r"[0-9](?:\.[0-9])?")
_WORD = re.compile(r"[^\W\d_]{3,}")
_VALUED = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.ASPECT, Kind.VERSION})
_NO = re.compile(r"no[-_]([a-z]{2,30})", re.IGNORECASE)


def unknown_name_edits(source: Source, raw: RawFlag) -> tuple[Edit, ...]:
    """`--v5` as `--v 5`, `--ar=3:2` as `--ar 3:2`, `--aspct` as `--aspect`, `-- ar` and `-ar` as `--ar`, and flags of
    other tools as they are here; nothing if unclear."""
    span = source.span(raw.start, raw.end)
    if span is None:
        return ()
    if raw.name.startswith("-"):
        return (Edit(*span, f"-{raw.name}"),)
    if not raw.name:
        after = source.span(raw.start, raw.words[0][0] + 1) if raw.words else None
        return (Edit(span[0], after[1] - 1, "--"),) if after else ()
    elsewhere = _from_elsewhere(source, raw, span)
    if elsewhere is not None:
        return elsewhere
    better = _meant(unicodedata.normalize("NFKC", raw.name)) if len(raw.name) <= _LONGEST else None
    return (Edit(*span, f"--{better}"),) if better else _as_words(source, raw, span)


def misplaced_text_edits(
    line: Line, flag: Flag, name: tuple[int, int], place: tuple[int, int], value: tuple[int, int] | None
) -> tuple[Edit, ...]:
    """What to do with the words at `place`, which stand after a parameter, its `name` and its `value`.

    They move to the end of the text; unless they are mere punctuation, the rest of a ratio with blanks in it, a second
    number, `on` or `off` behind a switch, or the value of a flag glued to `value`.
    """
    span = line.source.span(*place)
    if value is not None and (parted := parted_flag(line.source.text[slice(*value)])):
        value_span = line.source.span(*value)
        return (Edit(*value_span, parted),) if value_span else ()
    text_end = line.text_end
    target = line.source.span(text_end - 1, text_end) if text_end else (0, 0)
    if span is None or target is None:
        return ()
    words = line.source.text[place[0] : place[1]]
    if value is not None and flag.kind is Kind.ASPECT:
        whole = line.source.span(value[0], place[1])
        ratio = _SPACED_RATIO.fullmatch(line.source.text, value[0], place[1])
        if ratio is not None and " " in ratio[0]:
            return (Edit(*whole, f"{ratio[1]}:{ratio[2]}"),) if whole else ()
    if value is not None and flag.kind in _VALUED and words[0].isdigit():
        between, first = line.source.text[slice(*value)], line.source.span(*value)
        if first and between.isalpha():  # `--aspect ratio 16:9`
            return (Edit(*first, ""),)
    if flag.kind is Kind.SWITCH and words.lower() in _OFF:
        whole = line.source.span(name[0], place[1])
        return (Edit(*whole, ""),) if whole else ()
    again = flag.kind in (Kind.INTEGER, Kind.DECIMAL) and all(map(_NUMBER_AGAIN.fullmatch, words.split()))
    if again or (flag.kind is Kind.SWITCH and words.lower() in _ON) or not any(map(str.isalnum, words)):
        return (Edit(*span, ""),)
    return Edit(target[1], target[1], f" {words} "), Edit(*span, "")


def parted_flag(word: str) -> str | None:
    """`3:2--tile` as `3:2 --tile`; None when no flag is glued to the word."""
    glued = _GLUED_FLAG.fullmatch(word)
    return f"{glued[1]} --{glued[2]}" if glued and glued[2].lower() in SPELLINGS else None


def _from_elsewhere(source: Source, raw: RawFlag, span: tuple[int, int]) -> tuple[Edit, ...] | None:
    """What another tool's flag is here: another name, a ratio in place of a size, or nothing. None for any other."""
    name = raw.name.lower()
    if name in _ELSEWHERE:
        return (Edit(*span, f"--{_ELSEWHERE[name]}"),)
    if denied := _NO.fullmatch(name):
        return (Edit(*span, f"--no {denied[1]}"),)
    value = source.span(*raw.words[0]) if raw.words else None
    typed = source.text[slice(*raw.words[0])] if raw.words else ""
    if name in _SIZES and value and (size := _SIZE.fullmatch(typed)) and int(size[1]) and int(size[2]):
        shape = Fraction(int(size[1]), int(size[2]))
        return (Edit(span[0], value[1], f"--ar {shape.numerator}:{shape.denominator}"),)
    if name in _CHOICES:
        switch = SPELLINGS.get(typed.lower())
        instead = f"--{typed.lower()}" if switch is not None and switch.kind is Kind.SWITCH else ""
        return (Edit(span[0], value[1] if value else span[1], instead),)
    if pair := _SHAPE.fullmatch(name):
        return (Edit(*span, f"--ar {pair[1]}:{pair[2]}"),)
    if _VERSION.fullmatch(name):
        return (Edit(*span, f"--v {name}"),)
    if name in _NOT_HERE:
        return (Edit(span[0], value[1] if value and re.fullmatch(r"[0-9.]+", typed) else span[1], ""),)
    return None


def _as_words(source: Source, raw: RawFlag, span: tuple[int, int]) -> tuple[Edit, ...]:
    """A flag that nobody knows goes with its value; one with words behind it was a dash before words."""
    if not raw.words:
        return (Edit(*span, ""),)
    start, end = raw.words[0][0], raw.words[-1][1]
    behind = source.span(start, end)
    if behind and len(raw.words) == 1 and not _WORD.fullmatch(source.text[start:end]):
        return (Edit(span[0], behind[1], ""),)
    words = raw.name.strip("-_,;.:!?")
    return (Edit(*span, words),) if _WORD.fullmatch(words) else ()


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
    names = [spelling for spelling in SPELLINGS if len(spelling) > 2 and spelling not in _NEVER_MEANT]
    close = get_close_matches(name.lower(), names, n=2, cutoff=0.75)
    if len(close) == 2 and SPELLINGS[close[0]] is not SPELLINGS[close[1]]:
        close = [best for best in close[:1] if best[0] == name[0].lower()]
    return close[0] if close else None
