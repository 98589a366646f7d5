"""Frames that a model drew as a file that moves, for all kinds whose result is one."""

from __future__ import annotations

from collections.abc import Iterable

from worker.encoding import encode_animation
from worker.joining import Picture
from worker.kinds.bench import Bench
from worker.parameters import parameters_text
from worker.results import Animation


def animation(bench: Bench, frames: Iterable[Picture], frame_ms: int) -> Animation:
    """Frames of one size, each shown for so many milliseconds, with the job's parameters in the file."""
    return Animation(encode_animation(list(frames), frame_ms, parameters=parameters_text(bench.job, 0)))
