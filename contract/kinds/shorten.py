"""What the words of a prompt do, and shorter prompts that do nearly the same: `/shorten`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from contract.actions import ButtonId, Under
from contract.catalogue import Model
from contract.jobs import Job, Line, Press, Request, Said, Stage
from contract.kinds.numbered import numbered
from contract.layout import Extent
from contract.prompt import Prompt
from contract.segments import places_of_words

SHORTENED = 5
"""Shorter prompts that are offered, at most."""
MOST_WORDS = 80
"""Words that are weighed; what lies behind them is read by hardly any model."""
FOOTER = "Click on a button to imagine one of the shortened prompts!"
_BOLD, _STRUCK = 0.5, 0.15
_BAR = 10
_DESCRIPTION_LENGTH = 4000
_MARKED_LENGTH = 1300
LONGEST = 500
"""Characters of a shorter prompt, so that five of them find room in an embed."""
_EFFORT = 1.0
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "*~_`|\\"})


@dataclass(frozen=True, slots=True)
class Shorten(Request):
    """`details`: the influence of every word is shown as a bar."""

    details: bool = False
    kind: Literal["shorten"] = "shorten"

    under = Under.ANALYSIS
    in_place = True

    @property
    def image_count(self) -> int:
        return 0

    @property
    def choices(self) -> int:
        return SHORTENED

    def effort(self, source: Extent | None, model: Model) -> float:
        """One step for every word, in all about what a picture takes."""
        return _EFFORT

    @classmethod
    def possible(cls, job: Job, argument: str) -> bool:
        """Details are shown once."""
        return isinstance(job.request, Shorten) and not job.request.details

    @classmethod
    def derived(cls, job: Job, button: ButtonId, press: Press, prompt: Prompt) -> Self:
        return cls(details=True)

    def generations(self, seed: int, index: int) -> Line:
        return ()

    def head(self, prompt: str, mention: str, stage: Stage) -> str:
        return f"{prompt} - {mention}"

    def description(self, words: str) -> str:
        return f"What each word does in {words}."

    def said(self, prompt: Prompt, texts: Sequence[str], influence: Sequence[float]) -> Said:
        """The prompt with its strong words in bold and its idle ones struck out, then the shorter prompts.

        An embed holds 4,096 characters: what does not fit of long prompts, and of their bars, is left out.
        """
        places = _places(prompt.text)[: len(influence)]
        weighed = [(prompt.text[slice(*place)], share) for place, share in zip(places, influence, strict=True)]
        marked = _fitting(_marked(prompt.text, places, influence), "", _MARKED_LENGTH)
        shorter = f"## Shortened prompts\n{numbered(texts)}"
        parts = [f"## Important tokens\n{marked}"]
        if self.details:
            ranked = sorted(weighed, key=lambda pair: -pair[1])
            room = _DESCRIPTION_LENGTH - len(parts[0]) - len(shorter) - 2
            parts.append(_fitting((_bar(word, share) for word, share in ranked), "\n", room))
        return Said("\n".join([*parts, shorter]), FOOTER)

    def fields(self) -> dict[str, str]:
        return {"d": "1"} if self.details else {}

    @classmethod
    def from_fields(cls, fields: Mapping[str, str]) -> Self:
        return cls(details=fields.get("d") == "1")


def words_of(text: str) -> list[str]:
    """The words of a prompt that are weighed one by one, at most `MOST_WORDS`."""
    return [text[slice(*place)] for place in _places(text)]


def _places(text: str) -> tuple[tuple[int, int], ...]:
    return places_of_words(text)[:MOST_WORDS]


def without_word(text: str, place: int) -> str:
    """`text` without the word at this place, counted from 0."""
    start, end = places_of_words(text)[place]
    return _tidy(text[:start] + text[end:])


def only_words(text: str, places: Sequence[int]) -> str:
    """Of `text` the words at these places alone."""
    kept = set(places)
    pieces, before = [], 0
    for place, (start, end) in enumerate(places_of_words(text)):
        if place in kept:
            pieces.append(text[before:start][-1:] + text[start:end])
        before = end
    return _tidy("".join(pieces))


def analysed(description: str) -> str:
    """The prompt in a description that `Shorten.said` wrote. ValueError when it is none."""
    found = re.search(r"^## Important tokens\n(.*)$", description, re.MULTILINE)
    if found is None:
        raise ValueError("no prompt was weighed here")
    bare = re.sub(r"(?<!\\)(\*\*|~~)", "", found[1])
    return re.sub(r"\\([*~_`|\\])", r"\1", bare)


def _marked(text: str, places: Sequence[tuple[int, int]], influence: Sequence[float]) -> list[str]:
    """The words with their marks, each behind a space where it has one. Those that stand together and have the same
    mark share it, as Discord reads `**a****b**` otherwise."""
    runs: list[list[str]] = []  # space, mark, word
    end = 0
    for (start, stop), share in zip(places, influence, strict=True):
        mark = "**" if share >= _BOLD else "~~" if share < _STRUCK else ""
        word, gap = text[start:stop].translate(_MARKS), " " if 0 < end < start else ""
        if runs and not gap and runs[-1][1] == mark:
            runs[-1][2] += word
        else:
            runs.append([gap, mark, word])
        end = stop
    return [f"{gap}{mark}{word}{mark}" for gap, mark, word in runs]


def _bar(word: str, share: float) -> str:
    full = round(share * _BAR)
    return f"`{'█' * full}{'░' * (_BAR - full)}` {word.translate(_MARKS)} ({share:.2f})"


def _fitting(pieces: Iterable[str], between: str, room: int) -> str:
    """As many of the pieces as there is room for, and a mark where some were left out."""
    text = ""
    for piece in pieces:
        longer = f"{text}{between}{piece}" if text else piece
        if len(longer) > room - 2:
            return f"{text}{between or ' '}…"
        text = longer
    return text


def _tidy(text: str) -> str:
    """One space between words, and no comma that has nothing to part any more."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"[\s,;:，、；：]+$", "", re.sub(r"^[\s,;:，、；：]+", "", text))
