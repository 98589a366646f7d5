"""Stage 1, places: landscapes and rooms drawn by a few lines each, by day, at sunset and at night, in some weather.

A place is drawn on a square canvas whose sides count 256 units, whatever its pixels: `draw_place` gives the picture
and a mask of its ground, on which things can stand. Every number that varies is drawn from the given generator, so
the same generator draws the same place.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 256  # pixels of the canvas, and units of every coordinate below

Colour = tuple[int, int, int]
TIMES = ("day", "sunset", "night")
SKIES: dict[str, tuple[Colour, Colour]] = {
    "day": ((110, 182, 242), (214, 238, 253)),
    "sunset": ((92, 62, 132), (255, 158, 84)),
    "night": ((38, 48, 120), (94, 108, 176)),
}
# A night is blue more than dark: what is nearly black in training becomes murk where guidance takes it further.
DIMMED = {"day": 1.0, "sunset": 0.76, "night": 0.7}
WEATHERS = ("clear", "rain", "snow", "fog")


@dataclass(frozen=True)
class Place:
    """How a place is drawn, how it is called with a thing in it and alone, and what is true of it."""

    draw: Callable[[Brush], None]
    inside: tuple[str, ...]  # "a fox in a forest"
    alone: tuple[str, ...]  # "a forest at night"
    timed: bool = True  # looks different by day and by night
    floating: bool = False  # things hang in it instead of standing
    weathers: tuple[str, ...] = ("clear",)


class Brush:
    """A canvas, the time of day, and the random numbers of one drawing."""

    def __init__(self, rng: random.Random, time: str) -> None:
        self.rng, self.time = rng, time
        self.image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
        self.pen = ImageDraw.Draw(self.image)

    def shade(self, colour: Colour, spread: float = 14) -> Colour:
        """A colour as it looks at this time, a little different every time."""
        light = DIMMED[self.time]
        red, green, blue = (light * (part + self.rng.uniform(-spread, spread)) for part in colour)
        return _bounded(red), _bounded(green), _bounded(blue)

    def fade(self, top: Colour, bottom: Colour) -> None:
        """Fill the canvas from one colour at the top to another at the bottom."""
        share = np.linspace(0, 1, SIDE)[:, None, None]
        column = np.array(top) * (1 - share) + np.array(bottom) * share
        self.image.paste(Image.fromarray(np.broadcast_to(column, (SIDE, SIDE, 3)).astype(np.uint8)))

    def disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        self.pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)

    def sky(self) -> None:
        """The sky of this time, with sun, moon, stars or clouds."""
        rng, (top, bottom) = self.rng, SKIES[self.time]
        self.fade(_jittered(top, rng), _jittered(bottom, rng))
        if self.time == "night":
            self.stars(45, 180)
            if rng.random() < 0.8:
                self.disc(rng.uniform(30, 226), rng.uniform(28, 62), rng.uniform(15, 24), (250, 245, 212))
        elif self.time == "sunset":
            self.disc(rng.uniform(50, 206), rng.uniform(112, 146), rng.uniform(24, 34), (255, 234, 150))
        else:
            if rng.random() < 0.75:
                self.disc(rng.uniform(25, 231), rng.uniform(26, 46), rng.uniform(15, 22), (255, 226, 92))
            for _ in range(rng.randint(0, 3)):
                x, y = rng.uniform(0, SIDE), rng.uniform(20, 82)
                for puff in range(4):
                    self.disc(x + 14 * puff - 14, y + abs(puff - 1.5) * 3, 13 - abs(puff - 1.5) * 3, (250, 252, 255))

    def stars(self, count: int, lowest: float) -> None:
        for _ in range(count):
            self.disc(self.rng.uniform(0, SIDE), self.rng.uniform(0, lowest), self.rng.choice((1, 1.4, 2, 2.8)),
                      (255, 255, self.rng.choice((255, 228, 200))))  # fmt: skip

    def ground(self, level: float, swing: float, colour: Colour) -> None:
        """Hills from one side to the other, filled to the bottom."""
        first, second = (self.rng.uniform(0, 2 * math.pi) for _ in range(2))
        line = [
            (x, level + swing * (0.6 * math.sin(x / 47 + first) + 0.4 * math.sin(x / 23 + second)))
            for x in range(0, SIDE + 8, 8)
        ]
        self.pen.polygon([*line, (SIDE + 8, SIDE), (0, SIDE)], fill=colour)

    def tree(self, x: float, foot: float, height: float, leaves: Colour, conifer: bool) -> None:
        trunk = self.shade((100, 70, 46), 8)
        if conifer:
            self.pen.rectangle((x - height * 0.05, foot - height * 0.3, x + height * 0.05, foot), fill=trunk)
            for storey in range(3):
                width, base = height * (0.32 - 0.08 * storey), foot - height * (0.25 + 0.22 * storey)
                self.pen.polygon([(x - width, base), (x + width, base), (x, base - height * 0.36)], fill=leaves)
        else:
            self.pen.rectangle((x - height * 0.06, foot - height * 0.42, x + height * 0.06, foot), fill=trunk)
            self.pen.ellipse((x - height * 0.3, foot - height, x + height * 0.3, foot - height * 0.32), fill=leaves)

    def flowers(self, count: int, top: float) -> None:
        for _ in range(count):
            colour = self.rng.choice(((250, 220, 80), (250, 120, 150), (255, 255, 255), (200, 130, 230)))
            self.disc(self.rng.uniform(0, SIDE), self.rng.uniform(top, 252), 3.6, self.shade(colour, 6))


def _bounded(value: float) -> int:
    return int(min(255, max(0, value)))


def _jittered(colour: Colour, rng: random.Random, spread: float = 16) -> Colour:
    red, green, blue = (_bounded(part + rng.uniform(-spread, spread)) for part in colour)
    return red, green, blue


def _forest(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    brush.ground(150, 10, brush.shade((70, 128, 75)))
    conifers = rng.random() < 0.5
    for _ in range(rng.randint(12, 20)):
        kind = conifers if rng.random() < 0.8 else not conifers
        brush.tree(rng.uniform(0, SIDE), rng.uniform(158, 186), rng.uniform(70, 140), brush.shade((42, 120, 56)), kind)
    brush.ground(192, 5, brush.shade((95, 158, 80)))


def _beach(brush: Brush) -> None:
    brush.sky()
    brush.pen.rectangle((0, 126, SIDE, SIDE), fill=brush.shade((45, 142, 192)))
    for y in range(134, 186, 9):
        line = [(x, y + 2 * math.sin(x / 9 + y)) for x in range(0, SIDE + 6, 6)]
        brush.pen.line(line, fill=brush.shade((155, 212, 236), 4), width=1)
    brush.ground(186, 4, brush.shade((238, 214, 160)))
    for _ in range(brush.rng.choice((0, 0, 1, 2))):
        _palm(brush, brush.rng.choice((brush.rng.uniform(8, 50), brush.rng.uniform(206, 248))))


def _palm(brush: Brush, x: float) -> None:
    top = brush.rng.uniform(80, 110)
    lean = brush.rng.uniform(-14, 14)
    brush.pen.line([(x, 196), (x + lean * 0.4, 150), (x + lean, top)], fill=brush.shade((128, 92, 56), 6), width=6)
    for angle in range(-200, 21, 44):
        end = (x + lean + 34 * math.cos(math.radians(angle)), top + 22 * math.sin(math.radians(angle)) + 8)
        brush.pen.line([(x + lean, top), end], fill=brush.shade((52, 140, 66), 8), width=6)


def _desert(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    brush.ground(150, 14, brush.shade((226, 170, 100)))
    brush.ground(182, 9, brush.shade((239, 191, 121)))
    for _ in range(rng.randint(0, 3)):
        x, height, colour = rng.uniform(10, 246), rng.uniform(28, 52), brush.shade((60, 130, 70))
        brush.pen.rounded_rectangle((x - 5, 186 - height, x + 5, 192), 5, fill=colour)
        brush.pen.rounded_rectangle((x - 16, 172 - height / 2, x - 9, 184 - height / 4), 3, fill=colour)
        brush.pen.rectangle((x - 14, 179 - height / 4, x, 185 - height / 4), fill=colour)


def _snow(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    brush.ground(142, 26, brush.shade((192, 206, 226)))
    brush.ground(182, 8, brush.shade((240, 245, 252), 6))
    for _ in range(rng.randint(2, 6)):
        x, foot, height = rng.uniform(0, SIDE), rng.uniform(180, 196), rng.uniform(48, 84)
        brush.tree(x, foot, height, brush.shade((66, 114, 96)), True)
        brush.pen.polygon([(x - height * 0.1, foot - height * 0.86), (x + height * 0.1, foot - height * 0.86),
                           (x, foot - height * 1.05)], fill=brush.shade((244, 248, 252), 4))  # fmt: skip


def _space(brush: Brush) -> None:
    rng = brush.rng
    brush.fade(_jittered((32, 26, 88), rng, 8), _jittered((96, 62, 150), rng, 14))
    brush.stars(95, SIDE)
    for _ in range(rng.randint(1, 2)):
        x, y, radius = rng.uniform(20, 236), rng.uniform(20, 118), rng.uniform(12, 38)
        colour = _jittered((180, 122, 96), rng, 70)
        brush.disc(x, y, radius, colour)
        brush.pen.ellipse((x - radius * 0.9, y - radius * 0.9, x + radius * 0.4, y + radius * 0.4),
                          fill=_jittered(colour, rng, 14))  # fmt: skip
        if rng.random() < 0.5:
            brush.pen.arc((x - radius * 1.7, y - radius * 0.5, x + radius * 1.7, y + radius * 0.5), 0, 360,
                          fill=(226, 211, 182), width=3)  # fmt: skip


def _city(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    window: Colour = (206, 226, 240) if brush.time == "day" else (255, 224, 128)
    for wall, base in (((132, 142, 166), 122), ((92, 102, 126), 152)):
        x = -5.0
        while x < SIDE:
            width, top = rng.uniform(18, 40), base - rng.uniform(8, 84)
            brush.pen.rectangle((x, top, x + width, SIDE), fill=brush.shade(wall))
            for row in range(int(top) + 6, 200, 11):
                for column in range(int(x) + 4, int(x + width) - 5, 8):
                    if rng.random() < 0.6:
                        brush.pen.rectangle((column, row, column + 3, row + 5), fill=window)
            x += width + rng.uniform(-2, 4)
    brush.pen.rectangle((0, 202, SIDE, SIDE), fill=brush.shade((98, 101, 108), 6))
    for x in range(int(rng.uniform(-20, 0)), SIDE, 36):
        brush.pen.rectangle((x, 226, x + 18, 229), fill=brush.shade((236, 222, 122), 6))


def _under_water(brush: Brush) -> None:
    rng = brush.rng
    brush.fade(_jittered((72, 192, 222), rng), _jittered((24, 82, 152), rng))
    for _ in range(14):
        x, y, radius = rng.uniform(0, SIDE), rng.uniform(0, 192), rng.uniform(2, 7)
        brush.pen.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(192, 236, 250), width=2)
    brush.ground(218, 6, _jittered((225, 200, 140), rng, 10))
    for _ in range(rng.randint(4, 9)):
        x, colour = rng.uniform(0, SIDE), rng.choice(((60, 150, 90), (232, 112, 122), (240, 152, 82)))
        height = rng.randint(5, 12)
        line = [(x + 6 * math.sin(k / 2), 238 - k * 6) for k in range(height)]
        brush.pen.line(line, fill=_jittered(colour, rng, 10), width=6)


def _mountains(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    for _ in range(rng.randint(3, 5)):
        x, width, height = rng.uniform(0, SIDE), rng.uniform(60, 112), rng.uniform(74, 126)
        brush.pen.polygon([(x - width, 186), (x, 186 - height), (x + width, 186)], fill=brush.shade((122, 127, 152)))
        cap = [(-0.25, 0.75), (0, 1), (0.25, 0.75), (0.08, 0.68), (-0.05, 0.72)]
        brush.pen.polygon([(x + width * across, 186 - height * up) for across, up in cap],
                          fill=brush.shade((245, 248, 252), 4))  # fmt: skip
    brush.ground(186, 6, brush.shade((100, 168, 90)))


def _meadow(brush: Brush) -> None:
    brush.sky()
    brush.ground(152, 14, brush.shade((120, 194, 95)))
    brush.ground(182, 8, brush.shade((100, 180, 80)))
    brush.flowers(brush.rng.randint(16, 40), 190)


def _garden(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    brush.ground(160, 3, brush.shade((92, 172, 80)))
    for x in range(int(rng.uniform(-14, 0)), SIDE, 15):
        brush.pen.rectangle((x, 128, x + 10, 176), fill=brush.shade((246, 242, 232), 3))
    brush.pen.rectangle((0, 140, SIDE, 146), fill=brush.shade((236, 232, 222), 3))
    for _ in range(rng.randint(3, 6)):
        bush = rng.uniform(0, SIDE)
        brush.disc(bush, 176, rng.uniform(14, 24), brush.shade((58, 140, 66)))
        for _ in range(5):
            brush.disc(bush + rng.uniform(-16, 16), 176 + rng.uniform(-14, 8), 4, brush.shade((240, 90, 120), 40))
    brush.ground(196, 3, brush.shade((110, 186, 88)))


def _lake(brush: Brush) -> None:
    rng = brush.rng
    brush.sky()
    brush.ground(128, 14, brush.shade((86, 140, 110)))
    for _ in range(rng.randint(4, 9)):
        brush.tree(rng.uniform(0, SIDE), 140, rng.uniform(28, 46), brush.shade((50, 116, 72)), True)
    brush.pen.rectangle((0, 140, SIDE, SIDE), fill=brush.shade((70, 150, 196)))
    for _ in range(16):
        x, y = rng.uniform(0, SIDE), rng.uniform(148, 200)
        brush.pen.line([(x, y), (x + rng.uniform(14, 44), y)], fill=brush.shade((150, 206, 230), 6), width=2)
    brush.ground(204, 4, brush.shade((104, 166, 86)))


def _room(brush: Brush) -> None:
    rng = brush.rng
    wall = _jittered((234, 214, 190), rng, 30)
    brush.pen.rectangle((0, 0, SIDE, SIDE), fill=wall)
    brush.pen.rectangle((0, 186, SIDE, SIDE), fill=_jittered((166, 116, 76), rng))
    x = rng.uniform(20, 156)
    brush.pen.rectangle((x, 26, x + 76, 108), fill=(250, 250, 250))
    brush.pen.rectangle((x + 5, 31, x + 71, 103), fill=SKIES[brush.time][1])
    brush.pen.line((x + 38, 31, x + 38, 103), fill=(250, 250, 250), width=4)
    brush.pen.ellipse((60, 208, 196, 246), fill=_jittered((190, 82, 82), rng, 50))


OUTDOORS = (*("clear",) * 9, "rain", "snow", "fog")
PLACES: dict[str, Place] = {
    "forest": Place(_forest, ("in a forest", "in the woods", "in the forest", "in the jungle", "among trees"),
                    ("forest", "woods"), weathers=OUTDOORS),
    "beach": Place(_beach, ("on a beach", "at the beach", "by the sea", "on the shore", "by the ocean"),
                   ("beach", "seaside"),
                   weathers=("clear", "clear", "clear", "rain")),
    "desert": Place(_desert, ("in the desert", "in a desert", "on the sand dunes"), ("desert", "sand dunes")),
    "snow": Place(_snow, ("in the snow", "in winter", "in a snowy landscape", "on the ice"),
                  ("snowy landscape", "winter landscape"),
                  weathers=("clear", "snow", "snow")),
    "space": Place(_space, ("in space", "in outer space", "among the stars", "in the universe"),
                   ("outer space", "galaxy"), timed=False,
                   floating=True),
    "city": Place(_city, ("in a city", "on a street", "in the city", "in town", "on the road"),
                  ("city", "city street", "skyline"),
                  weathers=OUTDOORS),
    "under water": Place(_under_water, ("under water", "underwater", "at the bottom of the sea", "in the ocean",
                                        "in the sea"),
                         ("underwater scene", "ocean floor"), timed=False, floating=True),
    "mountains": Place(_mountains, ("in the mountains", "in front of mountains", "on a mountain", "on a hill"),
                       ("mountain range", "mountain landscape"), weathers=OUTDOORS),
    "meadow": Place(_meadow, ("in a meadow", "in a field of flowers", "on the grass", "on a farm",
                              "in the countryside"),
                    ("meadow", "field of flowers"),
                    weathers=("clear", "clear", "clear", "rain")),
    "garden": Place(_garden, ("in a garden", "in the garden", "in a park", "in the backyard"),
                    ("garden", "flower garden")),
    "lake": Place(_lake, ("by a lake", "by the river", "at a lake", "on a lake", "by a pond"),
                  ("lake", "river landscape"),
                  weathers=("clear", "clear", "fog", "rain")),
    "room": Place(_room, ("in a room", "in a house", "in the living room", "in the kitchen", "at home"),
                  ("room", "living room"), timed=False),
}  # fmt: skip
TIME_WORDS: dict[str, tuple[str, ...]] = {
    "day": ("on a sunny day", "during the day", "in daylight"),
    "sunset": ("at sunset", "at dusk", "at sunrise", "in the evening"),
    "night": ("at night", "under the stars", "in the moonlight", "at midnight", "in the dark"),
}
WEATHER_WORDS: dict[str, tuple[str, ...]] = {
    "rain": ("in the rain", "on a rainy day"),
    "snow": ("while it snows", "in falling snow"),
    "fog": ("in the fog", "on a foggy day"),
}


def draw_place(name: str, time: str, rng: random.Random) -> Image.Image:
    """A place by its name in `PLACES` at a time of `TIMES`: an RGB picture of SIDE x SIDE pixels, weather not yet."""
    brush = Brush(rng, time)
    PLACES[name].draw(brush)
    return brush.image


def add_weather(picture: Image.Image, weather: str, rng: random.Random) -> Image.Image:
    """What falls or hangs before everything else: rain, snow or fog; `clear` changes nothing."""
    if weather == "clear":
        return picture
    if weather == "fog":
        veil = Image.new("RGB", picture.size, (214, 219, 224))
        return Image.blend(picture.filter(ImageFilter.GaussianBlur(1.2)), veil, rng.uniform(0.42, 0.58))
    fallen = (
        Image.blend(picture, Image.new("RGB", picture.size, (96, 106, 122)), 0.28)
        if weather == "rain"
        else picture.copy()
    )
    pen = ImageDraw.Draw(fallen)
    for _ in range(rng.randint(90, 150)):
        x, y = rng.uniform(0, SIDE), rng.uniform(0, SIDE)
        if weather == "rain":
            pen.line([(x, y), (x - 4, y + rng.uniform(10, 20))], fill=(200, 218, 235), width=1)
        else:
            flake = rng.uniform(1.2, 3)
            pen.ellipse((x - flake, y - flake, x + flake, y + flake), fill=(255, 255, 255))
    return fallen
