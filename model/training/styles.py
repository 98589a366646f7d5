"""Stage 1, styles: filters that turn a finished picture into a watercolour, a sketch, pixel art and so on.

Each takes and gives an RGB picture of 256 x 256 pixels and draws what varies from the given generator. Nothing here
knows what the picture shows, so any picture can be had in any style, and the style's name is true by construction.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from .captions import HUES


@dataclass(frozen=True)
class Style:
    """A filter and what people call its result: `kinds` stand before ("a watercolor of"), `endings` after a comma.
    `repaints` says that nothing of the picture's background is left in its result, `colourless` that no colour is."""

    apply: Callable[[Image.Image, random.Random], Image.Image]
    kinds: tuple[str, ...]
    endings: tuple[str, ...]
    repaints: bool = False
    colourless: bool = False

    def still_true(self, subject: str) -> str:
        """What of a subject's words is still true of the result."""
        if self.repaints:
            subject = re.sub(r" on an? [a-z ]+ background", "", subject)
        if self.colourless:
            subject = re.sub(rf"\b({'|'.join(HUES)}|brown) (?!hair|skin)", "", subject)
            subject = re.sub(r"\ban? (\w)", lambda found: f"{'an' if found[1] in 'aeiou' else 'a'} {found[1]}", subject)
        return subject


def _floats(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture).astype(np.float32)


def _picture(values: np.ndarray) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _grain(rng: random.Random, side: int, blur: float) -> np.ndarray:
    """Smooth random values (side, side) of mean 0 and deviation 1; `blur` is the size of their lumps in pixels."""
    raw = np.random.default_rng(rng.randrange(2**31)).normal(0, 40, (side, side))
    smooth = _floats(_picture(raw + 128).filter(ImageFilter.GaussianBlur(blur))) - 128
    return smooth / max(float(smooth.std()), 1e-3)


def _edges(picture: Image.Image, strength: float) -> np.ndarray:
    """How much of an edge there is at every pixel, (side, side) in 0..1."""
    grey = _floats(picture.convert("L").filter(ImageFilter.GaussianBlur(1)))
    across, down = np.diff(grey, axis=1, prepend=grey[:, :1]), np.diff(grey, axis=0, prepend=grey[:1])
    return ((np.abs(across) + np.abs(down)) * strength / 40).clip(0, 1)


def _watercolour(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = picture.width
    pale = 255 - (255 - _floats(picture.filter(ImageFilter.ModeFilter(9)).filter(ImageFilter.GaussianBlur(2.2)))) * 0.74
    washed = pale + 9 * (_grain(rng, side, 7) + 0.6 * _grain(rng, side, 2))[..., None]
    washed *= 1 - 0.25 * _edges(picture, 1.4)[..., None]
    place = np.mgrid[0:side, 0:side] - side / 2
    far = np.hypot(*place) / (side / 2) + 0.1 * _grain(rng, side, 9)
    painted = ((1.14 - far) * 6).clip(0, 1)[..., None]  # paper shows towards the corners
    return _picture(washed * painted + np.array((252, 249, 242)) * (1 - painted))


def _pixel_art(picture: Image.Image, rng: random.Random) -> Image.Image:
    cells = rng.choice((16, 20, 24, 32))
    small = picture.resize((cells, cells), Image.Resampling.BOX).quantize(18, dither=Image.Dither.NONE).convert("RGB")
    return small.resize(picture.size, Image.Resampling.NEAREST)


def _pencil(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = picture.width
    grey = _floats(picture.convert("L")) / 255
    y, x = np.mgrid[0:side, 0:side]
    hatching = 0.45 * (((x + y) % 7 < 1.8) & (grey < 0.62)) + 0.45 * (((x - y) % 7 < 1.8) & (grey < 0.4))
    light = 1 - (_edges(picture, 2.2) * 1.1 + hatching).clip(0, 1) * 0.85 + 0.02 * _grain(rng, side, 1)
    return _picture(light[..., None] * np.array((250, 248, 240)))


def _oil(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = picture.width
    dabs = _floats(picture.filter(ImageFilter.ModeFilter(11)))
    relief = _floats(_picture(_grain(rng, side, 1.6) * 30 + 128).filter(ImageFilter.EMBOSS)) - 128
    return _picture(dabs * 1.04 + relief[..., None] * 0.34).filter(ImageFilter.MedianFilter(3))


def _neon(picture: Image.Image, rng: random.Random) -> Image.Image:
    lines = _edges(picture, 3.0)[..., None]
    bright = _floats(picture.filter(ImageFilter.MaxFilter(5)))
    bright = bright / np.maximum(bright.max(-1, keepdims=True), 1) * 255
    tubes = (128 + (bright - 128) * 1.6).clip(0, 255) * lines
    glow = _floats(_picture(tubes).filter(ImageFilter.GaussianBlur(rng.uniform(4, 6))))
    return _picture(glow * 1.8 + tubes * 1.3 + np.array((10, 6, 24)))


def _blueprint(picture: Image.Image, rng: random.Random) -> Image.Image:
    side, cell = picture.width, rng.choice((14, 16, 20))
    y, x = np.mgrid[0:side, 0:side]
    ruled = 0.14 * ((x % cell == 0) | (y % cell == 0))
    light = (_edges(picture, 2.6) + ruled).clip(0, 1)[..., None]
    return _picture(np.array((24, 70, 150)) * (1 - light) + np.array((235, 243, 255)) * light)


def _paper_cut(picture: Image.Image, rng: random.Random) -> Image.Image:
    sheets = picture.quantize(7, dither=Image.Dither.NONE).convert("RGB").filter(ImageFilter.ModeFilter(9))
    edge = np.roll(_edges(sheets, 3), (4, 4), (0, 1))
    shadow = _floats(_picture(edge * 255).filter(ImageFilter.GaussianBlur(2)))[..., None] / 255
    return _picture(_floats(sheets) * (1 - 0.4 * shadow) + 2.5 * _grain(rng, picture.width, 1)[..., None])


def _comic(picture: Image.Image, rng: random.Random) -> Image.Image:
    side, pitch = picture.width, rng.uniform(0.48, 0.62)
    inks = _floats(picture.quantize(10, dither=Image.Dither.NONE).convert("RGB"))
    inks = 128 + (inks - 128) * 1.2
    y, x = np.mgrid[0:side, 0:side]
    dots = np.sin((x + y) * pitch) * np.sin((x - y) * pitch) > 0.1
    inks = inks * (1 - 0.22 * (dots & (_floats(picture.convert("L")) < 190))[..., None])
    return _picture(np.where((_edges(picture, 3) > 0.42)[..., None], 15, inks))


def _black_and_white(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = picture.width
    grey = _floats(picture.convert("L"))
    return _picture(np.repeat((grey + 4 * _grain(rng, side, 0.6))[..., None], 3, -1))


def _old_photo(picture: Image.Image, rng: random.Random) -> Image.Image:
    side = picture.width
    grey = _floats(picture.convert("L"))[..., None] / 255
    far = np.hypot(*(np.mgrid[0:side, 0:side] - side / 2))[..., None] / (side * 0.75)
    brown = grey * np.array((255, 228, 185)) + (1 - grey) * np.array((50, 30, 15))
    return _picture(brown * (1 - 0.45 * far**2) + 7 * _grain(rng, side, 0.6)[..., None])


STYLES: dict[str, Style] = {
    "watercolor": Style(_watercolour, ("a watercolor of", "a watercolor painting of"),
                        ("watercolor", "watercolor painting", "watercolour style")),
    "pixel art": Style(_pixel_art, ("pixel art of", "a pixel art picture of"),
                       ("pixel art", "8-bit", "pixelated style")),
    "pencil sketch": Style(_pencil, ("a pencil sketch of", "a pencil drawing of", "a sketch of"),
                           ("pencil sketch", "pencil drawing", "hand drawn sketch"),
                          repaints=True, colourless=True),
    "oil painting": Style(_oil, ("an oil painting of", "a painting of"),
                          ("oil painting", "oil on canvas", "impressionist painting")),
    "neon": Style(_neon, ("a neon sign of", "a neon drawing of"),
                  ("neon", "neon lights", "neon style", "glowing neon"),
                 repaints=True),
    "blueprint": Style(_blueprint, ("a blueprint of",), ("blueprint", "technical drawing", "blueprint style"),
                      repaints=True, colourless=True),
    "paper cut": Style(_paper_cut, ("a paper cut of", "a paper cutout of"),
                       ("paper cut", "papercut art", "paper craft")),
    "comic": Style(_comic, ("a comic of", "a comic book drawing of"), ("comic book style", "comic", "pop art")),
    "black and white": Style(_black_and_white, ("a black and white picture of", "a black and white photo of"),
                             ("black and white", "monochrome", "grayscale"),
                            repaints=True, colourless=True),
    "old photo": Style(_old_photo, ("an old photo of", "a vintage photo of"), ("old photo", "vintage", "sepia"),
                      repaints=True, colourless=True),
}  # fmt: skip


def apply_style(picture: Image.Image, name: str, rng: random.Random) -> Image.Image:
    """`picture` (RGB) in the style called `name` in `STYLES`."""
    return STYLES[name].apply(picture, rng)
