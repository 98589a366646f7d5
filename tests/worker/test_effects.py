"""What flags do to the shipped model's pictures, from the typed prompt to the pixels: the direction of each effect."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import model
from contract.catalogue import EASEL_SMALL
from contract.planning import plan
from tests.contract.factories import imagine
from worker.render import request_for
from worker.settings import DEFAULT_MODEL

QUICK = replace(EASEL_SMALL, num_inference_steps=10)
"""Half the usual steps are enough to see where an effect leads."""

Pictures = list[NDArray[np.uint8]]


class Draughtsman:
    """Draws what is typed, and remembers it, because several tests look at the same grid."""

    def __init__(self, engine: model.Engine) -> None:
        self._engine = engine
        self._drawn: dict[tuple[str, int], Pictures] = {}

    def __call__(self, prompt: str, *, seed: int = 4, image: NDArray[np.uint8] | None = None) -> Pictures:
        key = prompt, seed
        if image is not None or key not in self._drawn:
            job = imagine(prompt, seed=seed)
            pictures = {} if image is None else dict.fromkeys(job.links, image)
            ticket = self._engine.submit(request_for(job, plan(job, QUICK), pictures=pictures))
            self._drawn[key] = ticket.result()
        return self._drawn[key]


@pytest.fixture(scope="module")
def draw() -> Iterator[Draughtsman]:
    """The shipped model, warm."""
    torch.set_num_threads(1)
    engine = model.Engine(model.load(DEFAULT_MODEL))
    engine.start()
    yield Draughtsman(engine)
    engine.close()


def spread(pictures: Pictures) -> float:
    """How far the pictures of a grid are from each other, in levels: the mean over all pairs."""
    return float(np.mean([distance(one, other) for one, other in itertools.combinations(pictures, 2)]))


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """The mean difference of two pictures' pixels, in levels."""
    return float(np.abs(one.astype(float) - other).mean())


def redness(pictures: Pictures) -> float:
    """How much more red than green and blue there is, in levels."""
    return float(np.mean([p[..., 0].astype(float) - p[..., 1:].mean(-1) for p in pictures]))


def seam(pictures: Pictures) -> float:
    """The step from the right edge to the left one, in levels: what shows when pictures are laid side by side."""
    return float(np.mean([distance(p[:, 0], p[:, -1]) for p in pictures]))


def inside(pictures: Pictures) -> float:
    """The step from one column to the next within the pictures, in levels."""
    return float(np.mean([distance(p[:, :-1], p[:, 1:]) for p in pictures]))


def test_chaos_drives_the_grid_apart(draw: Draughtsman) -> None:
    """Diversity rises over 0, 50 and 100."""
    spreads = [spread(draw(f"an apple --chaos {chaos}")) for chaos in (0, 50, 100)]
    assert spreads == sorted(spreads)
    assert spreads[2] > 1.1 * spreads[0]


def test_no_red_lowers_red(draw: Draughtsman) -> None:
    """An apple is red unless it must not be."""
    assert redness(draw("an apple --no red")) < redness(draw("an apple")) - 5


def test_weights_pull_towards_the_heavier_part(draw: Draughtsman) -> None:
    """Red and blue in one prompt: the heavier colour wins."""
    red = redness(draw("red heart::3 blue heart::1"))
    blue = redness(draw("red heart::1 blue heart::3"))
    assert red > blue + 10


def test_equal_words_and_seed_are_the_same_picture_whatever_the_weight(draw: Draughtsman) -> None:
    """One part has all the weight there is: 1 or 7 makes no difference."""
    for one, other in zip(draw("an apple"), draw("an apple::7"), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_quality_buys_steps(draw: Draughtsman) -> None:
    """Fewer steps for less, more for more; a draft is the cheapest, as it is drawn by the student."""
    jobs = [imagine(f"an apple {flags}".strip()) for flags in ("--v 7 --draft", "--q .5", "", "--v 7 --q 4")]
    plans = [plan(job, EASEL_SMALL) for job in jobs]
    costs, steps = [made.cost for made in plans], [made.num_inference_steps for made in plans[1:]]
    assert costs == sorted(set(costs))
    assert steps == sorted(set(steps))
    assert plans[0].student
    assert not np.array_equal(draw("an apple --q .5")[0], draw("an apple")[0])


def test_stopping_early_leaves_a_picture_unfinished(draw: Draughtsman) -> None:
    """The earlier, the further from the finished one."""
    finished = draw("an apple")

    def missing(stop: int) -> float:
        drawn = draw(f"an apple --stop {stop}")
        return float(np.mean([distance(one, other) for one, other in zip(drawn, finished, strict=True)]))

    assert missing(20) > missing(70) > 0


def test_stylize_and_raw_change_how_strongly_words_pull(draw: Draughtsman) -> None:
    """Guidance grows with stylize; raw takes some of it away."""
    scales = [
        plan(imagine(f"an apple {flags}"), EASEL_SMALL).guidance_scale
        for flags in ("--s 0", "--raw", "--s 100", "--s 900")
    ]
    assert scales == sorted(set(scales))
    plain = draw("an apple")
    assert distance(draw("an apple --s 900")[0], plain[0]) > 2
    assert distance(draw("an apple --s 0")[0], plain[0]) > 2


def test_weird_leaves_the_beaten_track(draw: Draughtsman) -> None:
    """The further, the more: 3000 departs further from the plain grid than 300."""
    plain = draw("an apple")

    def departure(weird: int) -> float:
        drawn = draw(f"an apple --weird {weird}")
        return float(np.mean([distance(one, other) for one, other in zip(drawn, plain, strict=True)]))

    assert 0 < departure(300) < departure(3000)


def test_tiles_have_hardly_a_seam(draw: Draughtsman) -> None:
    """Backgrounds that run from colour to colour break at the edges; in a tile the edge is like any other place."""
    prompts = [f"{what} gradient background" for what in ("a red apple on a green", "a heart on a blue")]
    plain, tiled = ([*draw(prompts[0] + flag), *draw(prompts[1] + flag)] for flag in ("", " --tile"))
    assert seam(plain) > 2 * inside(plain)
    assert seam(tiled) < 1.5 * inside(tiled)
    assert seam(tiled) < 0.5 * seam(plain)


@pytest.mark.parametrize("ratio", ["2:1", "1:2", "3:2", "7:1"])
def test_the_ratio_shapes_the_picture(draw: Draughtsman, ratio: str) -> None:
    """Any ratio the model takes, with as many pixels as a square or so many more that no side is shorter."""
    height, width, _ = draw(f"an apple --ar {ratio}")[0].shape
    wanted_width, wanted_height = (int(side) for side in ratio.split(":"))
    assert width / height == pytest.approx(wanted_width / wanted_height, rel=0.3)
    longer = min(width, height) == EASEL_SMALL.shortest_side
    assert longer or width * height == pytest.approx(EASEL_SMALL.pixels, rel=0.4)
    assert longer == (ratio != "7:1")


def test_image_weight_pulls_towards_the_linked_picture(draw: Draughtsman) -> None:
    """More weight, more likeness."""
    source = draw("a blue star", seed=11)[0]

    def likeness(weight: float) -> float:
        drawn = draw(f"https://example.org/star.png an apple --iw {weight}", image=source)
        return -float(np.mean([distance(picture, source) for picture in drawn]))

    assert likeness(0.5) < likeness(3)


def test_the_seed_decides(draw: Draughtsman) -> None:
    """The same number, the same grid; another number, another."""
    assert np.array_equal(draw("an apple")[1], Draughtsman(draw._engine)("an apple")[1])
    assert distance(draw("an apple")[0], draw("an apple", seed=5)[0]) > 5
