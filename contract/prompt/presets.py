"""The person's own shortcuts (`/prefer option set`) and suffix (`/prefer suffix`), put into the text first of all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from contract.prompt.flags import SPELLINGS, Kind
from contract.prompt.lexer import DASHES, cut, flag_name
from contract.prompt.links import shortened
from contract.prompt.refusals import PromptError
from contract.prompt.source import Source, inserted, join, normalise, typed

TEXT_LIMIT = 6000
"""Characters in a slash command's text option (Discord), and in what it becomes with all shortcuts written out."""

_SHORTCUT_IN_GROUP = re.compile(r"(?:(?<=[ {,])|^)(?:-{2,}|\N{EM DASH})([\w-]+)(?=[ ,}]|$)")


def expand_options(source: Source, options: Mapping[str, str]) -> Source:
    """`source` with every `--name` of `options` replaced by what it stands for.

    An option may mix text and parameters and may stand anywhere: its text stays in place, its parameters move to where
    the text ends, and text of an option among the parameters joins the text, so that neither is cut in two.
    """
    if not options or not any(mark in source.text for mark in DASHES):
        return source
    values = {name.lower().lstrip("-"): normalise(inserted(value)) for name, value in options.items()}
    if "{" in source.text:
        return normalise(_in_groups(source, values))
    text: list[Source] = []
    moved: list[Source] = []
    parameters: list[Source] = []
    awaiting: Kind | None = None
    length = 0
    for start, end in _words(source.text):
        name = flag_name(source.text, start, end)
        value = values.get(name.lower()) if name else None
        if value is None:
            if name is not None or parameters:
                parameters.append(source.cut(start, end))
                awaiting = _still_open(name, awaiting)
            else:
                text.append(source.cut(start, end))
            continue
        length += len(value.text)
        _check_length(length)
        words, flags = _halves(value)
        if not parameters:
            text.append(words)
            moved.append(flags)
        elif awaiting and words.text:
            parameters.append(value)
        else:
            text.append(words)
            parameters.append(flags)
            awaiting = None if flags.text else awaiting
    pieces = [piece for piece in (*text, *moved, *parameters) if piece.text]
    return normalise(join(pieces, " "))


def append_suffix(source: Source, suffix: str) -> Source:
    """`source` with the suffix at its end. PromptError when the suffix holds text."""
    ending = normalise(inserted(suffix))
    if not ending.text:
        return source
    check_suffix(ending)
    return join([source, ending], " ") if source.text else ending


def check_suffix(suffix: Source) -> None:
    """PromptError `command_not_supported` when a suffix holds anything before its first parameter."""
    line = cut(suffix)
    if line.items:
        start, end = line.items[0].start, line.text_end
        words = shortened(suffix.text[start:end])
        raise PromptError("command_not_supported", "suffix", span=suffix.span(start, end), words=words)


def normal_text(text: str) -> Source:
    """What was typed, on one line. PromptError `too_long` beyond what Discord lets anyone type."""
    _check_length(len(text))
    return normalise(typed(text))


def _check_length(length: int) -> None:
    if length > TEXT_LIMIT:
        raise PromptError("too_long", "text", length=length, limit=TEXT_LIMIT)


def _in_groups(source: Source, values: Mapping[str, Source]) -> Source:
    pieces: list[Source] = []
    position, length = 0, len(source.text)
    for found in _SHORTCUT_IN_GROUP.finditer(source.text):
        value = values.get(found[1].lower())
        if value is not None:
            length += len(value.text)
            _check_length(length)
            pieces += [source.cut(position, found.start()), value]
            position = found.end()
    return join([*pieces, source.cut(position, len(source.text))])


def _words(text: str) -> list[tuple[int, int]]:
    return [(word.start(), word.end()) for word in re.finditer(r"[^ ]+", text)]


def _still_open(name: str | None, before: Kind | None) -> Kind | None:
    """The kind of the flag that could take one more word after this one (a flag's `name`, or a plain word)."""
    if name is None:
        return before if before in (Kind.LIST, Kind.REFERENCES, Kind.CODES) else None
    flag = SPELLINGS.get(name.lower())
    return None if flag is None or flag.kind is Kind.SWITCH else flag.kind


def _halves(value: Source) -> tuple[Source, Source]:
    """An option's text and its parameters."""
    for start, end in _words(value.text):
        if flag_name(value.text, start, end) is not None:
            return value.cut(0, max(0, start - 1)), value.cut(start, len(value.text))
    return value, value.cut(0, 0)
