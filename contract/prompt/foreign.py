"""What people paste from other tools: seen for what it is, and offered as what it means here.

Read as plain words it would end up in the picture, or do nothing without a word about it. The spellings are those of
AUTOMATIC1111's web UI and its relatives (weights, prompt editing, `BREAK`, `AND`, add-ons, the lines under a picture),
of Dynamic Prompts (`{a|b}`, `__wildcard__`) and of Compel (`(x)++`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import gcd

from contract.prompt.links import shortened
from contract.prompt.refusals import Edit, PromptError
from contract.prompt.source import Source
from contract.versions import Version

_NUMBER = r"[0-9]?\.[0-9]{1,3}|[0-9](?![0-9])"
_INSIDE = r"[^()\[\]{}<>|]{1,200}?"
_ADD_ON = re.compile(
    r"<(?:lora|lyco|lycoris|hypernet|embedding|ti):[^<> ]{1,200}>|(?<![\w<])embedding:[\w.-]{1,100}", re.IGNORECASE
)
_WILDCARD_TAG = re.compile(r"<wildcard:([^<> ]{1,100})>", re.IGNORECASE)
_WILDCARD = re.compile(r"(?<!\w)__([\w/*.-]{1,60}?)__(?!\w)")
_MARKDOWN = re.compile(r"\*\*|\\\*|~~|`")
_WEIGHT = re.compile(rf"(?<!\\)\(({_INSIDE}):({_NUMBER})\)")
_DOUBLED = re.compile(rf"(?<!\\)(?:\({{2,8}}({_INSIDE})\){{2,8}}|\[{{2,8}}({_INSIDE})\]{{2,8}})")
_PLUSSED = re.compile(rf"(?<!\\)\(({_INSIDE})\)\+{{1,8}}")
_EDITED = re.compile(rf"\[([^()\[\]{{}}<>|:]{{1,200}})?(?::([^()\[\]{{}}<>|:]{{1,200}}))?::?({_NUMBER})\]")
_ALTERNATED = re.compile(r"\[([^\[\]{}|]{1,100}(?:\|[^\[\]{}|]{1,100}){1,20})\]")
_GROUP = re.compile(r"\{([^{}]*)\}")
_WIDE_GROUP = re.compile(r"[{｛]([^{}｛｝,]{1,500}[，、][^{}｛｝,]{1,500})[}｝]|｛[^{}｛｝]{1,500}｝")
_NARROW = str.maketrans({"，": ", ", "、": ", ", "｛": "{", "｝": "}"})
_WIDE_BREAK = re.compile("：：|:：|：:")
_COUNT = re.compile(r" *[0-9]+(?:-[0-9]+)?\$\$(?:[^$|]{1,10}\$\$)?")
_SHARE = re.compile(rf" *(?:{_NUMBER})::")
_AND = re.compile(rf"(?::({_NUMBER}))? AND (?=[^ -])")
_BREAK = re.compile(r"(?<=[^ ] )BREAK (?=[^ -])")
_NEGATIVE = re.compile(r"(?:^|[ ,.])negative prompt: ?", re.IGNORECASE)
_SETTINGS = re.compile(r"(?:^| )steps: [0-9]{1,5},", re.IGNORECASE)
_SEED = re.compile(r"\bseed: ([0-9]{1,10})\b", re.IGNORECASE)
_SIZE = re.compile(r"\bsize: ([0-9]{1,5})x([0-9]{1,5})\b", re.IGNORECASE)
_SUSPICIOUS = re.compile(r"[<(\[{|｛：]|__| AND |BREAK|embedding:", re.IGNORECASE)
_MOST = 40
"""A text that holds more of them is put right in several goes."""
_LARGEST_SEED = 4_294_967_295
_FLAG = re.compile(r" --(?=[a-z])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Find:
    """Another tool's spelling: where it stands, what it is, and what to write instead."""

    start: int
    end: int
    reason: str
    instead: str
    emphasis: tuple[str, float] | None = None
    """Words that are to count for more than the rest, and by how much."""


def refuse_foreign(source: Source, version_of: Callable[[Source], Version]) -> None:
    """PromptError `other_syntax` for what other tools would read as more than words, with edits that put all of it in
    the words of the version that the line asks for."""
    text = source.text
    finds = _pasted(text)
    end = finds[0].start if finds else len(text)
    version = version_of(source) if finds or _SUSPICIOUS.search(text) else None
    if version is None:
        return
    finds += _spellings(text, end, version)
    if not finds:
        return
    finds.sort(key=lambda find: find.start)
    edits = [Edit(*span, find.instead) for find in finds if (span := source.span(find.start, find.end)) is not None]
    text_end = _text_end(text, end)
    stressed = [find.emphasis for find in finds if find.emphasis and find.end <= text_end]
    after = source.span(text_end - 1, text_end)
    if stressed and version.weights == "decimal" and "{" not in text and after:
        parts = " ".join(f"{words}::{share:g}" for words, share in stressed)
        edits.append(Edit(after[1], after[1], f":: {parts} "))
    first = finds[0]
    written = text[first.start : first.end]
    place = first.start + len(written) - len(written.lstrip())
    written = written.strip()
    instead = first.instead
    if first.emphasis and version.weights == "decimal":
        instead = f"{first.instead}:: {first.emphasis[0]}::{first.emphasis[1]:g}"
    raise PromptError(
        "other_syntax",
        first.reason,
        span=source.span(place, place + len(written)),
        edits=tuple(edits) if len(edits) >= len(finds) else (),
        written=shortened(written),
        instead=shortened(instead.strip()) or "…",
    )


def _spellings(text: str, end: int, version: Version) -> list[_Find]:
    """What stands in the first `end` characters, at most `_MOST`. What lies inside of another is found afterwards."""
    finds: list[_Find] = []
    words = re.sub(r"\b(?:AND|BREAK)\b", "", text[: _text_end(text, end)])
    shouts = sum(map(str.isupper, words)) > sum(map(str.islower, words))
    # In capitals anyway, they are words like the others; beside other marks of Markdown, `__a__` is underlined.
    words_only = {_AND, _BREAK} if shouts else set()
    if _MARKDOWN.search(words):
        words_only.add(_WILDCARD)
    for pattern, read in _READERS:
        if pattern in words_only:
            continue
        for found in pattern.finditer(text, 0, end):
            if len(finds) >= _MOST:
                return finds
            if any(other.start < found.end() and found.start() < other.end for other in finds):
                continue
            find = read(found, version)
            if find is not None:
                finds.append(find)
    return finds


def _replaced(reason: str, write: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str], Version], _Find]:
    return lambda found, version: _Find(found.start(), found.end(), reason, write(found))


def _weighed(found: re.Match[str], version: Version) -> _Find | None:
    words, number = found[1].strip(), float(found[2])
    if words[-1:].isdigit() and "." not in found[2]:  # `(ratio 16:9)` is a ratio
        return None
    share = round(number - 1, 2)
    return _Find(found.start(), found.end(), "weight", words, (words, share) if share > 0 else None)


def _stressed(found: re.Match[str], version: Version) -> _Find:
    words = next(group for group in found.groups() if group is not None).strip()
    return _Find(found.start(), found.end(), "emphasis", words)


def _choice(found: re.Match[str], version: Version) -> _Find | None:
    if "|" not in found[1]:
        return None
    options = [_SHARE.sub("", option, count=1).strip() for option in _COUNT.sub("", found[1], count=1).split("|")]
    listed = ", ".join(option.replace(",", "\\,") for option in options)
    return _Find(found.start(), found.end(), "choice", f"{{{listed}}}")


def _joined(found: re.Match[str], version: Version) -> _Find:
    if version.weights == "none":
        return _Find(found.start(), found.end(), "join", " and ")
    weight = found[1] or ""
    if version.weights == "integer" and weight:
        weight = str(max(1, round(float(weight))))
    return _Find(found.start(), found.end(), "join", f"::{weight} ")


def _name(found: re.Match[str]) -> str:
    return re.sub(r"[_*.-]+", " ", found[1].rpartition("/")[2]).strip()


def _edited(found: re.Match[str], version: Version) -> _Find | None:
    if (found[1] or "")[-1:].isdigit() and found[2] is None and "." not in found[3]:  # `[16:9]` is a ratio
        return None
    return _Find(found.start(), found.end(), "editing", _both(found))


def _both(found: re.Match[str]) -> str:
    """`[cat:dog:0.5]` begins as one and ends as the other, `[cat|dog]` takes turns: here they are two things."""
    if found.re is _ALTERNATED:
        return " and ".join(option.strip() for option in found[1].split("|"))
    return " and ".join(words.strip() for words in found.groups()[:2] if words and words.strip())


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Version], _Find | None]], ...] = (
    (_ADD_ON, _replaced("add_on", lambda found: "")),
    (_WILDCARD_TAG, _replaced("wildcard", _name)),
    (_WILDCARD, _replaced("wildcard", _name)),
    (_WEIGHT, _weighed),
    (_EDITED, _edited),
    (_ALTERNATED, _replaced("editing", _both)),
    (_PLUSSED, _stressed),
    (_DOUBLED, _stressed),
    (_GROUP, _choice),
    (_WIDE_GROUP, _replaced("wide", lambda found: found[0].translate(_NARROW))),
    (_WIDE_BREAK, _replaced("wide", lambda found: "::")),
    (_AND, _joined),
    (_BREAK, _replaced("break", lambda found: "")),
)


def _pasted(text: str) -> list[_Find]:
    """The lines under a picture of a web UI, `Negative prompt: …` and `Steps: …, Seed: …`, as parameters."""
    settings, negative = _SETTINGS.search(text), _NEGATIVE.search(text)
    begins = [found.start() for found in (settings, negative) if found]
    if not begins:
        return []
    start = min(begins)
    flag = _FLAG.search(text, start)
    end = flag.start() if flag else len(text)
    pieces = []
    if negative and negative.end() <= end:
        stop = settings.start() if settings and settings.start() > negative.start() else end
        if items := list(_items(text[negative.end() : stop])):
            pieces.append(f"--no {', '.join(items)}")
    if settings and settings.end() <= end:
        line = text[settings.start() : end]
        if (seed := _SEED.search(line)) and int(seed[1]) <= _LARGEST_SEED:
            pieces.append(f"--seed {int(seed[1])}")
        if (size := _SIZE.search(line)) and (divisor := gcd(int(size[1]), int(size[2]))):
            pieces.append(f"--ar {int(size[1]) // divisor}:{int(size[2]) // divisor}")
    return [_Find(start, end, "pasted", f" {' '.join(pieces)}")]


def _items(text: str) -> Iterator[str]:
    """The items of a web UI's negative prompt, without weights, brackets and add-ons."""
    plain = _WEIGHT.sub(r"\1", _ADD_ON.sub("", text))
    for piece in re.split(r",| BREAK ", plain):
        if item := re.sub(r"[()\[\]{}<>|\\]|:(?:[0-9.]+)", "", piece).strip(" -.*"):
            yield item


def _text_end(text: str, end: int) -> int:
    flag = _FLAG.search(text, 0, end)
    return len(text[: flag.start() if flag else end].rstrip(" "))
