"""Painted pictures are what their style's name says, the same for a seed, and nearly so where a level differs."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from model.painting import MEDIA, PLAINLY, TONES, Manner, painted

Picture = NDArray[np.uint8]


def drawn(ground: tuple[int, int, int] = (255, 255, 255), size: tuple[int, int] = (256, 256)) -> Picture:
    """A red house with a blue door under a yellow sun, as soft as an enlarged picture is."""
    picture = Image.new("RGB", size, ground)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((60, 110, 190, 220), fill=(200, 60, 50))
    pen.polygon(((45, 110), (125, 45), (205, 110)), fill=(90, 50, 40))
    pen.rectangle((110, 160, 140, 220), fill=(40, 70, 180))
    pen.ellipse((190, 20, 235, 65), fill=(250, 210, 60))
    return np.asarray(picture.filter(ImageFilter.GaussianBlur(2)))


@pytest.fixture(scope="module")
def house() -> Picture:
    return drawn()


def made(picture: Picture, medium: str = "", tone: str = "", seed: int = 3, *, tile: bool = False) -> Picture:
    return painted(picture, Manner(medium, tone=tone), seed, tile=tile)


def chroma(picture: Picture) -> float:
    """How far its most colourful places are from grey."""
    apart = np.ptp(picture.astype(int), axis=-1)
    return float(np.percentile(apart, 99))


def light(picture: Picture) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = picture.astype(float).mean(-1)
    return mean


@pytest.mark.parametrize("medium", MEDIA)
def test_a_medium_shows_from_afar_and_repeats_with_its_seed(house: Picture, medium: str) -> None:
    first, again = made(house, medium), made(house, medium)
    assert first.shape == house.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    small, plain = (np.asarray(Image.fromarray(one).reduce(4)).astype(int) for one in (first, house))
    assert np.abs(small - plain).mean() > 3


@pytest.mark.parametrize("medium", ["watercolor", "pencil sketch", "mosaic", "low poly"])
def test_another_seed_is_another_hand(house: Picture, medium: str) -> None:
    assert not np.array_equal(made(house, medium), made(house, medium, seed=4))


@pytest.mark.parametrize("medium", MEDIA)
def test_a_level_more_or_less_is_painted_as_the_same_picture(house: Picture, medium: str) -> None:
    """As another processor may round: nearly nowhere does a threshold flip."""
    chance = np.random.default_rng(1)
    rounded = (house.astype(int) + chance.integers(-1, 2, house.shape)).clip(0, 255).astype(np.uint8)
    apart = np.abs(made(house, medium).astype(int) - made(rounded, medium))
    assert np.percentile(apart, 99) <= 8
    assert apart.mean() < 1.5


@pytest.mark.parametrize("medium", MEDIA)
@pytest.mark.parametrize("size", [(320, 208), (64, 64)], ids=["wide", "small"])
def test_every_size_is_painted(medium: str, size: tuple[int, int]) -> None:
    assert made(drawn(size=size), medium).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("medium", MEDIA)
def test_a_tile_stays_a_tile(medium: str) -> None:
    """Where it meets itself it is no rougher than within."""
    wave = np.mgrid[0:256, 0:256] * (2 * np.pi / 256)
    tile = np.stack([127 + 100 * np.sin(wave[0] + turn) * np.cos(wave[1]) for turn in range(3)], -1).astype(np.uint8)
    picture = made(tile, medium, tile=True).astype(int)
    seams = [np.abs(picture[0] - picture[-1]).mean(), np.abs(picture[:, 0] - picture[:, -1]).mean()]
    within = [np.abs(np.diff(picture, axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)]
    # Cells and squares have steps of their own between each other, of which a seam may be one.
    assert all(seam <= 1.5 * steps.max() + 1 for seam, steps in zip(seams, within, strict=True))


def test_nothing_asked_for_is_the_picture_itself(house: Picture) -> None:
    assert painted(house, PLAINLY, 1) is house


def test_a_share_goes_part_of_the_way(house: Picture) -> None:
    whole, half = made(house, "watercolor").astype(int), painted(house, Manner("watercolor", 0.5), 3).astype(int)
    assert np.abs(half - (whole + house.astype(int)) / 2).max() <= 1


@pytest.mark.parametrize("medium", ["pencil sketch", "charcoal", "ink", "line art", "woodcut"])
def test_what_is_drawn_in_black_has_no_colour_and_empty_paper(house: Picture, medium: str) -> None:
    drawing = made(house, medium)
    assert chroma(drawing) < 40  # of the paper
    assert light(drawing)[:30, :100].mean() > 200
    assert light(drawing)[60:200, 60:190].mean() < light(drawing)[:30, :100].mean() - 15


def test_a_coloured_ground_is_paper_to_a_pencil() -> None:
    assert light(made(drawn((120, 160, 90)), "pencil sketch"))[:30, :100].mean() > 200


def test_pixel_art_is_made_of_squares(house: Picture) -> None:
    """Along a row, colours change at few places."""
    changes = np.abs(np.diff(made(house, "pixel art").astype(int), axis=1)).max(-1)
    assert np.count_nonzero(changes.max(axis=0)) < 30
    assert np.count_nonzero(np.abs(np.diff(house.astype(int), axis=1)).max(-1).max(axis=0)) > 60


def test_neon_glows_in_the_dark(house: Picture) -> None:
    sign = made(house, "neon")
    assert np.median(light(sign)) < 60
    assert light(sign).max() > 190
    assert chroma(sign) > 120


def test_a_blueprint_is_white_on_blue(house: Picture) -> None:
    plan = made(house, "blueprint").astype(int)
    red, _, blue = np.median(plan.reshape(-1, 3), axis=0)
    assert blue > red + 80
    assert plan.min(-1).max() > 200


def test_comics_have_black_outlines_and_flat_colours(house: Picture) -> None:
    panel = made(house, "comic")
    assert (light(panel) < 45).mean() > 1.5 * (light(house) < 45).mean() + 0.02
    assert chroma(panel) > chroma(house)


def test_an_old_photo_is_brown_and_dark_in_its_corners(house: Picture) -> None:
    photo = made(house, "old photo").astype(int)
    red, green, blue = photo.reshape(-1, 3).mean(0)
    assert red > green > blue + 10
    assert light(photo.astype(np.uint8))[:12, :12].mean() < light(photo.astype(np.uint8))[20:60, 100:140].mean() - 30


def test_watercolour_is_pale_and_leaves_the_edge_of_the_paper() -> None:
    dark = drawn((40, 60, 120))
    painting = made(dark, "watercolor")
    assert light(painting)[100:200, 10:40].mean() > light(dark)[100:200, 10:40].mean() + 20
    assert light(painting)[:3].mean() > 235


@pytest.mark.parametrize("tone", TONES)
def test_a_tone_changes_colours_and_keeps_shapes(house: Picture, tone: str) -> None:
    """What was darker stays darker, as far as it can be seen."""
    toned = made(house, tone=tone)
    assert np.abs(toned.astype(int) - house).mean() > 1
    assert np.corrcoef(light(toned).ravel(), light(house).ravel())[0, 1] > 0.75


def test_black_and_white_has_no_colour(house: Picture) -> None:
    assert chroma(made(house, tone="black and white")) == 0
    assert chroma(made(house, "watercolor", "black and white")) == 0
