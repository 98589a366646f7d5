"""Picture files of strangers into pixels, within bounds that are known before anything is decoded.

What a decoding library can take is no fact about a file, so its own limits are set aside and ours hold: the size that
the header names, the number of scans, and the time and memory of the process that this runs in (`worker.reading`).
"""

from __future__ import annotations

import io
import re
import warnings

import imagesize
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, PngImagePlugin

from worker.fetching import MAX_BYTES, LinkRefused

MAX_PIXELS = 48_000_000
MAX_SIDE = 16_384
MAX_SCANS = 100
"""A progressive JPEG of a camera has about ten; each one costs a pass over the whole picture."""
LONGEST_SIDE = 1024
"""Pictures are kept no larger than this: no model here looks closer."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_TEXT_BYTES = 4 * MAX_BYTES
"""Other tools keep whole workflows in a PNG's text."""
# Inside a scan 0xFF is followed by 0x00 or a restart mark, so anything else is the next segment.
_SEGMENT = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = 0xDA, 0xD9
_SCALED = [(level * 255 + 32_767) // 65_535 for level in range(65_536)]
_NARROW = {"L;2": 255 // 3, "L;4": 255 // 15}
"""What Pillow multiplies narrow samples by."""

_OPAQUE = 255

Pixels = NDArray[np.uint8]


def decode_picture(data: bytes) -> Pixels:
    """The first frame of a picture file, (H, W, 3), upright, on white, at most `LONGEST_SIDE` a side.

    16-bit pictures are scaled to 8 bits. LinkRefused for other files, for more than `MAX_PIXELS` in all, `MAX_SIDE` a
    side or `MAX_SCANS` scans; all of that is looked at before anything is decoded.
    """
    upright = _decoded(data).convert("RGBA")
    ground = Image.new("RGBA", upright.size, "white")
    return np.array(Image.alpha_composite(ground, upright).convert("RGB"))


def decode_mask(data: bytes) -> Pixels:
    """(H, W, 3), 255 where a picture file is transparent and 0 where it is not. Bounds and errors as `decode_picture`;
    LinkRefused also for a file in which nothing is transparent, or all of it."""
    clear = np.asarray(_decoded(data).convert("RGBA").getchannel("A")) < _OPAQUE // 2
    if clear.all() or not clear.any():
        raise LinkRefused("no_mask")
    return np.repeat(np.where(clear, _OPAQUE, 0).astype(np.uint8)[..., None], 3, axis=2)


def _decoded(data: bytes) -> Image.Image:
    """The first frame of a picture file, upright, 8 bits a channel, with its transparency if it has any."""
    _check_bounds(data)
    Image.MAX_IMAGE_PIXELS = None
    PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = _TEXT_BYTES
    try:
        # Pillow warns of damaged metadata, which is nobody's business here.
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.width, image.height)
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is made smaller while it is decoded
            picture = _eight_bits(image)
    except (LinkRefused, MemoryError):
        raise
    except Exception as error:  # decoders raise anything at all for files that were made to break them
        raise LinkRefused("no_picture") from error
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    return _upright(picture)


def _check_bounds(data: bytes) -> None:
    """LinkRefused by what the headers say. Pillow makes room for a WebP picture as soon as it opens it."""
    try:
        width, height = imagesize.get(io.BytesIO(data))
    except Exception as error:  # the same for readers of headers
        raise LinkRefused("no_picture") from error
    _check_size(int(width), int(height))
    if data.startswith(b"\xff\xd8") and _scans(data) > MAX_SCANS:
        raise LinkRefused("scans", limit=MAX_SCANS)


def _check_size(width: int, height: int) -> None:
    if max(width, height) > MAX_SIDE:
        raise LinkRefused("side", limit=MAX_SIDE)
    if width * height > MAX_PIXELS:
        raise LinkRefused("pixels", limit=MAX_PIXELS // 1_000_000)


def _scans(data: bytes) -> int:
    """The scans of a JPEG file, counted no further than needed."""
    count, position = 0, 2
    while count <= MAX_SCANS and (found := _SEGMENT.search(data, position)):
        marker, position = found[1][0], found.end()
        if marker == _END_OF_IMAGE:
            break
        if marker == _START_OF_SCAN:
            count += 1
        position += int.from_bytes(data[position : position + 2])
    return count


def _eight_bits(image: ImageFile.ImageFile) -> Image.Image:
    """The decoded picture as RGB or RGBA, 8 bits a channel.

    Pillow clips 16-bit grey, and compares a PNG's transparent colour with samples that it has scaled to 8 bits by then.
    """
    sample = str(image.tile[0].args) if image.tile else ""  # how a sample lies in the file, such as `L;4` or `RGB;16B`
    image.load()
    clear = image.info.get("transparency")
    if image.mode.startswith("I"):
        grey = image.convert("I")
        plain = grey.point(_SCALED, "L").convert("RGBA" if isinstance(clear, int) else "RGB")
        if isinstance(clear, int):
            plain.putalpha(grey.point([0 if level == clear else 255 for level in range(65_536)], "L"))
        plain.info = image.info
        return plain
    if isinstance(clear, tuple) and "16" in sample:
        image.info["transparency"] = tuple(level >> 8 for level in clear)
    if isinstance(clear, int) and sample in _NARROW:
        image.info["transparency"] = clear * _NARROW[sample]
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _upright(picture: Image.Image) -> Image.Image:
    try:
        with warnings.catch_warnings(action="ignore"):
            return ImageOps.exif_transpose(picture)
    except Exception:  # whatever a damaged EXIF block makes the library raise, the picture itself is sound
        return picture
