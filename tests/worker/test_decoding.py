"""Files of strangers into pixels: right whatever the format, and refused before they cost anything."""

from __future__ import annotations

import io
import struct
import time
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.worker.conftest import picture
from worker.decoding import LONGEST_SIDE, MAX_SCANS, decode_picture
from worker.fetching import LinkRefused


def saved(image: Image.Image, format_name: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def png(side: int = 8, colour: str = "red", mode: str = "RGB") -> bytes:
    """A plain PNG file."""
    return saved(Image.new(mode, (side, side), colour))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(width: int, height: int, bits: int, colour: int, row: bytes, transparent: bytes = b"") -> bytes:
    """A PNG whose rows are all `row`, samples as they lie in the file."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    clear = chunk(b"tRNS", transparent) if transparent else b""
    data = chunk(b"IDAT", zlib.compress((b"\0" + row) * height))
    return b"\x89PNG\r\n\x1a\n" + header + clear + data + chunk(b"IEND", b"")


def scan_bomb(side: int, scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    file = saved(Image.new("RGB", (side, side)), "JPEG", progressive=True)
    last = file[file.rindex(b"\xff\xda") : -2]
    return file[:-2] + last * scans + b"\xff\xd9"


# ── right ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_pictures_come_out_upright_opaque_and_small_enough() -> None:
    """(H, W, 3) whatever the file was; transparency becomes white."""
    assert np.array_equal(decode_picture(png(8, "#102030")), np.full((8, 8, 3), (16, 32, 48), np.uint8))
    assert np.array_equal(decode_picture(png(8, "#ff000000", "RGBA")), picture(255, 8))
    assert decode_picture(png(8, "white", "L")).shape == (8, 8, 3)
    assert decode_picture(png(3000)).shape == (LONGEST_SIDE, LONGEST_SIDE, 3)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_says_what_is_up(format_name: str, orientation: int) -> None:
    """All eight ways to hold a camera, in every format that can say so: the bright corner ends up where it belongs."""
    image = Image.new("RGB", (64, 32))
    image.paste((255, 255, 255), (0, 0, 16, 16))
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = decode_picture(saved(image, format_name, exif=exif))
    assert upright.shape == ((64, 32, 3) if orientation >= 5 else (32, 64, 3))
    corners = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    row, column = corners[orientation]
    assert upright[row, column].min() > 200
    assert upright[-1 - row, -1 - column].max() < 50


def test_damaged_exif_is_no_reason_to_refuse() -> None:
    """The picture itself is sound."""
    file = saved(Image.new("RGB", (40, 20), "red"), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff garbage")
    assert decode_picture(file).shape == (20, 40, 3)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """256 even steps of grey stay 256 even steps; the same with a see-through one, in colour, with alpha."""
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    grey = decode_picture(saved(Image.fromarray(ramp)))
    assert len(np.unique(grey)) == 256
    assert grey.mean() == 127.5
    row = ramp[0].astype(">u2")
    colour = decode_picture(raw_png(256, 4, 16, 2, np.repeat(row, 3).tobytes()))
    assert np.array_equal(colour[0, :, 0], np.arange(256))
    solid = np.stack([row, row, row, np.full(256, 65535)], axis=-1).astype(">u2")
    assert np.array_equal(decode_picture(raw_png(256, 4, 16, 6, solid.tobytes())), colour)
    veiled = np.stack([row, np.zeros(256)], axis=-1).astype(">u2")
    assert decode_picture(raw_png(256, 4, 16, 4, veiled.tobytes())).min() == 255


@pytest.mark.parametrize(
    ("bits", "colour", "row", "transparent"),
    [
        (1, 0, b"\x40", b"\0\1"),
        (2, 0, b"\x20", b"\0\2"),
        (4, 0, b"\x07", b"\0\x07"),
        (8, 0, b"\x00\x77", b"\0\x77"),
        (16, 0, b"\x00\x00\x12\x34", b"\x12\x34"),
        (8, 2, b"\0\0\0\x77\1\2", b"\0\x77\0\1\0\2"),
        (16, 2, b"\0" * 6 + b"\x12\x34\0\0\0\0", b"\x12\x34\0\0\0\0"),
    ],
)
def test_a_see_through_colour_is_found_at_every_depth(bits: int, colour: int, row: bytes, transparent: bytes) -> None:
    """PNG names one colour that is not there: of two pixels the black one stays, the other becomes white."""
    assert decode_picture(raw_png(2, 1, bits, colour, row, transparent)).tolist() == [[[0] * 3, [255] * 3]]


def test_half_transparency_is_laid_on_white() -> None:
    """Half of red on white is pink, and the colour of what cannot be seen does not bleed in when it is made smaller."""
    assert decode_picture(png(8, "#ff000080", "RGBA"))[0, 0].tolist() == [255, 127, 127]
    image = Image.new("RGBA", (2048, 2048), (255, 0, 0, 255))
    image.paste((0, 255, 0, 0), (1024, 0, 2048, 2048))
    small = decode_picture(saved(image))
    assert small[:, 520:].min() == 255
    assert small[:, :500, 1:].max() == 0


def test_print_colours_become_screen_colours() -> None:
    """CMYK, as it is and inverted as Adobe's programs write it."""
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = decode_picture(saved(image, "JPEG", quality=95))[8, 8].tolist()
    assert red > 240
    assert green < 15
    assert blue < 15


@pytest.mark.parametrize("format_name", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_its_first_frame(format_name: str) -> None:
    """The picture that a person sees first."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if format_name == "WEBP" else {}
    file = saved(frames[0], format_name, save_all=True, append_images=frames[1:], duration=100, **options)
    assert decode_picture(file)[8, 8].tolist() == [255, 0, 0]


def test_a_limit_of_the_library_is_no_fact_about_a_file() -> None:
    """A PNG with two megabytes of some tool's workflow in it is a picture like any other."""
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "node " * 400_000, zip=True)
    assert decode_picture(saved(Image.new("RGB", (8, 8), "red"), pnginfo=info))[0, 0].tolist() == [255, 0, 0]


# ── refused ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    """A few bytes that claim 100,000 pixels a side: only the header is looked at."""
    for side in (7_000, 10_000, 100_000):
        with pytest.raises(LinkRefused, match=r"pixels|side"):
            decode_picture(raw_png(side, side, 8, 2, b"")[:200])


@pytest.mark.parametrize(("width", "height"), [(1, 40_000_000), (16_385, 1), (1, 16_385)])
def test_a_thread_is_refused_by_its_length(width: int, height: int) -> None:
    """Few pixels, and yet each row costs."""
    with pytest.raises(LinkRefused, match=r"side.*16384"):
        decode_picture(raw_png(width, height, 8, 0, b"")[:200])


def test_a_webp_that_claims_too_much_is_refused_before_it_is_opened() -> None:
    """Pillow makes room for all its pixels as soon as it opens one."""
    canvas = (16_383 - 1).to_bytes(3, "little") * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + canvas
    with pytest.raises(LinkRefused, match="pixels"):
        decode_picture(b"RIFF" + struct.pack("<I", len(body)) + body)


def test_a_jpeg_of_endless_scans_is_refused_at_once() -> None:
    """Counted in the file, not while each scan goes over the whole picture."""
    bomb = scan_bomb(6320, 2500)
    began = time.process_time()
    with pytest.raises(LinkRefused, match=rf"scans.*{MAX_SCANS}"):
        decode_picture(bomb)
    assert time.process_time() - began < 0.5


def test_what_only_looks_like_scans_is_not_counted() -> None:
    """A preview or a profile inside a JPEG may hold any bytes; a camera's own ten scans are fine."""
    comment = b"\xff\xda" * 5_000
    file = saved(Image.new("RGB", (32, 16), "red"), "JPEG", progressive=True, comment=comment)
    assert decode_picture(file).shape == (16, 32, 3)
    assert decode_picture(scan_bomb(64, 80)).shape == (64, 64, 3)


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n", png()[:50], b"BM" + bytes(100), b"<html>404"])
def test_other_files_are_refused(data: bytes) -> None:
    """Text, half files, and formats whose decoders we have no need of."""
    with pytest.raises(LinkRefused, match="no_picture"):
        decode_picture(data)


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "WEBP", "GIF"])
def test_any_damage_is_a_refusal_or_a_picture(format_name: str) -> None:
    """Bytes changed at random make a decoder raise all sorts of things; a person is told one of them."""
    noise = np.random.default_rng(0)
    whole = saved(Image.fromarray(noise.integers(0, 256, (40, 40, 3), dtype=np.uint8)), format_name)
    for _ in range(150):
        data = bytearray(whole)
        for place in noise.integers(0, len(data), 4):
            data[place] = noise.integers(0, 256)
        with suppress(LinkRefused):
            assert decode_picture(bytes(data)).ndim == 3
