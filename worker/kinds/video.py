"""A video: its first frame is the picture, and the model draws how it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from contract.kinds.moving import Motion
from contract.kinds.video import Video
from model import FirstFrame
from worker.joining import in_ratio
from worker.kinds.bench import Bench
from worker.kinds.moving import animation
from worker.render import request_for
from worker.results import Animation

_MOTIONS = {
    Motion.LOW: "slight, slow motion, the camera stands still",
    Motion.HIGH: "lively, fast motion, the camera moves",
}
"""How much is to move, in words: the one thing that every model of videos reads."""


def make(bench: Bench) -> Animation:
    """In the shape of the picture, as far as the model's coarse sizes go."""
    video = cast(Video, bench.job.request)
    motion = _MOTIONS[video.motion]
    asked = request_for(bench.job, bench.plan)
    parts = tuple((f"{words}, {motion}", weight) for words, weight in asked.prompt.parts) or ((motion, 1.0),)
    request = replace(
        asked,
        prompt=replace(asked.prompt, parts=parts),
        size=replace(asked.size, frames=video.frames),
        controls=(FirstFrame(bench.start),),
    )
    frames = in_ratio(bench.enlarge(bench.draw(request)), bench.job.extent)
    return animation(bench, frames, round(1000 / video.pace.frames_per_second))
