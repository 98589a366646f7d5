"""What a picture shows, in words: captions made of a vocabulary, each rated by how well it fits.

From the thing to its colour, what it stands on or in, the time and the look: at each step the best few captions go on,
and a word is left out that fits no better than chance would have the best of its list fit.

The first to be said names what is to be seen in as few words as draw it. A small model loses the thing over a colour
that it is told (`a blue cow` is blue, and hardly a cow), and many things have their colour anyway. So, where that is
affordable, a thing is drawn, and its colour is said only if it comes out in another one; then the word that does least
and yet brings the colour is taken.
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
_DRAWN = 8
"""So many pictures are drawn of a thing without its colour, and of each way to say it with that."""
_SURE = 7 / 8
"""The share of them that has to have the colour for nothing more to be tried."""
COLOURLESS = ("black", "gray", "white")
"""What may be said of things that have no colour."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of `vocabulary.toml`."""

    things: tuple[str, ...]
    uncoloured: tuple[str, ...]
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


Draw = Callable[[Sequence[str], int], Sequence[Sequence[Pixels]]]
"""So many pictures of each text, always of the same noises."""

ColourOf = Callable[[Pixels], str | None]
"""What names a colour in a picture; None where there is none."""


class Describer:
    """Describes pictures, one at a time.

    fits: rates captions, such as `model.towers.Reader.fits`. things: rates what the picture shows and in what colour,
    where something else than `fits` knows that better, such as `model.likelihood.Likelihood.fits`. closely: rates the
    few likeliest things once more, at more cost for each.
    reads: whether the model that will draw from the words reads them all; words that it does not are never said.
    reads_as: what it reads a word as; of words that are one to it, such as a flower and an orchid, the first is said.
    colour_of: the colour that most of what stands out has; with it no other is said, and captions are drawn before one
    is said. ground_of: the colour of a picture that shows nothing else.
    """

    def __init__(
        self,
        fits: Fits,
        reads: Callable[[str], bool] = lambda text: True,
        reads_as: Callable[[str], Hashable] = lambda text: text,
        *,
        things: Fits | None = None,
        closely: Fits | None = None,
        colour_of: ColourOf | None = None,
        ground_of: ColourOf = lambda picture: None,
    ) -> None:
        self._fits, self._things = fits, things or fits
        self._closely = closely or self._things
        self._colour_of, self._ground_of, self._reads = colour_of, ground_of, reads
        words = vocabulary()
        kept = {field.name: filter(reads, getattr(words, field.name)) for field in fields(Vocabulary)}
        self._words = Vocabulary(**{name: _told_apart(listed, reads_as) for name, listed in kept.items()})

    def __call__(self, picture: Pixels, seed: int = 0, draw: Draw | None = None) -> tuple[str, ...]:
        """Four captions, the first plain. Another seed says the others in other words."""
        ground = self._ground_of(picture)
        captions = self._sparing(picture, draw) if ground is None else [Caption(f"plain {ground} background")]
        orders = list(permutations(opening for opening in self._words.openings if opening))
        openings = ("", *orders[seed % len(orders)])
        first, *rest = captions
        others = sorted(rest, key=lambda one: one.thing != first.thing)[:3]
        chosen = [first, *(others[number % len(others)] if others else first for number in range(3))]
        return tuple(one.say(openings[number % len(openings)]) for number, one in enumerate(chosen))

    def _sparing(self, picture: Pixels, draw: Draw | None) -> Sequence[Caption]:
        """The captions that fit, and before them the likeliest thing in as few words as draw it in its colour."""
        thing, captions = self._look(picture)
        if self._colour_of is None or draw is None:
            return captions
        plain, colour = Caption(thing), self._colour_of(picture)
        if colour is None or thing in self._words.uncoloured:
            return list(dict.fromkeys([plain, *captions]))
        worded = [one for one in _wordings(thing, colour) if self._reads(one.say())]
        best, most = plain, -1.0
        for tried in ([plain], worded):
            for caption, drawn in zip(tried, draw([one.say() for one in tried], _DRAWN) if tried else (), strict=True):
                right = sum(self._colour_of(one) == colour for one in drawn) / len(drawn)
                if right > most:
                    best, most = caption, right
            if most >= _SURE:
                break
        return list(dict.fromkeys([best, *captions]))

    def captions(self, picture: Pixels) -> Sequence[Caption]:
        """The captions that fit, the likeliest first; at least one."""
        return self._look(picture)[1]

    def _look(self, picture: Pixels) -> tuple[str, Sequence[Caption]]:
        """The likeliest thing, and the captions that fit."""
        words, rate, named = self._words, self._fits(picture), self._things(picture)
        likely = _rated(named, [Caption(thing) for thing in words.things])[:_THINGS]
        close = _rated(self._closely(picture), [caption for caption, _ in likely])
        grounds = [f"on {with_article(ground)} background" for ground in words.grounds]
        coloured = [(one, rated) for one, rated in close[:_BEAM] if one.thing not in words.uncoloured]
        found = _extended(named, coloured, "colour", self._colours_in(picture))
        found = sorted([*found, *(pair for pair in close[:_BEAM] if pair not in coloured)], key=lambda pair: -pair[1])
        found = _extended(rate, found, "where", [*grounds, *words.places])
        found = _extended(rate, found, "time", words.times)
        found = _extended(rate, found, "look", words.looks)
        return close[0][0].thing, [caption for caption, _ in found]

    def _colours_in(self, picture: Pixels) -> Sequence[str]:
        """Those that things in it may have."""
        if self._colour_of is None:
            return self._words.colours
        colour = self._colour_of(picture)
        return [one for one in self._words.colours if (one in COLOURLESS if colour is None else one == colour)]


def _told_apart(words: Iterable[str], reads_as: Callable[[str], Hashable]) -> tuple[str, ...]:
    """Words without those that are read as one before them."""
    first: dict[Hashable, str] = {}
    for word in words:
        first.setdefault(reads_as(word), word)
    return tuple(first.values())


def _wordings(thing: str, colour: str) -> list[Caption]:
    """A thing with its colour, from the words that change least besides to those that bring it most surely."""
    looks = (f"{colour} color", f"{thing}, {colour}", colour, f"{colour} {thing}")
    return [Caption(thing, look=look) for look in looks]


def _extended(
    rate: Rate, found: Sequence[tuple[Caption, float]], field: str, words: Sequence[str]
) -> list[tuple[Caption, float]]:
    """The best captions, with and without one more word each: what the word adds is what counts. Each of N words is as
    likely as all others before the picture is seen, so it has to make a caption N times likelier."""
    if not words or not found:
        return list(found)[:_BEAM]
    shorter = [caption for caption, _ in found]
    longer = [replace(caption, **{field: word}) for caption in shorter for word in words]
    rates = rate([caption.say() for caption in (*shorter, *longer)]).tolist()
    added = []
    for number, caption in enumerate(longer):
        place = number // len(words)
        added.append((caption, found[place][1] + rates[len(shorter) + number] - rates[place] - math.log(len(words))))
    return sorted([*found, *added], key=lambda pair: -pair[1])[:_BEAM]


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
