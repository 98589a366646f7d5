"""Just enough about pictures and films: type, width and height, and a plain square for avatars."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """A picture's media type and its size in pixels."""

    content_type: str
    width: int
    height: int


def measure(data: bytes) -> Image | None:
    """What picture this is; None where it is none of PNG, JPEG, GIF, WebP and MP4, or is cut off before its size."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Image("image/png", *struct.unpack(">II", data[16:24]))
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return Image("image/gif", *struct.unpack("<HH", data[6:10]))
        if data[:2] == b"\xff\xd8":
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[4:8] == b"ftyp":
            return _mp4(data)
    except (struct.error, IndexError, StopIteration):
        return None
    return None


def _jpeg(data: bytes) -> Image | None:
    """Walk the segments up to the frame header (SOF0 to SOF15, without the tables that share the range)."""
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Image("image/jpeg", width, height)
        at += 2 + int(struct.unpack(">H", data[at + 2 : at + 4])[0])
    return None


def _mp4(data: bytes) -> Image | None:
    """The first track with a size, whose header ends in width and height, 16.16 bits each (ISO/IEC 14496-12)."""
    for track in _boxes(next(_boxes(data, b"moov"), b""), b"trak"):
        width, height = struct.unpack(">II", next(_boxes(track, b"tkhd"))[-8:])
        if width and height:
            return Image("video/mp4", width >> 16, height >> 16)
    return None


def _boxes(data: bytes, kind: bytes) -> Iterator[bytes]:
    """What the boxes of this kind hold."""
    at = 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        if name == kind:
            yield data[at + 8 : at + size]
        at += max(8, size)


def _webp(data: bytes) -> Image | None:
    """Lossy (VP8), lossless (VP8L) and extended (VP8X) files keep their size in three ways (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", data[26:30])
        return Image("image/webp", width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = int(struct.unpack("<I", data[21:25])[0])
        return Image("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        return Image("image/webp", width, int.from_bytes(data[27:30], "little") + 1)
    return None


def square(red: int, green: int, blue: int, side: int = 64) -> bytes:
    """A PNG of one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
