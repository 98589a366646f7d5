"""Stage 1, scenes: things and people put into places, at a time, in some weather, in a style, each with its caption.

`SceneComposer` draws what `compose.Composer` cannot: it uses the same icons, but on a canvas of `places.SIDE` pixels,
on which things stand on the ground, next to, on, under or in front of each other. A filter of `styles` may follow. The
caption is written from what was drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from . import people, places, styles
from .captions import Thing, decorate, name_thing
from .compose import Composer, Mixture, Scene
from .data import IconData
from .people import People
from .places import SIDE, Place

PARTS = 8  # a side of what `Scene.covered` counts: a latent each
RELATIONS: dict[str, tuple[str, ...]] = {
    "beside": ("next to", "beside", "and", "near", "with"),
    "on": ("on", "on top of", "sitting on"),
    "under": ("under", "below"),
    "before": ("in front of",),
    "above": ("above", "over", "flying over"),
}


@dataclass(frozen=True)
class SceneMixture:
    """Shares of the pictures; what is left are the plain pictures of `compose.Mixture`."""

    plain: Mixture = field(default_factory=Mixture)
    scenes: float = 0.34
    empty_places: float = 0.08
    people: float = 0.13
    two_things: float = 0.12  # of the scenes
    people_in_places: float = 0.4  # of the people; the others stand before one colour
    cleared: bool = False  # places are out of focus behind what stands in them, and as bright as by day it is itself
    sides: tuple[float, float] = (206, 230)  # how wide one thing in a place is drawn
    styled: float = 0.34  # of all pictures
    words: float = 0.3  # captions with words that change nothing ("cute", "highly detailed")


class SceneComposer:
    """Draws training pictures of every kind at one size, at random but repeatably.

    `synonyms` are other words for a noun (from WordNet), used in a part of the captions.
    """

    def __init__(
        self,
        icons: IconData,
        persons: People,
        mixture: SceneMixture,
        size: int,
        synonyms: dict[str, Sequence[str]] | None = None,
    ) -> None:
        self.mixture, self.size = mixture, size
        self.plain = Composer(icons, mixture.plain, SIDE)
        self.persons = persons
        self.synonyms = synonyms or {}

    def draw(self, rng: random.Random) -> tuple[np.ndarray, Scene]:
        """One picture (S, S, 3) uint8 and what it shows."""
        share, mixture = rng.random(), self.mixture
        if share < mixture.scenes:
            picture, scene, subject = self._draw_scene(rng)
        elif share < mixture.scenes + mixture.empty_places:
            picture, scene, subject = self._draw_empty_place(rng)
        elif share < mixture.scenes + mixture.empty_places + mixture.people:
            picture, scene, subject = self._draw_person(rng)
        else:
            pixels, scene = self.plain.draw(rng)
            picture, subject = Image.fromarray(pixels), self._with_synonym(scene.caption, scene, rng)
        if scene.style is None and rng.random() < mixture.styled * (0.4 if len(scene.concepts) > 1 else 1):
            name = rng.choice(list(styles.STYLES))
            picture = styles.apply_style(picture, name, rng)
            scene, subject = _in_style(scene, subject, name)
        picture = picture.resize((self.size, self.size), Image.Resampling.BOX)
        style = styles.STYLES.get(scene.style or "")
        caption = decorate(subject, style.kinds if style else (), style.endings if style else (), rng, mixture.words)
        return np.asarray(picture), replace(scene, caption=caption)

    # ---- kinds of pictures: each gives the picture on the large canvas, what it shows, and its subject in words

    def _draw_scene(self, rng: random.Random) -> tuple[Image.Image, Scene, str]:
        name, place, time, weather = self._pick_place(rng)
        canvas = self._draw_around(name, time, rng)
        covered: tuple[int, ...] = ()
        if rng.random() < self.mixture.two_things:
            things, concepts, relation = self._put_two(canvas, place, time, rng)
        else:
            thing, concept, covered = self._put_one(canvas, place, time, rng)
            things, concepts, relation = [thing], (concept,), None
        canvas = places.add_weather(canvas, weather, rng)
        words = [name_thing(replace(thing, noun=self._synonym(thing.noun, rng))) for thing in things]
        subject = f" {rng.choice(RELATIONS[relation])} ".join(words) if relation else words[0]
        subject = f"{subject} {self._where(place, time, weather, rng)}"
        colours = tuple(thing.colour for thing in things)
        scene = Scene("", concepts, colours, None, None, name, time, weather, relation, covered=covered)
        return canvas, scene, subject

    def _draw_empty_place(self, rng: random.Random) -> tuple[Image.Image, Scene, str]:
        name, place, time, weather = self._pick_place(rng)
        canvas = places.add_weather(places.draw_place(name, time, rng), weather, rng)
        said = rng.choice(place.alone)
        dark = place.timed and time == "night" and rng.random() < 0.3
        said = f"dark {said}" if dark else said
        article = "an " if said[0] in "aeiou" else "a "
        said = said if said.endswith("s") or said == "outer space" else article + said
        if place.timed and time == "sunset" and rng.random() < 0.35:
            subject = f"a {rng.choice(('sunset', 'sunrise'))} over {said}"
        else:
            when = "" if dark else self._when(place, time, weather, rng)
            subject = f"{said} {when}".strip()
        return canvas, Scene("", (), (), None, None, name, time, weather, None), subject

    def _draw_person(self, rng: random.Random) -> tuple[Image.Image, Scene, str]:
        number = rng.randrange(len(self.persons.traits))
        words, said = people.describe(self.persons.traits[number], rng)
        icon = Image.fromarray(self.persons.pictures[number])
        scene = Scene("", (), (), None, None, person=said)
        if rng.random() < self.mixture.people_in_places:
            name, place, time, weather = self._pick_place(rng)
            canvas = self._draw_around(name, time, rng)
            # As large, and where they stand before one colour, or faces would have to be learned once more.
            foot, side = (SIDE / 2 + rng.gauss(0, 4), SIDE + 1), rng.uniform(218, 245)
            put(canvas, icon, foot, side, dim=self._light(place, time))
            canvas = places.add_weather(canvas, weather, rng)
            scene = replace(scene, place=name, time=time, weather=weather)
            return canvas, scene, f"{words} {self._where(place, time, weather, rng)}"
        pixels, background = self.plain.background(rng, set())
        canvas = Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))
        put(canvas, icon, (SIDE / 2 + rng.gauss(0, 3), SIDE + 1), rng.uniform(235, 256))
        subject = rng.choice(("", "", *people.OPENINGS)) + words
        if background is not None and rng.random() < 0.85:
            subject += f" on {'an' if background[0] in 'aeiou' else 'a'} {background} background"
        return canvas, replace(scene, background=background), subject

    # ---- parts

    def _pick_place(self, rng: random.Random) -> tuple[str, Place, str, str]:
        name = rng.choice(list(places.PLACES))
        place = places.PLACES[name]
        time = rng.choices(places.TIMES, (0.5, 0.22, 0.28))[0] if place.timed else "day"
        return name, place, time, rng.choice(place.weathers)

    def _put_one(
        self, canvas: Image.Image, place: Place, time: str, rng: random.Random
    ) -> tuple[Thing, int, tuple[int, ...]]:
        """What was put there, and which share of each part of the picture it covers."""
        concept = self.plain.pick_concept(rng)
        thing, icon = self._thing(concept, rng)
        # As large, and where it stands in a plain picture: a latent is an eighth of a small picture wide, so what is
        # smaller becomes a blob, and what stands elsewhere has to be learned once more.
        side = rng.uniform(*self.mixture.sides)
        centre = (SIDE / 2 + rng.gauss(0, 5), SIDE / 2 + rng.uniform(0, 10))
        covered = put_centred(canvas, icon, centre, side, dim=self._light(place, time), shadow=not place.floating)
        return thing, concept, covered

    def _put_two(
        self, canvas: Image.Image, place: Place, time: str, rng: random.Random
    ) -> tuple[list[Thing], tuple[int, ...], str]:
        first, second = self.plain.pick_pair(rng)
        (thing, icon), (other, partner) = self._thing(first, rng), self._thing(second, rng)
        relation = rng.choices(list(RELATIONS), (0.6, 0.14, 0.06, 0.1, 0.1))[0]
        light, foot = self._light(place, time), rng.uniform(222, 244) - (40 if place.floating else 0)
        low, small, standing = rng.uniform(116, 134), rng.uniform(90, 110), not place.floating
        middle = rng.uniform(110, 146)
        if relation == "beside":
            put(canvas, icon, (rng.uniform(60, 78), foot), low, shadow=standing, dim=light)
            put(canvas, partner, (rng.uniform(178, 196), foot), low, shadow=standing, dim=light)
        elif relation in ("on", "above"):
            put(canvas, partner, (middle, foot), low, shadow=standing, dim=light)
            gap = 0.72 * low if relation == "on" else low + rng.uniform(14, 26)
            put(canvas, icon, (middle, foot - gap), small, dim=light)
        elif relation == "under":
            put(canvas, partner, (middle, foot - 86), low, dim=light)
            put(canvas, icon, (middle, foot), small, shadow=standing, dim=light)
        else:
            put(canvas, partner, (middle, foot - 26), low * 1.35, shadow=standing, dim=light)
            put(canvas, icon, (middle + rng.choice((-34, 34)), foot), small, shadow=standing, dim=light)
        return [thing, other], (first, second), relation

    def _thing(self, concept: int, rng: random.Random) -> tuple[Thing, Image.Image]:
        pixels, colour, noun = self.plain.pick_painted(concept, rng)
        return Thing(noun, colour), Image.fromarray(np.ascontiguousarray(pixels))

    def _light(self, place: Place, time: str) -> float:
        """How bright a thing is there: between its own brightness and that of the ground, so that it is still seen."""
        return 0.5 + 0.5 * places.DIMMED[time] if place.timed and not self.mixture.cleared else 1.0

    def _draw_around(self, name: str, time: str, rng: random.Random) -> Image.Image:
        """A place for something to stand in."""
        canvas = places.draw_place(name, time, rng)
        return clear(canvas) if self.mixture.cleared else canvas

    def _when(self, place: Place, time: str, weather: str, rng: random.Random) -> str:
        said = []
        if place.timed and rng.random() < {"day": 0.2, "sunset": 0.93, "night": 0.93}[time]:
            said.append(rng.choice(places.TIME_WORDS[time]))
        if weather in places.WEATHER_WORDS and rng.random() < 0.8:
            said.append(rng.choice(places.WEATHER_WORDS[weather]))
        return " ".join(said)

    def _where(self, place: Place, time: str, weather: str, rng: random.Random) -> str:
        parts = [rng.choice(place.inside), self._when(place, time, weather, rng)]
        if rng.random() < 0.15:
            parts.reverse()
        return " ".join(part for part in parts if part)

    def _synonym(self, noun: str, rng: random.Random) -> str:
        known = self.synonyms.get(noun)
        return rng.choice(list(known)) if known and rng.random() < 0.3 else noun

    def _with_synonym(self, caption: str, scene: Scene, rng: random.Random) -> str:
        for concept in scene.concepts:
            noun = self.plain.data.concepts[concept].names[0]
            if f" {noun}" in caption:
                caption = caption.replace(f" {noun}", f" {self._synonym(noun, rng)}", 1)
        return caption


def _in_style(scene: Scene, subject: str, name: str) -> tuple[Scene, str]:
    """What a picture shows, and its subject in words, when it was made over in a style."""
    style = styles.STYLES[name]
    background = None if style.repaints else scene.background
    colours = tuple(None for _ in scene.colours) if style.colourless else scene.colours
    return replace(scene, style=name, background=background, colours=colours), style.still_true(subject)


def clear(canvas: Image.Image) -> Image.Image:
    """A place whose middle is out of focus, so that what stands there is seen as well as before a plain ground."""
    across = np.hypot(*(np.indices(canvas.size) - SIDE / 2)) / (SIDE / 2)
    sharp = Image.fromarray((255 * ((across - 0.6) / 0.35).clip(0, 1)).astype(np.uint8))
    return Image.composite(canvas, canvas.filter(ImageFilter.GaussianBlur(SIDE / 6)), sharp)


def put_centred(
    canvas: Image.Image, icon: Image.Image, centre: tuple[float, float], side: float, dim: float, shadow: bool
) -> tuple[int, ...]:
    """Paste an RGBA icon, `side` pixels wide, with its middle at `centre` (x, y). Returns how much of each of 8x8 parts
    of the canvas it covers, in percent, row by row."""
    left, top = round(centre[0] - side / 2), round(centre[1] - side / 2)
    bounds = icon.getchannel("A").point(lambda value: 255 if value > 40 else 0).getbbox() or (0, 0, *icon.size)
    foot = top + bounds[3] * round(side) / icon.height
    put(canvas, icon, (centre[0], foot), side, shadow=shadow, dim=dim)
    alpha = Image.new("L", canvas.size, 0)
    alpha.paste(icon.getchannel("A").resize((round(side), round(side)), Image.Resampling.BOX), (left, top))
    shares = np.asarray(alpha.resize((PARTS, PARTS), Image.Resampling.BOX))
    return tuple((shares.astype(int) * 100 // 255).ravel().tolist())


def put(
    canvas: Image.Image,
    icon: Image.Image,
    foot: tuple[float, float],
    side: float,
    shadow: bool = False,
    tilt: float = 0.0,
    dim: float = 1.0,
) -> None:
    """Paste an RGBA icon, `side` pixels wide, so that its lowest visible point stands at `foot` (x, y)."""
    width = round(side)
    sized = icon.resize((width, width), Image.Resampling.HAMMING if width < icon.width else Image.Resampling.BICUBIC)
    if tilt:
        sized = sized.rotate(tilt, Image.Resampling.BICUBIC)
    box = sized.getchannel("A").point(lambda value: 255 if value > 40 else 0).getbbox() or (0, 0, width, width)
    if dim < 1:
        red, green, blue, alpha = sized.split()
        shaded = [band.point(lambda value: int(value * dim)) for band in (red, green, blue)]
        sized = Image.merge("RGBA", (*shaded, alpha))
    x, y = foot
    if shadow:
        cast = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
        ImageDraw.Draw(cast).ellipse((x - width * 0.34, y - width * 0.06, x + width * 0.34, y + width * 0.05),
                                     fill=(0, 0, 0, 70))  # fmt: skip
        canvas.paste(cast, (0, 0), cast)
    canvas.paste(sized, (round(x - width / 2), round(y - box[3])), sized)
