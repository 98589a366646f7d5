"""What a policy does about words and pictures: weights from soft to hard, as Midjourney's moderators have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field

from contract.errors import UserError
from contract.prompt import Prompt
from contract.words import blocked_words, holds_word

SCREENED = "screened"
"""Where a job's record keeps the probability that each of its pictures is for adults."""
PICTURES = "pictures"
"""What a pardon is for that is about pictures; a pardon for a word names the word."""
DEFAULT_THRESHOLD = 0.8


class Weight(StrEnum):
    """What follows when a rule finds something. The values stand in lists, settings and the audit."""

    OFF = "off"
    WATCH = "watch"
    """It is counted; nobody notices."""
    SOFT = "soft"
    """The pictures are delivered hidden, with a note."""
    LIGHT = "light"
    """The person is asked whether they mean it. Pictures are hidden, which asks whoever sees them."""
    MEDIUM = "medium"
    """Refused; the person may appeal."""
    HEAVY = "heavy"
    """Refused, and it counts: several within a day are a time-out."""

    @property
    def rank(self) -> int:
        """0 for the softest."""
        return list(Weight).index(self)

    @property
    def refuses(self) -> bool:
        """Whether nothing is delivered."""
        return self.rank >= Weight.MEDIUM.rank


def heaviest(weights: Iterable[Weight]) -> Weight:
    """The hardest of several; OFF of none."""
    return max(weights, key=lambda weight: weight.rank, default=Weight.OFF)


class Owner(StrEnum):
    """Whose rule it is."""

    OPERATOR = "operator"
    GUILD = "guild"
    """Of a server or one of its channels."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A weight in ordinary places, and the one in channels that Discord keeps from minors."""

    ordinary: Weight = Weight.OFF
    age_restricted: Weight = Weight.OFF

    def here(self, age_restricted: bool) -> Weight:
        """The one that holds in a place."""
        return self.age_restricted if age_restricted else self.ordinary

    def __str__(self) -> str:
        if self.ordinary is self.age_restricted:
            return str(self.ordinary)
        return f"{self.ordinary}/{self.age_restricted}"


NOTHING = Weighed()
"""No rule at all."""
_USUAL = Weighed(Weight.MEDIUM, Weight.MEDIUM)


@dataclass(frozen=True, slots=True)
class Blocked:
    """An entry of a list of words: `nude`, `nude=heavy`, `nude=medium/off`."""

    word: str
    weight: Weighed = _USUAL

    def __str__(self) -> str:
        return self.word if self == Blocked(self.word) else f"{self.word}={self.weight}"


_ENTRY = re.compile(r"(?P<word>.*?)\s*=\s*(?P<weight>[a-z]+(?:\s*/\s*[a-z]+)?)\s*", re.IGNORECASE)


def read_blocked(text: str) -> Blocked:
    """The entry that a text is: a word, `=` and a weight, and behind `/` the weight in age-restricted channels. Without
    a weight it is medium. UserError `bad_weight`, or `no_word` when no prompt could ever hold it."""
    found = _ENTRY.fullmatch(text.strip())
    word = text.strip() if found is None else found["word"].strip()
    if not holds_word(word):
        raise UserError("no_word", entry=text.strip()[:60])
    return Blocked(word) if found is None else Blocked(word, read_weighed(found["weight"]))


def read_weighed(text: str) -> Weighed:
    """`medium`, or `medium/off`. UserError `bad_weight`."""
    ordinary, slash, age_restricted = text.lower().partition("/")
    try:
        first = Weight(ordinary.strip())
        return Weighed(first, Weight(age_restricted.strip()) if slash else first)
    except ValueError:
        raise UserError("bad_weight", weight=text[:60], weights=", ".join(Weight)) from None


def read_list(texts: Iterable[str]) -> tuple[Blocked, ...]:
    """The entries of a list as somebody stored it. One that cannot be read is a word as it stands."""
    found = []
    for text in texts:
        try:
            found.append(read_blocked(text))
        except UserError:
            found.append(Blocked(text.strip()))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that found something in a prompt."""

    word: str
    weight: Weight
    owner: Owner

    @property
    def pardon(self) -> str:
        """What a pardon for it is called."""
        return f"{self.owner}:{self.word}"


def met(rules: Iterable[tuple[Owner, Sequence[Blocked]]], prompt: Prompt, *, age_restricted: bool) -> tuple[Met, ...]:
    """The rules that a prompt meets in a place, hardest first; the operator's before a server's of the same weight."""
    found = []
    for owner, listed in rules:
        weights = {entry.word: entry.weight.here(age_restricted) for entry in listed}
        words = tuple(word for word, weight in weights.items() if weight is not Weight.OFF)
        found += [Met(word, weights[word], owner) for word in blocked_words(words, prompt)]
    return tuple(sorted(found, key=lambda one: (-one.weight.rank, one.owner is not Owner.OPERATOR)))


@dataclass(frozen=True, slots=True)
class Screening:
    """What the policy said of a job when it was accepted; it travels in the job, so that workers act by it.

    `veiled`: its pictures are hidden behind a spoiler. `weight`: what follows when one of its pictures, or one that it
    is made from, is for adults with at least the probability `threshold`; `ordinary`: what would follow where nothing
    keeps minors out, such as in a direct message; `owner`: whose rule that is. `reviewed`: whether somebody can be
    appealed to. `pardoned`: rules (`Met.pardon`) that do not count for it.
    """

    veiled: bool = False
    weight: Weight = Weight.OFF
    ordinary: Weight = Weight.OFF
    threshold: Annotated[float, Field(ge=0, le=1)] = DEFAULT_THRESHOLD
    owner: Owner = Owner.OPERATOR
    reviewed: bool = False
    pardoned: tuple[Annotated[str, Field(max_length=200)], ...] = ()

    def inherited(self, *, same_picture: bool) -> Self | None:
        """What of it holds for a job with the same words: pardons for words, and for pictures if it shows the same."""
        kept = tuple(one for one in self.pardoned if same_picture or not one.endswith(f":{PICTURES}"))
        return type(self)(pardoned=kept) if kept else None


def scores_in(document: Mapping[str, Any] | None) -> list[float]:
    """What a job's record says of its pictures; empty when they were not looked at."""
    scores = (document or {}).get(SCREENED)
    if not isinstance(scores, list):
        return []
    read = [float(score) for score in scores if isinstance(score, int | float) and not isinstance(score, bool)]
    return read if len(read) == len(scores) else []
