"""Pictures by a map of areas, for models without a ControlNet: each thing drawn by itself, put where it lies, and all
of it drawn over once more, so that it becomes one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd, isqrt

import numpy as np

from contract.ids import MAX_SEED
from contract.legend import LEGEND, names_of, with_article
from contract.plan import Steer
from model import Area, NoiseSource, Prompt, Request, Size, Start
from worker.kinds.bench import Bench, Picture
from worker.maps import Labels, Thing, grounds, labels_of, placed, things_on

_REDRAWN = (0.55, 0.12)
"""The share of the steps in which all is drawn over: for the weight 0, and for the full weight of the map. Of the small
model's eight that is the last one: in two it makes a fog of what it was never taught to draw, a place with things."""
_SEED_STEP = 1_000_003


def draw_laid_out(bench: Bench, steer: Steer, whole: Request) -> list[Picture]:
    """The pictures of a request as the model draws them, each thing where the map of `steer` has it."""
    plan = bench.plan
    labels = labels_of(bench.pictures[steer.link])
    things = things_on(labels)
    names = named(whole, things)
    drawn = bench.draw_together([_alone(whole, words, number) for number, words in enumerate(names, 1)])
    areas = tuple(_areas(labels, things, names, steer.weight))
    low, high = _REDRAWN
    requests = []
    for place, noise in enumerate(whole.noises):
        canvas = grounds(labels, plan.width, plan.height)
        for thing, images in zip(reversed(things), reversed(drawn), strict=True):  # the small before the large
            placed(canvas, thing, images[place])
        start = Start(((canvas, 1.0),), low + (high - low) * steer.weight)
        requests.append(replace(whole, noises=(noise,), start=start, areas=areas))
    return [image for [image] in bench.draw_together(requests)]


def named(whole: Request, things: Sequence[Thing]) -> list[str]:
    """What each is called: as the prompt has it, which says more than the legend."""
    from_left = sorted(range(len(things)), key=lambda place: things[place].box[0])
    said = [text for text, weight in whole.prompt.parts if weight > 0]
    names = dict(zip(from_left, names_of([things[place].entry for place in from_left], said), strict=True))
    return [names[place] for place in range(len(things))]


def square(size: Size) -> Size:
    """About as many pixels, in steps that the model can draw because it can draw `size`."""
    step = gcd(size.width, size.height)
    side = step * max(1, round(isqrt(size.width * size.height) / step))
    return Size(side, side)


def _alone(whole: Request, words: str, number: int) -> Request:
    """The thing on a plain ground, in the style of the whole, and square: that is how models draw one thing best."""
    prompt = Prompt(((f"{words} on a white background", 1.0),), styles=whole.prompt.styles)
    noises = tuple(
        NoiseSource((noise.seed + _SEED_STEP * number) & MAX_SEED, noise.index, noise.ancestors)
        for noise in whole.noises
    )
    return replace(whole, prompt=prompt, noises=noises, size=square(whole.size), start=None)


def _areas(labels: Labels, things: Sequence[Thing], names: Sequence[str], weight: float) -> list[Area]:
    """Each name of the legend that the map shows, with the words that it stands for."""
    words = {entry.name: entry.name if entry.ground else with_article(entry.name) for entry in LEGEND}
    for entry in {thing.entry for thing in things}:
        called = [name for thing, name in zip(things, names, strict=True) if thing.entry == entry]
        words[entry.name] = " and ".join(dict.fromkeys(called))
    masks = ((entry, labels == number) for number, entry in enumerate(LEGEND))
    return [
        Area(words[entry.name], mask.astype(np.uint8) * np.uint8(255), weight) for entry, mask in masks if mask.any()
    ]
