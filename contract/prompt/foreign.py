"""What people paste from other tools: seen for what it is, and offered as what it means here.

Read as plain words it would end up in the picture, or do nothing without a word about it. The spellings are those of
AUTOMATIC1111's web UI and its relatives (weights, prompt editing, `BREAK`, `AND`, add-ons, the lines under a picture),
of Dynamic Prompts (`{a|b}`, `__wildcard__`, `${name}`), of Compel (`(x)++`, `("x", "y").and()`), of NovelAI
(`1.5::x::`), of SwarmUI (`<random:a,b>`, `<segment:face>`) and of requests to an API (`{"prompt": "x"}`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import gcd

from contract.prompt.links import shortened
from contract.prompt.refusals import Edit, PromptError
from contract.prompt.source import Source, inserted, join, normalise
from contract.versions import Version

_NUMBER = r"[0-9]?\.[0-9]{1,3}|[0-9](?![0-9])"
_INSIDE = r"[^()\[\]{}<>|]{1,200}?"
_ADD_ON = re.compile(
    r"<(?:hypernet|embedding|ti):[^<> ]{1,200}>"
    rf"|\(embedding:[\w.-]{{1,100}}(?::(?:{_NUMBER}))?\)|(?<![\w<(])embedding:[\w.-]{{1,100}}(?::(?:{_NUMBER}))?",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^(?:[/!] ?(?:imagine|dream|gen|generate|draw|paint)(?: +prompt)? ?:?|imagine +prompt ?:|(?:positive +)?prompt ?:)"
    r"(?: +|(?<=:)(?=[^ :]))",
    re.IGNORECASE,
)
"""What stands before a prompt where one is copied from: the command's own name, and its option's."""
_TAG = (
    r"(?:[-\u2014]{1,2}lora +)?<(?:lora|lyco|lycoris): ?([^<>: ][^<>:]{0,199})(?:: ?([^<>: ]{0,20}))?(?::[^<>]{0,60})?>"
)
_LORA = re.compile(rf"(?:,? *){_TAG}(?= *(?:[,<]|$))|{_TAG}", re.IGNORECASE)
"""Where a comma or the end follows, the comma before it goes too; a flag that it is the value of goes always."""
_TORN_LORA = re.compile(
    r"<(?:lora|lyco|lycoris): *(?:(?:: ?[^<> ]{0,20})?>|([^<>: ]{1,100})(?::([^<> ]{0,20}))?(?= |$)(?![^<>]{0,300}>))",
    re.IGNORECASE,
)
"""A tag without a name, or without its end."""
_AFTER_FLAG = re.compile(r"(?:^|[-\u2014][a-z]{1,20})$", re.IGNORECASE)
_COMMA = re.compile(" *,")
_FILE = re.compile(r"(?:.*[/\\])?(.+?)(?:\.safetensors|\.ckpt|\.pt)?", re.IGNORECASE)
_WILDCARD_TAG = re.compile(r"<(?:wildcard|wc):([^<> ]{1,100})>", re.IGNORECASE)
_RANDOM_TAG = re.compile(r"<random(?:\[[^<>\]]{0,20}\])?:([^<>]{1,300})>", re.IGNORECASE)
_TURNS_TAG = re.compile(r"<(?:alternate|alt|fromto)(?:\[[^<>\]]{0,20}\])?:([^<>]{1,300})>", re.IGNORECASE)
_TAG_OF_OTHERS = re.compile(
    r"<(?:(?:segment|object|region|preset|p|param|trigger|clear|setvar|var|setmacro|macro|extend|base|refiner|video)"
    r"(?:\[[^<>\]]{0,40}\])?:[^<>]{0,100}|refiner|base|trigger)>",
    re.IGNORECASE,
)
_WILDCARD = re.compile(r"(?<!\w)__([\w/*.-]{1,60}?)__(?!\w)")
_MARKDOWN = re.compile(r"\*\*|\\\*|~~|`")
_WEIGHT = re.compile(rf"(?<!\\)[(（]({_INSIDE}) ?[:：] ?(-?(?:{_NUMBER}))[)）]")
_WEIGHED_AHEAD = re.compile(
    rf"(?:^|(?<=,)|(?<=, )|(?<=:: ))(-?(?:{_NUMBER}))::(?=[^ :])([^:{{}}<>|]{{1,300}}?) ?::(?![0-9.+-])"
)
_NUMBERED = re.compile(rf"(?<!\\)\(({_INSIDE})\)([0-9]?\.[0-9]{{1,3}})(?![\w.])")
_DOUBLED = re.compile(rf"(?<!\\)(?:\({{2,8}}({_INSIDE})\){{2,8}}|\[{{2,8}}({_INSIDE})\]{{2,8}})")
_PLUSSED = re.compile(
    rf"(?<!\\)\(({_INSIDE})\)(?:\+{{1,8}}|-{{1,8}}(?![\w-]))"
    r'|(?<![\w+(])(?:([^\W\d_]{3,60})|"([^"+]{1,200})")\+{2,8}(?![\w+])'
)
_CALL = re.compile(r'\(("[^"]{1,300}"(?:, ?"[^"]{1,300}"){1,20})\)\.(?:and|blend)\([^()]{0,100}\)')
_VARIABLE = re.compile(r"\$\{(\w{1,40})(?:(=)!?(\{[^{}]{0,300}\}|[^{}]{0,300}))?\}")
_EDITED = re.compile(rf"\[([^()\[\]{{}}<>|:]{{1,200}})?(?::([^()\[\]{{}}<>|:]{{1,200}}))?::?({_NUMBER}|[0-9]{{2,3}})\]")
_ALTERNATED = re.compile(r"\[([^\[\]{}|]{1,100}(?:\|[^\[\]{}|]{1,100}){1,20})\]")
_GROUP = re.compile(r"\{([^{}]*)\}")
_WIDE_GROUP = re.compile(r"[{｛]([^{}｛｝,]{1,500}[，、][^{}｛｝,]{1,500})[}｝]|｛[^{}｛｝]{1,500}｝")
_NARROW = str.maketrans({"，": ", ", "、": ", ", "｛": "{", "｝": "}"})
_WIDE_BREAK = re.compile("：：|:：|：:")
_COUNT = re.compile(r" *[0-9]+(?:-[0-9]+)?\$\$(?:[^$|]{1,10}\$\$)?")
_SHARE = re.compile(rf" *(?:{_NUMBER})::")
_AND = re.compile(rf"(?:(?<![0-9]):({_NUMBER}))? AND (?=[^ -])")
_LAST_SHARE = re.compile(rf" ?:({_NUMBER})(?= *$| +--)")
"""The weight of the last of the prompts that `AND` joins."""
_BREAK = re.compile(r"(?<=[^ ] )BREAK(?= |, )(?! -| *,? *$)|(?:^|(?<=,)|(?<=, ))BREAK(?= ?,| ?$| --)")
_GAP = re.compile(r"[ ,]*")
_NO_MORE = re.compile(r"$|--[a-z]", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?:^|[ ,.])negative prompt: ?", re.IGNORECASE)
_SETTINGS = re.compile(r"(?:^|,? )steps: [0-9]{1,5},", re.IGNORECASE)
_SEED = re.compile(r"\bseed: ([0-9]{1,10})\b", re.IGNORECASE)
_SIZE = re.compile(r"\bsize: ([0-9]{1,5})x([0-9]{1,5})\b", re.IGNORECASE)
_OBJECT = re.compile(r'\s*\{\s*"')
_SIDES = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
_SUSPICIOUS = re.compile(
    r"[<(\[{|｛：（]|__|\+\+| AND |BREAK|embedding:|^(?:[/!]|imagine |(?:positive +)?prompt ?:)|[0-9]::", re.IGNORECASE
)
_MOST = 40
"""A text that holds more of them is put right in several goes."""
_LARGEST_SEED = 4_294_967_295
_FLAG = re.compile(r" --(?=[a-z])", re.IGNORECASE)
_LINK = re.compile(r"(?<![^ <])https?://[^ ]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Find:
    """Another tool's spelling: where it stands, what it is, and what to write instead."""

    start: int
    end: int
    reason: str
    instead: str
    emphasis: tuple[str, float] | None = None
    """Words that are to count for more than the rest, and by how much."""

    @property
    def leaves_gap(self) -> bool:
        """Whether nothing stands instead within a list."""
        return not self.instead and self.reason not in ("command", "pasted")


def loras_as_flags(source: Source) -> Source:
    """`source` with each `<lora:ink:0.8>` of a web UI as `--lora ink::0.8` at its end: it means the same here."""
    flags: list[Source] = []
    kept: list[tuple[int, int]] = []
    position = 0
    for found in _LORA.finditer(source.text):
        name, weight = (1, 2) if found[1] is not None else (3, 4)
        file = _FILE.fullmatch(source.text, *found.span(name))
        start, end = file.span(1) if file else found.span(name)
        named = source.cut(start, start + len(source.text[start:end].rstrip()))
        flags += [inserted(" --lora "), Source(named.text.replace(" ", "_"), named.origins)]
        if found[weight]:
            flags += [inserted("::"), source.cut(*found.span(weight))]
        kept.append((position, found.start()))
        position = found.end()
        if _AFTER_FLAG.search(source.text, 0, found.start()) and (comma := _COMMA.match(source.text, position)):
            position = comma.end()  # the first item of a list
    if not flags:
        return source
    kept.append((position, len(source.text)))
    return normalise(join([source.pick(kept), *flags]))


def lora_tags(text: str) -> list[tuple[int, int]]:
    """Where such tags stand."""
    return [found.span() for found in _LORA.finditer(text)]


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
    places = [(source.span(start, end), instead) for start, end, instead in _written_anew(text, finds)]
    edits = [Edit(*span, instead) for span, instead in places if span is not None]
    text_end = _text_end(text, end)
    stressed = [find.emphasis for find in finds if find.emphasis and find.end <= text_end]
    after = source.span(text_end - 1, text_end)
    if stressed and version.weights == "decimal" and "{" not in text and after:
        parts = " ".join(f"{words}::{share:g}" for words, share in stressed)
        edits.insert(0, Edit(after[1], after[1], f":: {parts} "))
    first = finds[0]
    written = text[first.start : first.end]
    place = first.start + len(written) - len(written.lstrip())
    written = written.strip()
    instead = first.instead
    if first.emphasis and version.weights == "decimal":
        instead = f"{first.instead}:: {first.emphasis[0]}::{first.emphasis[1]:g}".removeprefix(":: ")
    raise PromptError(
        "other_syntax",
        first.reason,
        span=source.span(place, place + len(written)),
        edits=tuple(edits) if all(span for span, _ in places) else (),
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
    links = [found.span() for found in _LINK.finditer(text)]
    for pattern, read in _READERS:
        if pattern in words_only:
            continue
        kept = [] if pattern in (_GROUP, _WIDE_GROUP) else links  # braces mean a group everywhere
        for found in pattern.finditer(text, 0, end):
            if len(finds) >= _MOST:
                return finds
            if any(other.start < found.end() and found.start() < other.end for other in finds):
                continue
            if any(start <= found.start() < end for start, end in kept):
                continue
            find = read(found, version)
            if find is not None:
                finds.append(find)
    return finds


def _written_anew(text: str, finds: Sequence[_Find]) -> Iterator[tuple[int, int, str]]:
    """From where to where stands what instead. Where nothing does, the commas that would be left over go, too."""
    pieces: list[tuple[int, int, _Find]] = []
    for find in finds:
        if pieces and find.leaves_gap and pieces[-1][2].leaves_gap and _GAP.fullmatch(text, pieces[-1][1], find.start):
            pieces[-1] = (pieces[-1][0], find.end, find)
        else:
            pieces.append((find.start, find.end, find))
    for number, (start, end, find) in enumerate(pieces):
        if find.leaves_gap:
            least = pieces[number - 1][1] if number else 0
            most = pieces[number + 1][0] if number + 1 < len(pieces) else len(text)
            start, end = _with_commas(text, start, end, least, most)
        yield start, end, find.instead


def _with_commas(text: str, start: int, end: int, least: int, most: int) -> tuple[int, int]:
    """`start` and `end`, widened within `least` to `most` so that a list without what stands there is whole."""
    before = text[least:start].rstrip(" ")
    gap = _GAP.match(text, end, most)
    assert gap is not None  # it matches nothing as well
    if _NO_MORE.match(text, gap.end()) or _pasted_at(text, gap.end()):
        return least + len(before.rstrip(" ,")), end + len(gap[0].rstrip(" "))
    if before.endswith(",") or not before:
        return start, gap.end()
    return (least + len(before) if "," in gap[0] else start), end


def _pasted_at(text: str, place: int) -> bool:
    return any(
        found.start() in (place - 1, place) for pattern in (_SETTINGS, _NEGATIVE) if (found := pattern.search(text))
    )


def _replaced(reason: str, write: Callable[[re.Match[str]], str]) -> Callable[[re.Match[str], Version], _Find]:
    return lambda found, version: _Find(found.start(), found.end(), reason, write(found))


def _weighed(found: re.Match[str], version: Version) -> _Find | None:
    words, number = found[1].strip(), float(found[2])
    if words[-1:].isdigit() and "." not in found[2]:  # `(ratio 16:9)` is a ratio
        return None
    return _counted(found, words, number)


def _weighed_ahead(found: re.Match[str], version: Version) -> _Find:
    return _counted(found, found[2].strip(), float(found[1]))


def _counted(found: re.Match[str], words: str, number: float) -> _Find:
    """Words that count for more than others are said again as a part of their own, and what is to be away is one."""
    if number < 0:
        return _Find(found.start(), found.end(), "weight", "", (words, -0.5))
    share = round(number - 1, 2)
    return _Find(found.start(), found.end(), "weight", words, (words, share) if share > 0 else None)


def _stressed(found: re.Match[str], version: Version) -> _Find:
    words = next(group for group in found.groups() if group is not None).strip()
    return _Find(found.start(), found.end(), "emphasis", words)


def _choice(found: re.Match[str], version: Version) -> _Find | None:
    if "|" not in found[1]:
        return None
    options = [_SHARE.sub("", option, count=1).strip() for option in _COUNT.sub("", found[1], count=1).split("|")]
    return _Find(found.start(), found.end(), "choice", _group(options))


def _group(options: Sequence[str]) -> str:
    return f"{{{', '.join(option.strip().replace(',', chr(92) + ',') for option in options)}}}"


def _one_of(found: re.Match[str]) -> str:
    return _group(_options(found[1]))


def _options(text: str) -> list[str]:
    """`a||b`, `a|b` or `a, b`."""
    return re.split(r" *\|\| *" if "||" in text else r" *\| *" if "|" in text else r" *, *", text)


def _turns(found: re.Match[str]) -> str:
    return " and ".join(_options(found[1]))


def _called(found: re.Match[str], version: Version) -> _Find:
    pieces = re.findall(r'"([^"]+)"', found[1])
    return _Find(found.start(), found.end(), "join", (" and " if version.weights == "none" else ":: ").join(pieces))


def _variable(found: re.Match[str]) -> str:
    """What the name stands for, where it is used; nothing where it is said what that is."""
    if found[2]:
        return ""
    said = next((one[3].strip() for one in _VARIABLE.finditer(found.string) if one[2] and one[1] == found[1]), None)
    if said is None:
        return found[1]
    return _group(_options(said[1:-1])) if said.startswith("{") else said


def _joined(found: re.Match[str], version: Version) -> _Find:
    if version.weights == "none":
        return _Find(found.start(), found.end(), "join", " and ")
    weight = found[1] or ""
    if version.weights == "integer" and weight:
        weight = str(max(1, round(float(weight))))
    return _Find(found.start(), found.end(), "join", f"::{weight} ")


def _last_share(found: re.Match[str], version: Version) -> _Find | None:
    _, joined, last = found.string[: found.start()].rpartition(" AND ")
    if not joined or " --" in last or last[-1:].isdigit():  # a ratio, or the value of a flag
        return None
    weight = max(1, round(float(found[1]))) if version.weights == "integer" else found[1]
    return _Find(found.start(), found.end(), "join", "" if version.weights == "none" else f"::{weight}")


def _mended(found: re.Match[str]) -> str:
    return f"<lora:{found[1]}:{found[2] or 1}>" if found[1] else ""


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
    (_COMMAND, _replaced("command", lambda found: "")),
    (_ADD_ON, _replaced("add_on", lambda found: "")),
    (_TORN_LORA, _replaced("torn", _mended)),
    (_VARIABLE, _replaced("variable", _variable)),
    (_WILDCARD_TAG, _replaced("wildcard", _name)),
    (_RANDOM_TAG, _replaced("choice", _one_of)),
    (_TURNS_TAG, _replaced("editing", _turns)),
    (_TAG_OF_OTHERS, _replaced("tag", lambda found: "")),
    (_CALL, _called),
    (_WEIGHED_AHEAD, _weighed_ahead),
    (_WILDCARD, _replaced("wildcard", _name)),
    (_WEIGHT, _weighed),
    (_NUMBERED, _weighed),
    (_EDITED, _edited),
    (_ALTERNATED, _replaced("editing", _both)),
    (_PLUSSED, _stressed),
    (_DOUBLED, _stressed),
    (_GROUP, _choice),
    (_WIDE_GROUP, _replaced("wide", lambda found: found[0].translate(_NARROW))),
    (_WIDE_BREAK, _replaced("wide", lambda found: "::")),
    (_AND, _joined),
    (_LAST_SHARE, _last_share),
    (_BREAK, _replaced("break", lambda found: "")),
)


def _pasted(text: str) -> list[_Find]:
    """The lines under a picture of a web UI, `Negative prompt: …` and `Steps: …, Seed: …`, as parameters."""
    if (request := _request(text)) is not None:
        return [_Find(0, len(text), "pasted", request)]
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
        if (size := _SIZE.search(line)) and int(size[1]) and int(size[2]):
            pieces.append(_shape(int(size[1]), int(size[2])))
    return [_Find(start, end, "pasted", f" {' '.join(pieces)}")]


def _request(text: str) -> str | None:
    """What a request to an API, `{"prompt": "…", "seed": 5}`, is here; None for anything else."""
    if not _OBJECT.match(text):
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    fields = document.get("input", document) if isinstance(document, dict) else None
    if not isinstance(fields, dict) or not isinstance(words := fields.get("prompt"), str):
        return None
    pieces = [words.strip()]
    negative = fields.get("negative_prompt")
    if isinstance(negative, str) and (items := list(_items(negative))):
        pieces.append(f"--no {', '.join(items)}")
    seed = fields.get("seed")
    if type(seed) is int and 0 <= seed <= _LARGEST_SEED:
        pieces.append(f"--seed {seed}")
    sides = _SIDES.fullmatch(str(fields.get("size", f"{fields.get('width')}x{fields.get('height')}")))
    if sides is not None:
        pieces.append(_shape(int(sides[1]), int(sides[2])))
    return " ".join(pieces)


def _shape(width: int, height: int) -> str:
    divisor = gcd(width, height)
    return f"--ar {width // divisor}:{height // divisor}"


def _items(text: str) -> Iterator[str]:
    """The items of a web UI's negative prompt, without weights, brackets and add-ons."""
    plain = _WEIGHT.sub(r"\1", _LORA.sub("", _ADD_ON.sub("", text)))
    for piece in re.split(r",| BREAK ", plain):
        if item := re.sub(r"[()\[\]{}<>|\\]|:(?:[0-9.]+)", "", piece).strip(" -.*"):
            yield item


def _text_end(text: str, end: int) -> int:
    flag = _FLAG.search(text, 0, end)
    return len(text[: flag.start() if flag else end].rstrip(" "))
