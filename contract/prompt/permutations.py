"""`{a, b}` groups: counted before they are expanded, and expanded without recursion.

Inside a group `\\,` is a comma, and `\\{` and `\\}` are braces anywhere; an unmatched brace is itself. Brace escapes
stay in the expanded text, so that it can be read again; `unescape` takes them off the final words. `\\*` is an
asterisk, as Discord has it: echoes write it where a plain one would end their bold type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contract.prompt.source import Source, normalise

COUNT_CAP = 10**12
"""Counting stops here: nobody needs to know how many more it would be."""

_MARK = re.compile(r"\\[{},]|[{},]")
_ESCAPED = re.compile(r"\\([{}*])")
_SPECIAL = re.compile(r"[{}*]")

# A rope: a slice of the text, or one rope after another. Appending to it never copies.
_Rope = tuple[Any, ...]
_EMPTY: _Rope = ()


@dataclass(slots=True)
class _Frame:
    """One open group (or the whole text): alternatives of finished options, and those of the option being read."""

    finished: list[_Rope] = field(default_factory=list)
    current: list[_Rope] = field(default_factory=lambda: [_EMPTY])


class Groups:
    """The `{a, b}` groups of one text."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._tokens = list(_tokens(source.text)) if "{" in source.text else []

    def count(self) -> int:
        """How many prompts the text expands to, at most `COUNT_CAP`."""
        totals, products = [0], [1]
        for kind, _, _ in self._tokens:
            if kind == "{":
                totals.append(0)
                products.append(1)
            elif kind == ",":
                totals[-1] += products[-1]
                products[-1] = 1
            elif kind == "}":
                total = totals.pop() + products.pop()
                products[-1] = min(products[-1] * total, COUNT_CAP)
        return products[0]

    def expand(self) -> list[Source]:
        """Every expansion, the last group varying fastest. Ask `count` first."""
        source = self._source
        if not self._tokens:
            return [source]
        frames = [_Frame()]
        for kind, start, end in self._tokens:
            frame = frames[-1]
            if kind == "text":
                frame.current = [(rope, (start, end)) for rope in frame.current]
            elif kind == "{":
                frames.append(_Frame())
            elif kind == ",":
                frame.finished += frame.current
                frame.current = [_EMPTY]
            else:
                alternatives = frame.finished + frame.current
                frames.pop()
                outer = frames[-1]
                outer.current = [(before, rope) for before in outer.current for rope in alternatives]
        return [normalise(source.pick(_slices(rope))) for rope in frames[0].current]


def escape(text: str) -> str:
    """`text` with its braces and asterisks escaped, so that they are read as such."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def unescape(text: str) -> str:
    """`text` with `\\{`, `\\}` and `\\*` as plain characters."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def _tokens(text: str) -> Iterator[tuple[str, int, int]]:
    """The text as ("{" | "," | "}" | "text", start, end): options trimmed, escaped commas without the backslash."""
    marks = [(mark[0], mark.start(), mark.end()) for mark in _MARK.finditer(text)]
    matched = _matched(marks)
    depth, position, at_edge = 0, 0, False
    for token, start, end in marks:
        if token == "\\," and depth:
            begin, stop = _skip(text, position, start) if at_edge else position, start
            while stop > begin and text[stop - 1] == " ":
                stop -= 1
            if stop > begin:
                yield "text", begin, stop
            position, at_edge = start + 1, False
            continue
        if token not in "{}," or (token == "," and not depth) or (token != "," and start not in matched):
            continue
        begin, stop = position, start
        if at_edge:
            begin = _skip(text, begin, stop)
        if token != "{" and depth:
            while stop > begin and text[stop - 1] == " ":
                stop -= 1
        if stop > begin:
            yield "text", begin, stop
        yield token, start, end
        depth += {"{": 1, "}": -1}.get(token, 0)
        position, at_edge = end, token != "}"
    if position < len(text):
        yield "text", position, len(text)


def _skip(text: str, start: int, end: int) -> int:
    while start < end and text[start] == " ":
        start += 1
    return start


def _matched(marks: list[tuple[str, int, int]]) -> set[int]:
    """The offsets of braces that have a partner."""
    opened: list[int] = []
    matched: set[int] = set()
    for token, start, _ in marks:
        if token == "{":
            opened.append(start)
        elif token == "}" and opened:
            matched |= {opened.pop(), start}
    return matched


def _slices(rope: _Rope) -> list[tuple[int, int]]:
    """A rope's slices from left to right."""
    slices: list[tuple[int, int]] = []
    waiting = [rope]
    while waiting:
        rope = waiting.pop()
        if not rope:
            continue
        left, right = rope
        if isinstance(left, int):
            slices.append((left, right))
        else:
            waiting += (right, left)
    return slices
