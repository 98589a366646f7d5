"""Moving pictures as MP4 (H.264), which every player takes and which is smaller than animated WebP.

An extra (`pip install ".[mp4]"`): PyAV is BSD, but its wheels hold FFmpeg with x264, which is GPL.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

_ENCODER = "libx264"
_QUALITIES = (18, 23, 28, 33)
"""x264's crf: the first is near to what the frames show, each is about half as large as the one before."""


def missing() -> str | None:
    """What this host lacks to write MP4, in words; None when it lacks nothing."""
    if find_spec("av") is None:
        return "PyAV is not installed"
    import av

    return None if _ENCODER in av.codecs_available else f"this build of PyAV has no {_ENCODER}"


def encode(frames: Sequence[Pixels], frame_ms: int, *, parameters: str, crf: int = _QUALITIES[0]) -> bytes:
    """Frames (H, W, 3) of one size as a film, its parameters in the comment. The same frames give the same bytes.

    Sides are made even, as H.264 wants them, by a row or column more. ValueError without any frame.
    """
    import av

    if not frames:
        raise ValueError("a film has at least one frame")
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"  # FFmpeg opens it twice, to put first what players read first
        with av.open(path, "w", format="mp4", options={"movflags": "faststart"}) as film:
            film.metadata["comment"] = parameters.replace("\0", "")
            stream = film.add_stream(_ENCODER, rate=Fraction(1000, frame_ms))
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
            stream.options = {"crf": str(crf), "threads": "1", "mbtree": "0"}  # mbtree differs from run to run
            for number, frame in enumerate(frames):
                even = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
                shown = av.VideoFrame.from_ndarray(even, format="rgb24")
                shown.pts = number
                film.mux(stream.encode(shown))
            film.mux(stream.encode(None))
        return path.read_bytes()


def ladder(frames: Sequence[Pixels], frame_ms: int, *, parameters: str) -> Iterator[bytes]:
    """The files that frames may become in a message, best first, without end: lower qualities, then half the size."""
    while True:
        for crf in _QUALITIES:
            yield encode(frames, frame_ms, parameters=parameters, crf=crf)
        frames = [np.ascontiguousarray(frame[::2, ::2]) for frame in frames]


def decode(data: bytes) -> tuple[list[Pixels], str | None]:
    """The frames of a film, (H, W, 3) each, and its comment. ValueError for what is none, or is damaged."""
    import av

    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as film:
            frames = [frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False) for frame in film.decode(video=0)]
            return frames, film.metadata.get("comment")
    except (av.FFmpegError, IndexError) as error:
        raise ValueError(f"the film is damaged: {error}") from None
