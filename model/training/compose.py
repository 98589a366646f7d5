"""Stage 1, pictures: icons pasted on backgrounds, repainted and paired, each with its caption.

`compose` makes a set of training pictures from rendered icons. What is shown, in which colour, on what, is drawn
first; the caption is then written from exactly that, so words and pixels agree.
"""

from __future__ import annotations

import colorsys
import json
import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .captions import BACKGROUNDS, HUES, Thing, write_caption
from .data import FLAGS_GROUP, IconData, set_weights, styles_of
from .nouns import HELD_OUT_PAIRS, PAIRABLE
from .people import Traits

SYMBOLS_GROUP = 8
# Where things alike stand, as shares of the picture (x, y), by how many they are.
PLACES_ALIKE = {2: ((0.26, 0.5), (0.74, 0.5)), 3: ((0.5, 0.27), (0.27, 0.73), (0.73, 0.73))}


@dataclass(frozen=True)
class Mixture:
    """What training pictures are made of; all shares lie in 0..1."""

    breadth: float = 0.0  # share of pictures from the long tail of concepts that no noun list names
    only: tuple[str, ...] = ()  # practise only these of nouns.PRACTISED; empty: all of them
    emphasis: tuple[tuple[str, float], ...] = ()  # nouns drawn more or less often than 1.0
    two_objects: float = 0.16
    alike: float = 0.06  # "two cats", "three stars": the same icon several times
    repainted: float = 0.22  # objects painted in another hue, which the caption names
    natural_colour: float = 0.25  # of the others: the object's own main colour is named
    white: float = 0.5  # plain white backgrounds; the rest are coloured, and named
    gradient: float = 0.3  # of the coloured ones
    styled: float = 0.35  # captions that name the style
    moved: float = 0.2  # single objects shown smaller and off centre
    mirrored: float = 0.2


@dataclass(frozen=True)
class Scene:
    """One training picture in words. `concepts` are what it shows, left to right; colours and style as captioned."""

    caption: str
    concepts: tuple[int, ...]
    colours: tuple[str | None, ...]
    background: str | None
    style: str | None
    place: str | None = None  # of places.PLACES, with time and weather
    time: str | None = None
    weather: str | None = None
    relation: str | None = None  # of scenes.RELATIONS, between two things
    person: Traits | None = None  # what the caption says of a person
    covered: tuple[int, ...] = ()  # how much of each of 8x8 parts its one thing covers, in percent, row by row

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Scene:
        """A scene from its JSON."""
        person = Traits(**row["person"]) if row["person"] else None
        lists = {name: tuple(row.get(name, ())) for name in ("concepts", "colours", "covered")}
        return cls(**row | lists | {"person": person})


class Composer:
    """Draws training pictures of one size from icons, at random but repeatably."""

    def __init__(self, data: IconData, mixture: Mixture, size: int) -> None:
        self.data, self.mixture, self.size = data, mixture, size
        self.icons_of = data.icons_of()
        self.main_colours: dict[int, str | None] = {}
        weight_of_set = set_weights({icon.set_name for icon in data.icons})
        self.icon_weight = [weight_of_set[icon.set_name] for icon in data.icons]
        emphasis = dict(mixture.emphasis)
        self.practised, self.practised_weights = self._weighted(
            (number, emphasis.get(concept.names[0], 1.0))
            for number, concept in enumerate(data.concepts)
            if concept.practised is not None and (not mixture.only or concept.names[0] in mixture.only)
        )
        # People, symbols and flags are numerous and alike: drawn less often than things.
        self.others, self.other_weights = self._weighted(
            (number, {1: 0.25, SYMBOLS_GROUP: 0.35, FLAGS_GROUP: 0.3}.get(concept.group, 1.0))
            for number, concept in enumerate(data.concepts)
            if concept.practised is None
        )
        names = {data.concepts[number].names[0]: number for number in self.practised}
        self.pairable = [names[noun] for noun in PAIRABLE if noun in names] or self.practised

    def _weighted(self, numbers: Iterable[tuple[int, float]]) -> tuple[list[int], list[float]]:
        kept = [(number, weight) for number, weight in numbers if self.icons_of[number] and weight > 0]
        return [number for number, _ in kept], [weight for _, weight in kept]

    def draw(self, rng: random.Random) -> tuple[np.ndarray, Scene]:
        """One picture (S, S, 3) uint8 and what it shows."""
        kind = rng.random()
        if kind < self.mixture.two_objects:
            return self._draw_pair(rng)
        several = kind < self.mixture.two_objects + self.mixture.alike
        return self._draw_one(rng, count=rng.choice((2, 2, 3)) if several else 1)

    def pick_concept(self, rng: random.Random) -> int:
        """A concept, as often as its weight says."""
        wide = rng.random() < self.mixture.breadth and self.others
        return rng.choices(*((self.others, self.other_weights) if wide else (self.practised, self.practised_weights)))[
            0
        ]

    def pick_pair(self, rng: random.Random) -> tuple[int, int]:
        """Two concepts that stay recognisable at half size, and may be shown together."""
        while True:
            first, second = rng.sample(self.pairable, 2) if len(self.pairable) > 1 else self.pairable * 2
            if (
                frozenset((self.data.concepts[first].names[0], self.data.concepts[second].names[0]))
                not in HELD_OUT_PAIRS
            ):
                return first, second

    def pick_painted(self, concept: int, rng: random.Random) -> tuple[np.ndarray, str | None, str]:
        """An icon of a concept (S, S, 4), perhaps repainted; the colour to name, if any; and the concept's noun."""
        pixels, colour = self._paint(self._pick_icon(concept, rng), concept, rng, self.mixture.repainted)
        return pixels, colour, self._noun(concept, rng)

    def _draw_one(self, rng: random.Random, count: int) -> tuple[np.ndarray, Scene]:
        concept = self.pick_concept(rng)
        if count > 1:
            concept = rng.choice(self.pairable)
        icon = self._pick_icon(concept, rng)
        pixels, colour = self._paint(icon, concept, rng, self.mixture.repainted)
        canvas, background = self.background(rng, {colour or self._main_colour(icon)})
        if count > 1:
            for place in PLACES_ALIKE[count]:
                paste(canvas, pixels, (0.48 if count == 2 else 0.44) * self.size, place)
        elif rng.random() < self.mixture.moved and not self._is_flat(concept):
            scale = rng.uniform(0.55, 0.85)
            paste(canvas, pixels, scale * self.size, (_within(scale, rng), _within(scale, rng)))
        else:
            paste(canvas, pixels, 0.9 * self.size, (0.5, 0.5))
        thing = Thing(self._noun(concept, rng), colour, count)
        return self._finish(canvas, [thing], (concept,), background, self.data.icons[icon].set_name, rng)

    def _draw_pair(self, rng: random.Random) -> tuple[np.ndarray, Scene]:
        first, second = self.pick_pair(rng)
        icon = self._pick_icon(first, rng)
        set_name = self.data.icons[icon].set_name
        partners = [number for number in self.icons_of[second] if self.data.icons[number].set_name == set_name]
        partner = rng.choice(partners) if partners else self._pick_icon(second, rng)
        shown = (icon, first, 0.26), (partner, second, 0.74)
        painted = [self._paint(number, concept, rng, self.mixture.repainted) for number, concept, _ in shown]
        seen = {colour or self._main_colour(number) for (_, colour), (number, _, _) in zip(painted, shown, strict=True)}
        canvas, background = self.background(rng, seen)
        things = []
        for (pixels, colour), (_, concept, place) in zip(painted, shown, strict=True):
            paste(canvas, pixels, 0.48 * self.size, (place, 0.5))
            things.append(Thing(self._noun(concept, rng), colour))
        return self._finish(canvas, things, (first, second), background, set_name, rng)

    def _finish(
        self, canvas: Any, things: Any, concepts: Any, background: Any, set_name: Any, rng: Any
    ) -> tuple[np.ndarray, Scene]:
        styles = styles_of(set_name)
        style = rng.choice(styles) if styles and rng.random() < self.mixture.styled else None
        caption = write_caption(things, background, style, rng)
        picture = canvas.round().clip(0, 255).astype(np.uint8)
        return picture, Scene(caption, concepts, tuple(thing.colour for thing in things), background, style)

    def _pick_icon(self, concept: int, rng: random.Random) -> int:
        numbers = self.icons_of[concept]
        return rng.choices(numbers, [self.icon_weight[number] for number in numbers])[0]

    def _noun(self, concept: int, rng: random.Random) -> str:
        names = self.data.concepts[concept].names
        return names[0] if len(names) == 1 or rng.random() < 0.75 else rng.choice(names[1:])

    def _is_flat(self, concept: int) -> bool:
        """Flags and symbols: their colours and their side are their meaning."""
        known = self.data.concepts[concept]
        return known.group in (SYMBOLS_GROUP, FLAGS_GROUP) or known.names[0].startswith("flag of")

    def _paint(self, icon: int, concept: int, rng: random.Random, share: float) -> tuple[np.ndarray, str | None]:
        """The icon's pixels, perhaps mirrored and repainted, and the colour to name (None: leave it unsaid)."""
        pixels = self.data.pictures[icon]
        if self._is_flat(concept):
            return pixels, None
        if rng.random() < self.mixture.mirrored:
            pixels = pixels[:, ::-1]
        if rng.random() < share:
            colour = rng.choice(list(HUES))
            painted, covered = repaint(pixels, HUES[colour])
            if covered > 0.35:
                return painted, colour
        if rng.random() < self.mixture.natural_colour:
            return pixels, self._main_colour(icon)
        return pixels, None

    def _main_colour(self, icon: int) -> str | None:
        if icon not in self.main_colours:
            self.main_colours[icon] = main_colour(self.data.pictures[icon])
        return self.main_colours[icon]

    def background(self, rng: random.Random, avoid: Collection[str | None]) -> tuple[np.ndarray, str | None]:
        """A float canvas (S, S, 3) and its name; white is named seldom, colours always. An object on a background of
        its own colour would be hard to see, so the colours in `avoid` are left out."""
        if rng.random() < self.mixture.white:
            return np.full((self.size, self.size, 3), 255.0, np.float32), "white" if rng.random() < 0.15 else None
        name = rng.choice([name for name in BACKGROUNDS if name not in avoid])
        colour = np.array(BACKGROUNDS[name], np.float32) + np.array([rng.uniform(-8, 8) for _ in range(3)], np.float32)
        canvas = np.broadcast_to(colour, (self.size, self.size, 3)).copy()
        if rng.random() < self.mixture.gradient:
            other = colour * 0.45 + 255 * 0.55 if rng.random() < 0.6 else colour * 0.6
            slope = np.linspace(0, 1, self.size, dtype=np.float32)[:, None, None]
            canvas = canvas * (1 - slope) + other * slope
            name += " gradient"
        return canvas.clip(0, 255), name


def _within(scale: float, rng: random.Random) -> float:
    """A centre at which an object of this size stays inside the picture."""
    return 0.5 + rng.uniform(-0.5, 0.5) * (1 - scale)


def paste(canvas: np.ndarray, pixels: np.ndarray, side: float, centre: tuple[float, float]) -> None:
    """Blend straight-alpha `pixels` onto the canvas, `side` pixels wide, centred at a share of the canvas (x, y)."""
    # Pillow premultiplies RGBA itself while resizing; HAMMING does not ring, so edges get no pale fringe.
    size, side = canvas.shape[0], round(side)
    resized = Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.HAMMING)
    small = np.asarray(resized).astype(np.float32)
    alpha = small[..., 3:] / 255
    left, top = (round(share * size - side / 2) for share in centre)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(size, left + side), min(size, top + side)
    seen = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    canvas[y0:y1, x0:x1] = canvas[y0:y1, x0:x1] * (1 - alpha[seen]) + small[..., :3][seen] * alpha[seen]


def repaint(pixels: np.ndarray, hue: float) -> tuple[np.ndarray, float]:
    """Turn every coloured pixel to `hue`, keeping light and shade. Also says which share of the object was coloured."""
    rgb = pixels[..., :3].astype(np.float32) / 255
    value = rgb.max(-1)
    saturation = (value - rgb.min(-1)) / np.maximum(value, 1e-6)
    coloured = saturation > 0.18
    saturation = np.where(coloured, np.clip(np.maximum(saturation, 0.5) * 1.05, 0, 1), saturation * 0.3)
    # colorsys gives the pure colour; grey is mixed in by saturation, dark by value.
    pure = np.array(colorsys.hsv_to_rgb(hue, 1.0, 1.0), np.float32)
    turned = value[..., None] * (1 - saturation[..., None] * (1 - pure))
    painted = pixels.copy()
    painted[..., :3] = (turned * 255).round().clip(0, 255).astype(np.uint8)
    solid = pixels[..., 3] > 128
    return painted, float(coloured[solid].mean()) if solid.any() else 0.0


def main_colour(pixels: np.ndarray) -> str | None:
    """The colour a person would name the object by, or None where no single colour stands out."""
    solid = pixels[..., 3] > 128
    if solid.sum() < 50:
        return None
    rgb = pixels[solid][:, :3].astype(np.float32) / 255
    value, spread = rgb.max(-1), rgb.max(-1) - rgb.min(-1)
    vivid = (spread > 0.3 * value) & (value > 0.25)
    if vivid.mean() < 0.45:
        return "black" if (value < 0.3).mean() > 0.7 else None
    names = [name_hue(*colour) for colour in rgb[vivid]]
    best = max(set(names), key=names.count)
    return best if names.count(best) > 0.6 * len(names) and names.count(best) > 0.4 * solid.sum() else None


def name_hue(red: float, green: float, blue: float) -> str:
    """The name of a vivid colour given in 0..1."""
    hue, _, value = colorsys.rgb_to_hsv(red, green, blue)
    for name, upper in (("red", 0.02), ("orange", 0.105), ("yellow", 0.18), ("green", 0.44), ("teal", 0.53),
                        ("blue", 0.70), ("purple", 0.84), ("pink", 0.955)):  # fmt: skip
        if hue < upper:
            return "brown" if name == "orange" and value < 0.62 else name
    return "red"


class Pictures:
    """Pictures (N, S, S, 3) uint8 in several files, which stay on disk until they are used: read like one array, by a
    slice or by an array of numbers."""

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        self.parts = tuple(parts)
        self.starts = np.cumsum([0, *(len(part) for part in self.parts)])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(len(self))[chosen]
        owners = np.searchsorted(self.starts, numbers, side="right") - 1
        found = np.empty((len(numbers), *self.parts[0].shape[1:]), np.uint8)
        for owner in np.unique(owners):
            mine = owners == owner
            found[mine] = self.parts[owner][numbers[mine] - self.starts[owner]]
        return found


@dataclass(frozen=True)
class PictureSet:
    """Training pictures and what each shows."""

    pictures: Pictures
    scenes: Sequence[Scene]

    def split(self, kept: int) -> tuple[PictureSet, PictureSet]:
        """The set without its last `kept` pictures, and those."""
        *others, last = self.pictures.parts
        return (
            PictureSet(Pictures([*others, last[:-kept]]), self.scenes[:-kept]),
            PictureSet(Pictures([last[-kept:]]), self.scenes[-kept:]),
        )

    @classmethod
    def load(cls, paths: Sequence[Path]) -> PictureSet:
        """Read saved sets as one. OSError or ValueError for files that are missing or damaged."""
        scenes = [Scene.from_row(row) for path in paths for row in json.loads(path.with_suffix(".json").read_text())]
        return cls(Pictures([np.load(path.with_suffix(".npy"), mmap_mode="r") for path in paths]), scenes)


def save_pictures(path: Path, drawn: Sequence[tuple[np.ndarray, Scene]]) -> None:
    """Write `path`.npy and `path`.json; the second is written last and marks the set as whole."""
    np.save(path.with_suffix(".npy"), np.stack([picture for picture, _ in drawn]))
    path.with_suffix(".json").write_text(json.dumps([asdict(scene) for _, scene in drawn]))
