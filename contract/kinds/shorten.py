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
# A word, with the marks that stand at it; of scripts without spaces each character.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")
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
        words = words_of(prompt.text)[: len(influence)]
        weighed = list(zip(words, influence, strict=True))
        marked = _fitting((_marked(word, share) for word, share in weighed), " ", _MARKED_LENGTH)
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
    return _WORD.findall(text)[:MOST_WORDS]


def without_word(text: str, place: int) -> str:
    """`text` without the word at this place, counted from 0."""
    found = list(_WORD.finditer(text))[place]
    return _tidy(text[: found.start()] + text[found.end() :])


def only_words(text: str, places: Sequence[int]) -> str:
    """Of `text` the words at these places alone."""
    kept = set(places)
    pieces, end = [], 0
    for place, found in enumerate(_WORD.finditer(text)):
        if place in kept:
            pieces.append(text[end : found.start()][-1:] + found[0])
        end = found.end()
    return _tidy("".join(pieces))


def analysed(description: str) -> str:
    """The prompt in a description that `Shorten.said` wrote. ValueError when it is none."""
    found = re.search(r"^## Important tokens\n(.*)$", description, re.MULTILINE)
    if found is None:
        raise ValueError("no prompt was weighed here")
    bare = re.sub(r"(?<!\\)(\*\*|~~)", "", found[1])
    return re.sub(r"\\([*~_`|\\])", r"\1", bare)


def _marked(word: str, share: float) -> str:
    text = word.translate(_MARKS)
    return f"**{text}**" if share >= _BOLD else f"~~{text}~~" if share < _STRUCK else text


def _bar(word: str, share: float) -> str:
    full = round(share * _BAR)
    return f"`{'█' * full}{'░' * (_BAR - full)}` {word.translate(_MARKS)} ({share:.2f})"


def _fitting(pieces: Iterable[str], between: str, room: int) -> str:
    """As many of the pieces as there is room for, and a mark where some were left out."""
    text = ""
    for piece in pieces:
        longer = f"{text}{between}{piece}" if text else piece
        if len(longer) > room - 2:
            return f"{text}{between}…"
        text = longer
    return text


def _tidy(text: str) -> str:
    """One space between words, and no comma that has nothing to part any more."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"[\s,;:]+$", "", re.sub(r"^[\s,;:]+", "", text))
