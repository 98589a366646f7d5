"""Pictures for the judge to learn from: places, styles and people drawn by code and sets that training never sees.

Training draws its places with polygons and its styles with its own filters; here, ridges come from noise and every
filter works another way. So what the judge takes for a forest or a sketch is not what one program happens to draw.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

SIDE = 128
TIMES = ("day", "sunset", "night")
PLACES = ("forest", "beach", "desert", "snow", "space", "city", "under water", "mountains", "meadow", "garden", "lake",
          "room")  # fmt: skip
UNTIMED = ("space", "under water", "room")
STYLES = ("watercolor", "pixel art", "pencil sketch", "oil painting", "neon", "blueprint", "paper cut", "comic",
          "black and white", "old photo")  # fmt: skip
PLAIN = "none"  # where there is no place, or no style

Colour = tuple[float, float, float]
Canvas = NDArray[np.float32]  # (SIDE, SIDE, 3), 0..255


def _ridge(chance: np.random.Generator, level: float, height: float, roughness: float) -> NDArray[np.float32]:
    """The height line of hills or peaks: midpoint displacement over the width, as rows from the top, (SIDE,)."""
    line, step = np.zeros(SIDE + 1), SIDE
    line[[0, SIDE]] = chance.normal(0, 0.5, 2)
    size = 1.0
    while step > 1:
        half = step // 2
        line[half::step] = (line[:-1:step] + line[step::step]) / 2 + size * chance.normal(0, 0.5, SIDE // step)
        step, size = half, size * roughness
    line = line[:SIDE] - line.min()
    shape: NDArray[np.float32] = (level - line / max(float(line.max()), 1e-6) * height).astype(np.float32)
    return shape


def _below(line: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.arange(SIDE)[:, None] >= line[None]


def _fade(top: Colour, bottom: Colour) -> Canvas:
    share = np.linspace(0, 1, SIDE, dtype=np.float32)[:, None, None]
    column = np.array(top, np.float32) * (1 - share) + np.array(bottom, np.float32) * share
    return np.broadcast_to(column, (SIDE, SIDE, 3)).copy()


def _vary(colour: Colour, chance: np.random.Generator, spread: float = 16) -> Colour:
    red, green, blue = (float(part + chance.uniform(-spread, spread)) for part in colour)
    return red, green, blue


def _pen(canvas: Canvas, draw: Callable[[ImageDraw.ImageDraw], None]) -> Canvas:
    """Draw with Pillow at twice the size, for soft edges."""
    image = Image.fromarray(canvas.clip(0, 255).astype(np.uint8)).resize((2 * SIDE, 2 * SIDE))
    draw(ImageDraw.Draw(image))
    return np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX)).astype(np.float32)


def _sky(time: str, chance: np.random.Generator) -> Canvas:
    top, bottom = {
        "day": ((135, 200, 250), (225, 240, 250)),
        "sunset": ((70, 60, 120), (250, 130, 70)),
        "night": ((5, 8, 30), (25, 30, 70)),
    }[time]
    canvas = _fade(_vary(top, chance), _vary(bottom, chance))
    x, y, size = chance.uniform(20, 236), chance.uniform(20, 80), chance.uniform(10, 22)
    light = {"day": (255, 235, 130), "sunset": (255, 210, 110), "night": (235, 235, 225)}[time]
    if time == "sunset":
        y += 60
    shown = chance.random() < 0.8

    def lights(pen: ImageDraw.ImageDraw) -> None:
        if time == "night":
            for _ in range(50):
                px, py = chance.uniform(0, 256), chance.uniform(0, 170)
                pen.ellipse((px, py, px + 2, py + 2), fill=(255, 255, 240))
        if shown:
            pen.ellipse((x - size, y - size, x + size, y + size), fill=light)
        for _ in range(int(chance.integers(0, 4)) if time == "day" else 0):
            cx, cy = chance.uniform(0, 256), chance.uniform(20, 90)
            pen.ellipse((cx - 30, cy - 8, cx + 30, cy + 8), fill=(255, 255, 255))
            pen.ellipse((cx - 14, cy - 18, cx + 16, cy + 6), fill=(255, 255, 255))

    return _pen(canvas, lights)


def _lay(canvas: Canvas, line: NDArray[np.float32], colour: Colour) -> None:
    canvas[_below(line)] = colour


def _blobs(
    canvas: Canvas, chance: np.random.Generator, colours: list[Colour], count: int, top: float, size: float
) -> Canvas:
    def draw(pen: ImageDraw.ImageDraw) -> None:
        for _ in range(count):
            x, y, s = chance.uniform(0, 256), chance.uniform(2 * top, 256), chance.uniform(0.6, 1.3) * size
            red, green, blue = colours[int(chance.integers(len(colours)))]
            pen.ellipse((x - s, y - s, x + s, y + s), fill=(int(red), int(green), int(blue)))

    return _pen(canvas, draw)


def draw_place(name: str, time: str, chance: np.random.Generator) -> Canvas:
    """A place by day, at sunset or at night, (SIDE, SIDE, 3) in 0..255."""
    dim = 1.0 if name in UNTIMED else {"day": 1.0, "sunset": 0.7, "night": 0.36}[time]

    def lit(colour: Colour, spread: float = 14) -> Colour:
        red, green, blue = _vary(colour, chance, spread)
        return max(0.0, red * dim), max(0.0, green * dim), max(0.0, blue * dim)

    def whole(colour: Colour) -> tuple[int, int, int]:
        red, green, blue = (int(min(255, part)) for part in colour)
        return red, green, blue

    if name == "space":
        canvas = _fade((6, 6, 18), _vary((28, 14, 48), chance))
        haze = np.asarray(
            Image.fromarray(chance.integers(0, 255, (9, 9), dtype=np.uint8)).resize(
                (SIDE, SIDE), Image.Resampling.BICUBIC
            )
        )
        canvas += haze[..., None] / 255 * np.array(_vary((60, 20, 80), chance, 30), np.float32)
        canvas[chance.random((SIDE, SIDE)) > 0.99] = 255
        x, y, s = chance.uniform(20, 236), chance.uniform(20, 130), chance.uniform(16, 50)
        return _pen(
            canvas,
            lambda pen: pen.ellipse((x - s, y - s, x + s, y + s), fill=whole(_vary((170, 120, 110), chance, 60))),
        )
    if name == "under water":
        canvas = _fade(_vary((90, 200, 230), chance), _vary((0, 60, 120), chance))
        _lay(canvas, _ridge(chance, 116, 8, 0.5), _vary((215, 195, 140), chance))

        def sea(pen: ImageDraw.ImageDraw) -> None:
            for _ in range(6):
                x, h = chance.uniform(0, 256), chance.uniform(40, 90)
                pen.line(
                    [(x + 8 * np.sin(k), 250 - k * h / 8) for k in range(9)],
                    fill=whole(_vary((50, 150, 90), chance, 40)),
                    width=8,
                )
            for _ in range(12):
                x, y, s = chance.uniform(0, 256), chance.uniform(0, 200), chance.uniform(3, 9)
                pen.arc((x - s, y - s, x + s, y + s), 0, 360, fill=(215, 245, 255), width=2)

        return _pen(canvas, sea)
    if name == "room":
        canvas = np.full((SIDE, SIDE, 3), _vary((225, 210, 200), chance, 30), np.float32)
        canvas[90:] = _vary((150, 105, 70), chance)
        x = chance.uniform(20, 150)

        def furnish(pen: ImageDraw.ImageDraw) -> None:
            pen.rectangle((x, 30, x + 80, 110), fill=(170, 210, 240), outline=(255, 255, 255), width=7)
            pen.rectangle((x + 38, 30, x + 42, 110), fill=(255, 255, 255))
            pen.rectangle((0, 174, 256, 182), fill=(245, 240, 235))

        return _pen(canvas, furnish)

    canvas = _sky(time, chance)
    if name == "forest":
        _lay(canvas, _ridge(chance, 84, 20, 0.7), lit((60, 110, 70)))

        def trees(pen: ImageDraw.ImageDraw) -> None:
            for _ in range(16):
                x, foot, h = chance.uniform(0, 256), chance.uniform(180, 214), chance.uniform(90, 170)
                pen.rectangle((x - 5, foot - h * 0.4, x + 5, foot), fill=whole(lit((90, 65, 45))))
                for part in range(4):
                    s = h * (0.26 - 0.05 * part)
                    pen.ellipse(
                        (x - s, foot - h * (0.4 + 0.2 * part), x + s, foot - h * (0.05 + 0.2 * part)),
                        fill=whole(lit((45, 115, 60))),
                    )

        canvas = _pen(canvas, trees)
        _lay(canvas, _ridge(chance, 106, 6, 0.5), lit((80, 140, 75)))
    elif name == "beach":
        _lay(canvas, np.full(SIDE, 62, np.float32), lit((40, 130, 185)))
        canvas[64:96:6] += 26 * dim
        _lay(canvas, _ridge(chance, 100, 8, 0.4), lit((232, 208, 158)))
    elif name == "desert":
        _lay(canvas, _ridge(chance, 84, 18, 0.35), lit((215, 160, 95)))
        _lay(canvas, _ridge(chance, 102, 14, 0.35), lit((235, 185, 115)))
    elif name == "snow":
        _lay(canvas, _ridge(chance, 84, 30, 0.6), lit((180, 195, 220)))
        _lay(canvas, _ridge(chance, 100, 8, 0.4), lit((238, 243, 250), 5))

        def firs(pen: ImageDraw.ImageDraw) -> None:
            for _ in range(4):
                x, foot, h = chance.uniform(0, 256), chance.uniform(188, 214), chance.uniform(50, 90)
                pen.polygon([(x - h * 0.3, foot), (x + h * 0.3, foot), (x, foot - h)], fill=whole(lit((70, 110, 100))))
            for _ in range(50):
                x, y = chance.uniform(0, 256), chance.uniform(0, 256)
                pen.ellipse((x, y, x + 4, y + 4), fill=(255, 255, 255))

        canvas = _pen(canvas, firs)
    elif name == "city":

        def houses(pen: ImageDraw.ImageDraw) -> None:
            for row in range(2):
                x = -10.0
                while x < 256:
                    w, top = chance.uniform(26, 52), chance.uniform(40, 150) + 34 * row
                    pen.rectangle(
                        (x, top, x + w, 256), fill=whole(lit((120 - 25 * row, 125 - 25 * row, 145 - 20 * row)))
                    )
                    for wy in range(int(top) + 8, 214, 14):
                        for wx in range(int(x) + 5, int(x + w) - 6, 10):
                            if chance.random() < 0.55:
                                pen.rectangle(
                                    (wx, wy, wx + 4, wy + 7), fill=(255, 215, 110) if time != "day" else (190, 215, 235)
                                )
                    x += w + 2
            pen.rectangle((0, 208, 256, 256), fill=whole(lit((85, 88, 95))))

        canvas = _pen(canvas, houses)
    elif name == "mountains":
        far, near = _ridge(chance, 92, 62, 0.55), _ridge(chance, 100, 40, 0.55)
        _lay(canvas, far, lit((125, 130, 155)))
        canvas[_below(far) & ~_below(far + 12) & (np.arange(SIDE)[:, None] < 62)] = lit((240, 245, 250), 4)
        _lay(canvas, near, lit((95, 105, 125)))
        _lay(canvas, _ridge(chance, 108, 6, 0.4), lit((90, 150, 85)))
    elif name == "meadow":
        _lay(canvas, _ridge(chance, 84, 14, 0.4), lit((125, 190, 95)))
        _lay(canvas, _ridge(chance, 96, 8, 0.4), lit((95, 170, 75)))
        canvas = _blobs(canvas, chance, [lit((245, 215, 80)), lit((240, 110, 150)), lit((250, 250, 250))], 40, 98, 4)
    elif name == "garden":
        _lay(canvas, np.full(SIDE, 78, np.float32), lit((100, 175, 85)))

        def fence(pen: ImageDraw.ImageDraw) -> None:
            for x in range(-4, 256, 18):
                pen.rectangle((x, 124, x + 11, 184), fill=whole(lit((240, 236, 226), 4)))
            pen.rectangle((0, 138, 256, 146), fill=whole(lit((240, 236, 226), 4)))

        canvas = _pen(canvas, fence)
        canvas = _blobs(canvas, chance, [lit((60, 140, 65)), lit((235, 90, 120)), lit((60, 150, 70))], 26, 88, 10)
        _lay(canvas, _ridge(chance, 108, 4, 0.4), lit((110, 180, 90)))
    elif name == "lake":
        _lay(canvas, _ridge(chance, 74, 20, 0.6), lit((80, 130, 100)))
        _lay(canvas, np.full(SIDE, 76, np.float32), lit((65, 140, 190)))
        canvas[80:100:5, int(chance.integers(0, 60)) : int(chance.integers(70, 128))] += 40 * dim
        _lay(canvas, _ridge(chance, 110, 5, 0.4), lit((100, 160, 85)))
    else:
        raise ValueError(f"there is no place {name}")
    return canvas.clip(0, 255)


def apply_style(picture: Image.Image, name: str, rng: random.Random) -> Image.Image:
    """An RGB picture of SIDE x SIDE pixels in one of `STYLES`."""
    return _FILTERS[name](picture, rng)


def _lines(picture: Image.Image, threshold: int = 18) -> Image.Image:
    """White lines on black where the picture changes."""
    found = picture.convert("L").filter(ImageFilter.SMOOTH).filter(ImageFilter.FIND_EDGES)
    return ImageOps.expand(ImageOps.crop(found, 2), 2, 0).point(lambda value: min(255, max(0, value - threshold) * 5))


def _texture(rng: random.Random, cells: int, depth: float) -> NDArray[np.float32]:
    """Soft lumps around 0, (SIDE, SIDE, 1)."""
    chance = np.random.default_rng(rng.randrange(2**32))
    small = Image.fromarray(chance.integers(0, 255, (cells, cells), dtype=np.uint8))
    lumps = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(np.float32)
    deep: NDArray[np.float32] = ((lumps[..., None] - 127) / 127 * depth).astype(np.float32)
    return deep


def _toned(values: NDArray[Any]) -> Image.Image:
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def _watercolour(picture: Image.Image, rng: random.Random) -> Image.Image:
    soft = ImageEnhance.Color(
        picture.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.GaussianBlur(1.2))
    ).enhance(0.9)
    pale = 255 - (255 - np.asarray(soft).astype(np.float32)) * rng.uniform(0.65, 0.8)
    pale += _texture(rng, 14, 14) + _texture(rng, 40, 6)
    margin = Image.new("L", picture.size, 0)
    ImageDraw.Draw(margin).rounded_rectangle((9, 9, SIDE - 10, SIDE - 10), 18, fill=255)
    rough = np.asarray(margin.filter(ImageFilter.GaussianBlur(6))).astype(np.float32)[..., None] / 255 + _texture(
        rng, 18, 0.3
    )
    share = ((rough - 0.45) * 8).clip(0, 1)
    return _toned(pale * share + np.array((253, 250, 244)) * (1 - share))


def _pixels(picture: Image.Image, rng: random.Random) -> Image.Image:
    cells = rng.choice((14, 18, 22, 28, 32))
    small = picture.resize((cells, cells), Image.Resampling.HAMMING)
    return ImageOps.posterize(small, 3).resize(picture.size, Image.Resampling.NEAREST)


def _pencil(picture: Image.Image, rng: random.Random) -> Image.Image:
    grey = picture.convert("L")
    blurred = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(rng.uniform(2, 5)))
    base, over = np.asarray(grey).astype(np.float32), np.asarray(blurred).astype(np.float32)
    dodged = (base * 255 / (256 - over)).clip(0, 255)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    strokes = 40 * (((x + y) % rng.choice((3, 4, 5))) == 0) * (base < 140)
    return _toned(np.repeat((dodged - strokes)[..., None], 3, -1) * np.array((0.99, 0.985, 0.96)))


def _oil(picture: Image.Image, rng: random.Random) -> Image.Image:
    dabs = picture.filter(ImageFilter.RankFilter(5, rng.choice((8, 12, 16)))).filter(ImageFilter.ModeFilter(5))
    rough = ImageEnhance.Color(dabs).enhance(1.15)
    chance = np.random.default_rng(rng.randrange(2**32))
    strokes = Image.fromarray(chance.integers(90, 166, (SIDE, SIDE), dtype=np.uint8)).filter(ImageFilter.BoxBlur(1))
    relief = np.asarray(strokes.filter(ImageFilter.EMBOSS)).astype(np.float32)[..., None] - 128
    return _toned(np.asarray(rough).astype(np.float32) + relief * 0.8)


def _neon(picture: Image.Image, rng: random.Random) -> Image.Image:
    tube = _lines(picture).filter(ImageFilter.MaxFilter(3))
    vivid = ImageEnhance.Color(picture.filter(ImageFilter.MaxFilter(7))).enhance(3.0)
    lit = ImageChops.multiply(vivid, Image.merge("RGB", (tube,) * 3))
    glow = lit.filter(ImageFilter.GaussianBlur(rng.uniform(2, 4)))
    night = Image.new("RGB", picture.size, (rng.randrange(4, 16), rng.randrange(2, 10), rng.randrange(14, 34)))
    return ImageChops.add(ImageChops.add(night, glow), ImageChops.add(lit, glow))


def _blueprint(picture: Image.Image, rng: random.Random) -> Image.Image:
    paper = Image.new("RGB", picture.size, (rng.randrange(15, 40), rng.randrange(60, 95), rng.randrange(140, 180)))
    pen = ImageDraw.Draw(paper)
    for place in range(0, SIDE, rng.choice((8, 10, 16))):
        pen.line((place, 0, place, SIDE), fill=(60, 105, 180))
        pen.line((0, place, SIDE, place), fill=(60, 105, 180))
    paper.paste((240, 246, 255), (0, 0), _lines(picture))
    return paper


def _paper(picture: Image.Image, rng: random.Random) -> Image.Image:
    sheets = (
        picture.filter(ImageFilter.MedianFilter(5))
        .quantize(6, kmeans=1)
        .convert("RGB")
        .filter(ImageFilter.ModeFilter(7))
    )
    edges = _lines(sheets, 8).filter(ImageFilter.GaussianBlur(1.5))
    shadow = ImageChops.offset(edges, rng.choice((2, 3)), rng.choice((2, 3))).point(lambda value: 255 - value // 3)
    return ImageChops.multiply(sheets, Image.merge("RGB", (shadow,) * 3))


def _comic(picture: Image.Image, rng: random.Random) -> Image.Image:
    inks = ImageEnhance.Color(ImageOps.posterize(picture, 3)).enhance(1.5)
    pitch = rng.choice((3, 4))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    dots = ((x % pitch == 0) & ((y + (x // pitch % 2) * (pitch // 2)) % pitch == 0))[..., None]
    shaded = np.asarray(picture.convert("L"))[..., None] < 180
    inked = np.where(dots & shaded, np.asarray(inks) * 0.55, np.asarray(inks))
    line = np.asarray(_lines(picture, 22).filter(ImageFilter.MaxFilter(3)))[..., None] > 120
    return _toned(np.where(line, 10, inked))


def _grey(picture: Image.Image, rng: random.Random) -> Image.Image:
    return ImageEnhance.Contrast(ImageOps.grayscale(picture)).enhance(rng.uniform(0.9, 1.3)).convert("RGB")


def _sepia(picture: Image.Image, rng: random.Random) -> Image.Image:
    toned = ImageOps.colorize(ImageOps.grayscale(picture), (60, 38, 20), (250, 226, 182), mid=(165, 128, 88))
    edge = Image.radial_gradient("L").resize(picture.size).point(lambda value: 255 - max(0, value - 110))
    return _toned(np.asarray(ImageChops.multiply(toned, Image.merge("RGB", (edge,) * 3))) + _texture(rng, 64, 8))


_FILTERS: dict[str, Callable[[Image.Image, random.Random], Image.Image]] = {
    "watercolor": _watercolour, "pixel art": _pixels, "pencil sketch": _pencil, "oil painting": _oil, "neon": _neon,
    "blueprint": _blueprint, "paper cut": _paper, "comic": _comic, "black and white": _grey, "old photo": _sepia,
}  # fmt: skip
