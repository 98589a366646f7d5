"""What a picture shows, in words: captions made of a vocabulary, each rated by how well it fits.

From the thing to its colour, what it stands on or in, the time and the look: at each step the best few captions go on,
and a word is left out that fits no better than chance would have the best of its list fit.

Of captions that are about as true, the first to be said is the one that is drawn most like the picture: models draw
some things better plain, and others better with their colour. So, where that is affordable, they are drawn and
compared.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import permutations
from pathlib import Path

import torch

from model.request import Pixels

_FILE = Path(__file__).with_name("vocabulary.toml")
_THINGS = 8
"""So many things are looked at closely."""
_BEAM = 4
"""So many captions go on from one step to the next."""
_TRIED, _AS_LIKELY = 2, 2.0
"""So many things are drawn to be compared, if they are less than that much less likely than the likeliest."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of `vocabulary.toml`."""

    things: tuple[str, ...]
    colours: tuple[str, ...]
    grounds: tuple[str, ...]
    places: tuple[str, ...]
    times: tuple[str, ...]
    looks: tuple[str, ...]
    openings: tuple[str, ...]


@cache
def vocabulary() -> Vocabulary:
    """Read once."""
    lists = tomllib.loads(_FILE.read_text())
    return Vocabulary(**{name: tuple(words) for name, words in lists.items()})


@dataclass(frozen=True)
class Caption:
    """What is said of a picture; empty where nothing is. `where` is a background or a place."""

    thing: str
    colour: str = ""
    where: str = ""
    time: str = ""
    look: str = ""

    def say(self, opening: str = "") -> str:
        """`a red apple on a white background, watercolor painting`."""
        thing = with_article(f"{self.colour} {self.thing}".strip())
        words = " ".join(part for part in (opening, thing, self.where, self.time) if part)
        return f"{words}, {self.look}" if self.look else words


Rate = Callable[[Sequence[str]], torch.Tensor]
"""The log-likelihoods (N,) of captions, up to a number that is the same for all."""


Fits = Callable[[Pixels], Rate]
"""What rates captions of a picture."""


Draw = Callable[[Sequence[str]], Sequence[Sequence[Pixels]]]
"""A few pictures of each text, always of the same noises."""

Alike = Callable[[Pixels], Callable[[Pixels], float]]
"""What says how much other pictures are like this one: more is more."""


@dataclass(frozen=True)
class Seen:
    """What was found in a picture: whole captions, the things that it may show, and the colours that they may have,
    each the likeliest first."""

    captions: Sequence[Caption]
    things: Sequence[str]
    colours: Sequence[str]


class Describer:
    """Describes pictures, one at a time.

    fits: rates captions, such as `model.towers.Reader.fits`. things: rates what the picture shows and in what colour,
    where something else than `fits` knows that better, such as `model.likelihood.Likelihood.fits`. closely: rates the
    few likeliest things once more, at more cost for each.
    reads: whether the model that will draw from the words reads them all; words that it does not are never said.
    reads_as: what it reads a word as; of words that are one to it, such as a flower and an orchid, the first is said.
    alike: compares pictures; with it, captions are drawn before one is said. colour_of: the colour of what stands out.
    """

    def __init__(
        self,
        fits: Fits,
        reads: Callable[[str], bool] = lambda text: True,
        reads_as: Callable[[str], Hashable] = lambda text: text,
        *,
        things: Fits | None = None,
        closely: Fits | None = None,
        alike: Alike | None = None,
        colour_of: Callable[[Pixels], str | None] = lambda picture: None,
    ) -> None:
        self._fits, self._things = fits, things or fits
        self._closely = closely or self._things
        self._alike, self._colour_of, self._reads = alike, colour_of, reads
        words = vocabulary()
        kept = {field.name: filter(reads, getattr(words, field.name)) for field in fields(Vocabulary)}
        self._words = Vocabulary(**{name: _told_apart(listed, reads_as) for name, listed in kept.items()})

    def __call__(self, picture: Pixels, seed: int = 0, draw: Draw | None = None) -> tuple[str, ...]:
        """Four captions, first and plain the one that is drawn most like the picture, or else the likeliest. Another
        seed says the others in other words."""
        captions = self._by_likeness(picture, draw)
        orders = list(permutations(opening for opening in self._words.openings if opening))
        openings = ("", *orders[seed % len(orders)])
        first, *rest = captions
        others = sorted(rest, key=lambda one: one.thing != first.thing)[:3]
        chosen = [first, *(others[number % len(others)] if others else first for number in range(3))]
        return tuple(one.say(openings[number % len(openings)]) for number, one in enumerate(chosen))

    def _by_likeness(self, picture: Pixels, draw: Draw | None) -> Sequence[Caption]:
        """The captions that fit, and before them the one of all that are about as true that is drawn most like it."""
        seen = self.look(picture)
        if self._alike is None or draw is None:
            return seen.captions
        first, *_ = seen.captions
        worded = [one for thing in seen.things for one in _wordings(thing, seen.colours)]
        tried = list(dict.fromkeys([first, *worded]))
        alike = self._alike(picture)
        likeness = [sum(map(alike, drawn)) / len(drawn) for drawn in draw([caption.say() for caption in tried])]
        ranked = [caption for _, caption in sorted(zip(likeness, tried, strict=True), key=lambda pair: -pair[0])]
        return list(dict.fromkeys([ranked[0], *seen.captions, *ranked]))

    def captions(self, picture: Pixels) -> Sequence[Caption]:
        """The captions that fit, the likeliest first; at least one."""
        return self.look(picture).captions

    def look(self, picture: Pixels) -> Seen:
        """What is found in a picture."""
        words, rate, named = self._words, self._fits(picture), self._things(picture)
        likely = _rated(named, [Caption(thing) for thing in words.things])[:_THINGS]
        close = _rated(self._closely(picture), [caption for caption, _ in likely])
        grounds = [f"on {with_article(ground)} background" for ground in words.grounds]
        coloured = _extended(named, close[:_BEAM], "colour", words.colours, keep=None)
        found = coloured[:_BEAM]
        found = _extended(rate, found, "where", [*grounds, *words.places])
        found = _extended(rate, found, "time", words.times)
        found = _extended(rate, found, "look", words.looks)
        things = [caption.thing for caption, rated in close[:_TRIED] if close[0][1] - rated < _AS_LIKELY]
        likeliest = next((one.colour for one, _ in coloured if one.colour and one.thing == things[0]), "")
        standing_out = self._colour_of(picture) or ""
        colours = [one for one in dict.fromkeys((standing_out, likeliest)) if one and self._reads(one)]
        return Seen([caption for caption, _ in found], things, colours)


def _told_apart(words: Iterable[str], reads_as: Callable[[str], Hashable]) -> tuple[str, ...]:
    """Words without those that are read as one before them."""
    first: dict[Hashable, str] = {}
    for word in words:
        first.setdefault(reads_as(word), word)
    return tuple(first.values())


def _wordings(thing: str, colours: Sequence[str]) -> list[Caption]:
    """A thing without its colour and with it: `a fox, blue` and `a fox, blue fox` are more of a fox to many models than
    `a blue fox`, which is bluer."""
    coloured = [
        caption
        for colour in colours
        for caption in (Caption(thing, colour), Caption(thing, look=colour), Caption(thing, look=f"{colour} {thing}"))
    ]
    return [Caption(thing), *coloured]


def _extended(
    rate: Rate, found: Sequence[tuple[Caption, float]], field: str, words: Sequence[str], keep: int | None = _BEAM
) -> list[tuple[Caption, float]]:
    """The best captions, `keep` of them or all, with and without one more word each: what the word adds is what counts.
    Each of N words is as likely as all others before the picture is seen, so it has to make a caption N times
    likelier."""
    if not words:
        return list(found)[:keep]
    shorter = [caption for caption, _ in found]
    longer = [replace(caption, **{field: word}) for caption in shorter for word in words]
    rates = rate([caption.say() for caption in (*shorter, *longer)]).tolist()
    added = []
    for number, caption in enumerate(longer):
        place = number // len(words)
        added.append((caption, found[place][1] + rates[len(shorter) + number] - rates[place] - math.log(len(words))))
    return sorted([*found, *added], key=lambda pair: -pair[1])[:keep]


def _rated(rate: Rate, captions: Sequence[Caption]) -> list[tuple[Caption, float]]:
    """Captions with their log-likelihoods, the likeliest first."""
    if not captions:
        return []
    scores = rate([caption.say() for caption in captions]).tolist()
    return sorted(zip(captions, scores, strict=True), key=lambda pair: -pair[1])


def with_article(words: str) -> str:
    """`an apple`, `scissors`, `the flag of japan`."""
    if words.startswith("flag of"):
        return f"the {words}"
    if re.search(r"(?<![suia])s$", words):
        return words
    return ("an " if words[0] in "aeiou" else "a ") + words
