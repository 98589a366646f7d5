"""Whether pictures count: the colour of a linked picture against the words, judged, with the model that ships.

python -m benchmarks.references [--pairs 100] [--iw 1] [--weights 6] [--edits 20] [--blends 6]
       [--maps 20] [--json]

Each pair is a picture of something in one colour ("a blue balloon", drawn by the model and believed only if the judge
sees that colour) and words for something else without a colour ("a car"). The words alone are drawn too: how often they
have the colour by chance. A noun counts as kept when it is among the judge's three best of 126.

`--weights N` tells instead what the weights of references do: how far, in levels of 255, N pictures move from what
the words alone draw, at a small, the usual and the largest weight. `--edits N` tells in how many of N edits ("a green
apple" of a red one) the judge sees the new colour, and the noun; how near the result is to the picture, beside the
words alone; and by how much what lies around the thing has changed. `--blends N` tells of N blends of two to five
pictures each how much of the result hangs on each picture: how far it moves when that one is another. `--maps N`
tells of N maps, each with the shape of a thing somewhere on white, how well the drawn thing fills it (`miou`: of
thing and ground, what both have in common by what either has), and whether the judge sees the noun there.
"""

from __future__ import annotations

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.judge import Judge, colour_of
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.legend import LEGEND
from contract.planning import plan
from contract.prompt import parse
from worker.alone import make_alone
from worker.engines import Warm
from worker.loading import Loader
from worker.results import Pictures

COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
SHOWN = ("balloon", "heart", "star", "hat", "umbrella")
"""What the pictures show."""
ASKED = ("car", "fish", "bird", "flower", "house", "butterfly", "cake", "shoe", "book", "gift")
"""What the words say."""
WEIGHTS = {
    "--iw": ("{link} {words} --iw {weight}", (0, 1, 3)),
    "--sw of a picture": ("{words} --sref {link} --sw {weight}", (0, 100, 1000)),
    "--sw of a number": ("{words} --sref 77 --sw {weight}", (0, 100, 1000)),
    "--cw": ("{words} --cref {link} --cw {weight}", (0, 50, 100)),
    "--ow": ("{words} --oref {link} --ow {weight}", (0, 100, 1000)),
}
"""Flags of references: how they are typed, and weights that should count more and more."""
EDITS = (
    *(("red", "green", "apple"), ("blue", "red", "car"), ("red", "blue", "heart"), ("yellow", "purple", "star")),
    *(("green", "red", "tree"), ("orange", "blue", "fish"), ("blue", "yellow", "butterfly")),
    *(("pink", "green", "flower"), ("red", "yellow", "balloon"), ("purple", "orange", "hat")),
)
"""What a picture shows, and what it is to become: a colour, another one, a thing."""
MAPS = (
    *(("cat", "animal"), ("tree", "tree"), ("house", "house"), ("car", "car"), ("panda", "animal")),
    *(("fish", "animal"), ("mushroom", "plant"), ("flower", "flower"), ("owl", "animal"), ("sailboat", "boat")),
)
"""What a map shows, and what its legend calls that."""
LINK = "https://example.com/picture.png"
SIDE = 256
_BEST = 3
_AROUND = 10
"""Levels by which a pixel may differ from the border, and lie around the thing."""

Picture = NDArray[np.uint8]


def main() -> None:
    """Draw, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--iw", default="1")
    parser.add_argument("--weights", type=int, default=0, help="measure what weights do, with so many pictures")
    parser.add_argument("--edits", type=int, default=0, help="measure so many edits")
    parser.add_argument("--blends", type=int, default=0, help="measure so many blends of each size")
    parser.add_argument("--maps", type=int, default=0, help="measure so many maps of areas")
    parser.add_argument("--told", default="a {colour} {noun}", help="the words of an edit, such as 'make it {colour}'")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    judge = Judge.load()
    warm = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    if options.edits or options.maps:
        done: list[Mapping[str, float]] = [
            _edit(warm, judge, options.told, *edit, seed=seed)
            for seed, edit in zip(range(options.edits), itertools.cycle(EDITS), strict=False)
        ] or [_map(warm, judge, *shown, seed=seed) for seed, shown in zip(range(options.maps), itertools.cycle(MAPS))]
        warm.engine.close()
        changed = {name: round(float(np.mean([one[name] for one in done])), 2) for name in done[0]}
        print(json.dumps(changed) if options.json else changed)
        return
    if options.blends:
        shares = {count: _shares(warm, count, options.blends) for count in range(2, 6)}
        warm.engine.close()
        print(json.dumps(shares) if options.json else shares)
        return
    if options.weights:
        moved = {name: _moved(warm, text, weights, options.weights) for name, (text, weights) in WEIGHTS.items()}
        warm.engine.close()
        if options.json:
            print(json.dumps(moved))
        for name, levels in () if options.json else moved.items():
            said = ", ".join(f"{weight}: {level}" for weight, level in zip(WEIGHTS[name][1], levels, strict=True))
            print(f"{name:18} moves pictures by so many levels at {said}")
        return
    rows = list(itertools.islice(_judged(warm, judge, options.iw), options.pairs))
    warm.engine.close()
    figures = {name: round(100 * float(np.mean([row[name] for row in rows])), 1) for name in rows[0]}
    figures = {"pairs": len(rows), "iw": float(options.iw), **figures}
    if options.json:
        print(json.dumps(figures))
        return
    print(f"{len(rows)} pairs of a picture and other words, --iw {options.iw}")
    print(f"the picture's colour: {figures['colour']} % (words alone: {figures['colour_by_chance']} %)")
    print(f"the words' noun:      {figures['noun']} % (words alone: {figures['noun_alone']} %)")


def _judged(warm: Warm, judge: Judge, weight: str) -> Iterator[Mapping[str, bool]]:
    """One row a pair, without end."""
    for seed in itertools.count(1):
        for number, (colour, noun) in enumerate(itertools.product(COLOURS, ASKED)):
            shown = SHOWN[(seed + number) % len(SHOWN)]
            picture = drawn(warm, f"a {colour} {shown}", seed=seed)
            if colour_of(picture) != colour:
                continue
            with_it = drawn(warm, f"{LINK} a {noun} --iw {weight}", seed=seed + number, pictures={LINK: picture})
            alone = drawn(warm, f"a {noun}", seed=seed + number)
            place = judge.nouns.index(noun)
            scores, _ = judge.look(np.stack([with_it, alone]))
            kept = [place in row.topk(_BEST).indices for row in scores]
            yield {
                "colour": colour_of(with_it) == colour,
                "colour_by_chance": colour_of(alone) == colour,
                "noun": kept[0],
                "noun_alone": kept[1],
            }


def _moved(warm: Warm, text: str, weights: Sequence[int], count: int) -> list[float]:
    """Mean levels between pictures with a reference at each weight and those of the words alone, same seeds."""
    found = []
    for weight in weights:
        levels = []
        for seed, (colour, noun) in enumerate(itertools.islice(zip(COLOURS, ASKED, strict=False), count), 1):
            picture = drawn(warm, f"a {colour} balloon", seed=seed)
            with_it = text.format(link=LINK, words=f"a {noun}", weight=weight)
            parts = [drawn(warm, one, seed=seed, pictures={LINK: picture}) for one in (with_it, f"a {noun}")]
            levels.append(np.abs(parts[0].astype(float) - parts[1]).mean())
        found.append(round(float(np.mean(levels)), 1))
    return found


def _edit(warm: Warm, judge: Judge, told: str, colour: str, new: str, noun: str, *, seed: int) -> Mapping[str, float]:
    """One edit: whether the new colour is seen, and the noun; the mean levels by which the result, and what the words
    alone draw, differ from the picture in brightness; and those by which what lies around the thing has changed."""
    picture = drawn(warm, f"a {colour} {noun}", seed=seed)
    edited = drawn(
        warm, f"{told.format(colour=new, noun=noun)} --edit {LINK}", seed=seed + 50, pictures={LINK: picture}
    )
    alone = drawn(warm, f"a {new} {noun}", seed=seed + 50)
    grey, *others = (one.astype(float).mean(axis=2) for one in (picture, edited, alone))
    away, away_alone = (float(np.abs(other - grey).mean()) for other in others)
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    around = np.abs(picture.astype(int) - np.median(border, axis=0)).max(axis=2) < _AROUND
    rest = float(np.abs(edited.astype(float) - picture)[around].mean())
    place = judge.nouns.index(noun)
    same = float(place in judge.look(edited[None])[0][0].topk(_BEST).indices)
    return {
        "new_colour": float(colour_of(edited) == new),
        "noun": same,
        "away": away,
        "away_alone": away_alone,
        "rest": rest,
    }


def _map(warm: Warm, judge: Judge, noun: str, called: str, *, seed: int) -> Mapping[str, float]:
    """One map: the shape of a thing that was drawn, half as large to three quarters, somewhere on white; and what is
    drawn by it from another seed."""
    size = round(SIDE * (0.5 + 0.25 * (seed % 3) / 2))
    rng = np.random.default_rng(seed)
    top, left = (int(rng.integers(0, SIDE - size + 1)) for _ in range(2))
    there = slice(top, top + size), slice(left, left + size)
    thing = Image.fromarray(drawn(warm, f"a {noun} on a white background", seed=seed)).resize((size, size))
    wanted = np.zeros((SIDE, SIDE), bool)
    wanted[there] = _stands_out(np.asarray(thing))
    colours = np.full((SIDE, SIDE, 3), 255, np.uint8)
    colours[wanted] = next(entry.colour for entry in LEGEND if entry.name == called)
    made = drawn(warm, f"a {noun} on a white background --map {LINK}", seed=seed + 50, pictures={LINK: colours})
    found = _stands_out(made)
    shared = [(wanted & found).sum() / (wanted | found).sum(), (~wanted & ~found).sum() / (~wanted | ~found).sum()]
    seen = judge.look(np.asarray(Image.fromarray(made[there]).resize((SIDE, SIDE)))[None])[0][0].topk(_BEST).indices
    return {"miou": float(np.mean(shared)), "noun": float(judge.nouns.index(noun) in seen)}


def _stands_out(picture: Picture) -> NDArray[np.bool_]:
    """Where a picture on white is not white (H, W)."""
    stands_out: NDArray[np.bool_] = picture.min(axis=2) < 255 - 4 * _AROUND
    return stands_out


def _shares(warm: Warm, count: int, blends: int) -> Mapping[str, float]:
    """Of blends of `count` pictures: the largest and the smallest share that one has in the result, on average, and
    that of the first picture. All alike would be 1 / count."""
    found = []
    for seed in range(1, blends + 1):
        shown = [
            f"a {COLOURS[(seed + 2 * n) % len(COLOURS)]} {ASKED[(seed + 3 * n) % len(ASKED)]}" for n in range(count)
        ]
        pictures = {f"https://example.com/{n}.png": drawn(warm, text, seed=seed + n) for n, text in enumerate(shown)}
        another, typed = drawn(warm, "a brown mushroom", seed=seed), " ".join(pictures)
        whole = drawn(warm, typed, seed=seed, pictures=pictures).astype(float)
        moved = [
            np.abs(drawn(warm, typed, seed=seed, pictures={**pictures, link: another}) - whole).mean()
            for link in pictures
        ]
        found.append(np.array(moved) / sum(moved))
    shares = np.stack(found)
    means = {"largest": shares.max(axis=1), "smallest": shares.min(axis=1), "first": shares[:, 0]}
    return {name: round(float(share.mean()), 2) for name, share in means.items()}


def drawn(warm: Warm, text: str, *, seed: int, pictures: Mapping[str, Picture] | None = None) -> Picture:
    """The first picture of what is typed."""
    job = Job(
        id=job_id(seed, EASEL_SMALL.fingerprint, 0),
        request=Imagine(),
        prompt=parse(text).prompts[0],
        model=EASEL_SMALL.name,
        user=User(0, "benchmark"),
        destination=DiscordChannel(0),
        created_ms=0,
    )
    made = plan(job, EASEL_SMALL)
    result = make_alone(replace(job, plan=made), made, EASEL_SMALL, warm, (0,), pictures or {})
    assert isinstance(result, Pictures)
    return result.images[0]


if __name__ == "__main__":
    main()
