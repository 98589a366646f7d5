"""A short loop from a picture: its start noise walks to near variations and back, and each station is drawn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from contract.ids import seed_of
from contract.kinds.animate import FRAMES, Animate
from contract.kinds.moving import Motion
from contract.plan import By
from model import NoiseSource, Start
from model.request import MAX_IMAGES
from worker.joining import Picture, in_ratio, scaled
from worker.kinds.bench import Bench
from worker.kinds.moving import animation
from worker.render import noise_for, request_for
from worker.results import Animation

_TURNS = {Motion.LOW: 0.3, Motion.HIGH: 0.8}
"""How far the noise of a picture is turned towards other draws, at most."""
_NEWNESS = {Motion.LOW: 0.35, Motion.HIGH: 0.6}
"""For pictures that noise and words alone do not make: the share of the steps, from noise over the picture."""
_BETWEEN = 3
"""Frames that are mixed between two that are drawn."""
_FRAME_MS = 70


def make(bench: Bench) -> Animation:
    """Drawn from noise the first frame is the picture itself, so that the loop closes on it."""
    motion = cast(Animate, bench.job.request).motion
    shown = bench.job.ancestors[-1]
    start, turn = None, _TURNS[motion]
    line = shown.request.generations(seed_of(shown.id), shown.index)
    laid_out = any(steer.by is By.AREAS for steer in bench.plan.steers)
    if laid_out or not bench.job.request.from_noise(bench.job.ancestors):
        small = scaled(bench.start, bench.plan.width, bench.plan.height)
        newness = max(_NEWNESS[motion], 1 / bench.plan.num_inference_steps)  # one step at least
        start, turn = Start(((small, 1.0),), newness), 1.0
    stations = _walk(noise_for(line), bench.job.seed, turn)
    requests = [
        request_for(
            bench.job, bench.plan, pictures=bench.pictures, noises=stations[first : first + MAX_IMAGES], start=start
        )
        for first in range(0, FRAMES, MAX_IMAGES)
    ]
    drawn = [
        image
        for images, request in zip(bench.draw_each(requests), requests, strict=True)
        for image in bench.finish(images, request)
    ]
    return animation(bench, _between(in_ratio(drawn, bench.job.extent)), _FRAME_MS)


def _walk(noise: NoiseSource, seed: int, turn: float) -> list[NoiseSource]:
    """From `noise` out to one draw by way of another, and straight back: a round, not there and back again."""
    angles = [2 * math.pi * number / FRAMES for number in range(FRAMES)]
    return [
        replace(
            noise,
            ancestors=(
                *noise.ancestors,
                (seed, 0, turn * (1 - math.cos(angle)) / 2),
                (seed, 1, turn * max(0.0, math.sin(angle)) ** 2),
            ),
        )
        for angle in angles
    ]


def _between(drawn: Sequence[Picture]) -> Iterator[Picture]:
    """Each frame and those on the way to the next one; after the last comes the first again."""
    for number, image in enumerate(drawn):
        after = drawn[(number + 1) % len(drawn)].astype(np.float32)
        for step in range(_BETWEEN + 1):
            share = step / (_BETWEEN + 1)
            yield (image + (after - image) * share).round().astype(np.uint8)
