"""Picture files: what is in them, how large they get, and what they say about themselves."""

import io

import numpy as np
import pytest
from PIL import Image

from worker.encoding import (
    SMALL_PIXELS,
    UPLOAD_LIMIT_BYTES,
    assemble_grid,
    encode_lossless,
    encode_message,
    read_parameters,
)

PARAMETERS = "a fox – 狐 🦊 --ar 3:2 --seed 0\nSteps: 20, Model: e35b075e"


def scene(height: int, width: int, grain: float = 0.0) -> np.ndarray:
    """Soft shapes with some grain: about as hard to compress as a photograph."""
    y, x = np.mgrid[0:height, 0:width] / 64
    picture = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=-1) * 100 + 128
    picture += np.random.default_rng(1).normal(0, grain, picture.shape) if grain else 0
    return picture.clip(0, 255).astype(np.uint8)


def decoded(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (33, 70), (512, 768)])
def test_lossless_files_hold_the_same_pixels(size: tuple[int, int]) -> None:
    """A PNG gives back every pixel, for odd sizes and for arrays that are views of larger ones."""
    picture = scene(size[0] * 2, size[1])[::2]
    file = encode_lossless(picture, parameters=PARAMETERS)
    assert file.extension == "png"
    assert np.array_equal(decoded(file.data), picture)


def test_every_format_carries_its_parameters() -> None:
    """PNG, JPEG and lossless WebP all say what they were made from, in any script."""
    large = scene(1024, 1024, grain=3)
    tightest_png = io.BytesIO()
    Image.fromarray(large).save(tightest_png, "PNG")
    files = [
        encode_lossless(large, parameters=PARAMETERS),
        encode_message(large, parameters=PARAMETERS),
        encode_lossless(large, parameters=PARAMETERS, limit_bytes=len(tightest_png.getvalue()) - 1),
    ]
    assert [file.extension for file in files] == ["png", "jpg", "webp"]
    assert [read_parameters(file.data) for file in files] == [PARAMETERS] * 3


def test_a_file_without_parameters_has_none() -> None:
    """Foreign files are read without complaint."""
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    assert read_parameters(buffer.getvalue()) is None


def test_checksums_are_right() -> None:
    """Pillow verifies each chunk's checksum; ours passes."""
    Image.open(io.BytesIO(encode_lossless(scene(8, 8), parameters=PARAMETERS).data)).verify()


def test_a_very_long_text_does_not_break_a_jpeg() -> None:
    """EXIF has room for one segment; what does not fit is cut, the picture stays."""
    file = encode_message(scene(1024, 1024), parameters="狐" * 60_000)
    text = read_parameters(file.data)
    assert text is not None
    assert set(text) == {"狐"}


def test_small_pictures_are_posted_without_loss() -> None:
    """Flat colours of small pictures would suffer in a JPEG, and gain nothing."""
    picture = scene(256, 256)
    assert np.array_equal(decoded(encode_message(picture, parameters="").data), picture)


def test_a_large_grid_becomes_a_small_jpeg() -> None:
    """2048x2048 with some grain stays under a megabyte and close to the original."""
    picture = scene(2048, 2048, grain=3)
    assert picture.shape[0] * picture.shape[1] > SMALL_PIXELS
    file = encode_message(picture, parameters=PARAMETERS)
    assert file.extension == "jpg"
    assert len(file.data) < 1_000_000
    assert np.abs(decoded(file.data).astype(int) - picture).mean() < 4


@pytest.mark.parametrize("limit_bytes", [2_000_000, 400_000, 80_000])
def test_the_ladder_ends_within_the_limit(limit_bytes: int) -> None:
    """Pure noise is the worst case: it is posted smaller, never refused."""
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), dtype=np.uint8)
    for file in (
        encode_message(noise, parameters=PARAMETERS, limit_bytes=limit_bytes),
        encode_lossless(noise, parameters=PARAMETERS, limit_bytes=limit_bytes),
    ):
        assert len(file.data) <= limit_bytes
        assert read_parameters(file.data) == PARAMETERS


def test_a_limit_no_upload_has_is_a_mistake() -> None:
    """The ladder must be able to end."""
    with pytest.raises(ValueError, match="limit_bytes"):
        encode_message(scene(8, 8), parameters="", limit_bytes=100)


def test_a_lossless_2048_grid_fits_an_upload() -> None:
    """A picture with ordinary grain needs no rung of the ladder."""
    file = encode_lossless(scene(2048, 2048, grain=3), parameters=PARAMETERS)
    assert file.extension == "png"
    assert len(file.data) <= UPLOAD_LIMIT_BYTES


def test_a_grid_is_read_like_text() -> None:
    """Image 1 is top left, 2 top right, 3 bottom left; a missing fourth stays dark; one stays alone."""
    images = [np.full((2, 3, 3), level, dtype=np.uint8) for level in (10, 20, 30, 40)]
    assert assemble_grid(images)[::2, ::3, 0].tolist() == [[10, 20], [30, 40]]
    assert assemble_grid(images[:3])[::2, ::3, 0].tolist() == [[10, 20], [30, 0]]
    assert assemble_grid(images[:2])[::2, ::3, 0].tolist() == [[10, 20]]
    assert np.array_equal(assemble_grid(images[:1]), images[0])


def test_grids_of_nothing_and_of_mixed_sizes_are_mistakes() -> None:
    """Better an error than a grid that lies."""
    with pytest.raises(ValueError, match="1 to 4"):
        assemble_grid([])
    with pytest.raises(ValueError, match="one size"):
        assemble_grid([np.zeros((2, 2, 3), np.uint8), np.zeros((2, 4, 3), np.uint8)])
