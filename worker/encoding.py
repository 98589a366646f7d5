"""Pixels to files: small for messages, lossless for the store, each with its parameters in the metadata.

Which encoder, and why, is a matter of measurement (`benchmarks/encode.py`): at 2048x2048 Pillow's default PNG costs
seconds, fpng some ten milliseconds at a little more size, a JPEG as little as that at a tenth of the size.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import fpng
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageSequence

UPLOAD_LIMIT_BYTES = 10 * 1024 * 1024
"""What Discord takes as one attachment where nobody pays for more."""

SMALL_PIXELS = 640 * 640
"""Up to this size a lossless file is small as well, and flat colours stay clean."""

MESSAGE_QUALITY = 90
_LOWER_QUALITIES = (80, 65, 45)
_KEYWORD = "parameters"
_USER_COMMENT = 0x9286
_EXIF_IFD = 0x8769
_UNICODE = b"UNICODE\0"
# EXIF must fit one JPEG segment of 65,533 bytes, at two to four bytes a character.
_EXIF_CHARACTERS = 15_000
SMALLEST_LIMIT_BYTES = 64 * 1024
"""No upload has a smaller limit."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture file: its bytes and the extension (without a dot) that names its format."""

    data: bytes
    extension: str


def encode_message(image: Pixels, *, parameters: str, limit_bytes: int = UPLOAD_LIMIT_BYTES) -> Encoded:
    """A picture (H, W, 3) for a message: PNG while it is small, else JPEG, in any case within `limit_bytes`.

    Too large a file goes down a ladder: lower qualities, then half the size, and so on. ValueError for limits under
    64 KiB, which no upload has.
    """
    if limit_bytes < SMALLEST_LIMIT_BYTES:
        raise ValueError(f"limit_bytes is {limit_bytes}, below the {SMALLEST_LIMIT_BYTES} any upload allows")
    return next(file for file in message_ladder(image, parameters) if len(file.data) <= limit_bytes)


def encode_lossless(image: Pixels, *, parameters: str, limit_bytes: int | None = None) -> Encoded:
    """A picture (H, W, 3) as it is, PNG where possible: fast and a little larger than need be.

    With a `limit_bytes` it goes down a ladder too: a tighter PNG, lossless WebP, and only then a lossy message file.
    """
    file = Encoded(_with_text(fpng.from_ndarray(np.ascontiguousarray(image)), parameters), "png")
    if limit_bytes is None or len(file.data) <= limit_bytes:
        return file
    picture = Image.fromarray(image)
    for format_name, options in (("PNG", {"compress_level": 6}), ("WEBP", {"lossless": True, "method": 2})):
        buffer = io.BytesIO()
        if format_name == "PNG":
            picture.save(buffer, format_name, **options)
            file = Encoded(_with_text(buffer.getvalue(), parameters), "png")
        else:
            picture.save(buffer, format_name, exif=_exif(parameters), **options)
            file = Encoded(buffer.getvalue(), "webp")
        if len(file.data) <= limit_bytes:
            return file
    return encode_message(image, parameters=parameters, limit_bytes=limit_bytes)


def encode_animation(frames: Sequence[Pixels], frame_ms: int, *, parameters: str, quality: int = 85) -> bytes:
    """Frames (H, W, 3) of one size as an animated WebP that goes round for ever. ValueError without any."""
    if not frames:
        raise ValueError("an animation has at least one frame")
    first, *others = (Image.fromarray(frame) for frame in frames)
    buffer = io.BytesIO()
    options: dict[str, Any] = {"duration": frame_ms, "loop": 0, "quality": quality, "method": 2}
    first.save(buffer, "WEBP", save_all=True, append_images=others, exif=_exif(parameters), **options)
    return buffer.getvalue()


def is_animated(data: bytes) -> bool:
    """Whether a file of ours moves. OSError for a damaged one."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
        return getattr(image, "n_frames", 1) > 1


def read_frames(data: bytes) -> tuple[list[Pixels], int]:
    """The frames (H, W, 3) of an animated WebP, and the milliseconds of each. OSError for a damaged one."""
    with Image.open(io.BytesIO(data), formats=("WEBP",)) as image:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(image)]
        return frames, int(image.info["duration"])


def smaller_animations(data: bytes) -> Iterator[bytes]:
    """The files that an animated WebP may become in a message: as it is, lower qualities, half the size, and so on."""
    yield data
    parameters = read_parameters(data) or ""
    frames, frame_ms = read_frames(data)
    while True:
        for quality in _LOWER_QUALITIES:
            yield encode_animation(frames, frame_ms, parameters=parameters, quality=quality)
        frames = [np.ascontiguousarray(frame[::2, ::2]) for frame in frames]


def assemble_grid(images: Sequence[Pixels]) -> Pixels:
    """Up to four pictures of one size as one: alone, side by side, or two by two, in reading order.

    A missing fourth is left dark. ValueError for none, for more, and for sizes that differ.
    """
    if not 1 <= len(images) <= 4:
        raise ValueError(f"a grid holds 1 to 4 pictures, not {len(images)}")
    if any(image.shape != images[0].shape for image in images):
        raise ValueError("the pictures of a grid must have one size")
    height, width, channels = images[0].shape
    columns, rows = min(2, len(images)), (len(images) + 1) // 2
    grid = np.zeros((rows * height, columns * width, channels), dtype=np.uint8)
    for position, image in enumerate(images):
        row, column = divmod(position, columns)
        grid[row * height : (row + 1) * height, column * width : (column + 1) * width] = image
    return grid


def read_pixels(data: bytes) -> Pixels:
    """The picture (H, W, 3) in a file of ours. OSError for a damaged one."""
    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
        return np.asarray(image.convert("RGB"))


def read_parameters(data: bytes) -> str | None:
    """The parameters that a file of ours carries (PNG, JPEG or WebP), None for a file without."""
    with Image.open(io.BytesIO(data)) as image:
        text = image.info.get(_KEYWORD)
        if isinstance(text, str):
            return str(text)
        comment = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT)
    if isinstance(comment, bytes) and comment.startswith(_UNICODE):
        return comment[len(_UNICODE) :].decode("utf-16-be")
    return None


def message_ladder(image: Pixels, parameters: str) -> Iterator[Encoded]:
    """The files that a picture may become in a message, best first, without end."""
    if image.shape[0] * image.shape[1] <= SMALL_PIXELS:
        yield encode_lossless(image, parameters=parameters)
    picture = Image.fromarray(image)
    exif = _exif(parameters)
    while True:
        for quality in (MESSAGE_QUALITY, *_LOWER_QUALITIES):
            buffer = io.BytesIO()
            picture.save(buffer, "JPEG", quality=quality, exif=exif)
            yield Encoded(buffer.getvalue(), "jpg")
        picture = picture.resize((max(1, picture.width // 2), max(1, picture.height // 2)), Image.Resampling.BOX)


def _with_text(png: bytes, text: str) -> bytes:
    """The PNG with an iTXt chunk after its header. By hand, as fpng writes none and Pillow would encode again."""
    body = (
        b"iTXt" + _KEYWORD.encode("latin-1") + b"\0" + b"\0\0" + b"\0" + b"\0" + text.replace("\0", "").encode("utf-8")
    )
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    header_end = 8 + 25  # signature; IHDR's length, name, 13 bytes and checksum
    return png[:header_end] + chunk + png[header_end:]


def _exif(text: str) -> bytes:
    """EXIF with `text` as its user comment, where other tools of the field look for it too."""
    exif = Image.Exif()
    exif.get_ifd(_EXIF_IFD)[_USER_COMMENT] = _UNICODE + text.replace("\0", "")[:_EXIF_CHARACTERS].encode("utf-16-be")
    return exif.tobytes()
