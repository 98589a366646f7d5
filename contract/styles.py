"""Styles by number: every `--sref 762351716` is a mixture of ways to make a picture, the same one for ever.

A number picks a medium, a palette, sometimes a light and an age from the tables below, each with a share. What is
picked is mixed in the embedding space of whatever model draws (`model.request.Prompt.styles`), so a number works with
all that read words. The tables are frozen: a changed word would change styles that people have written down.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

_MEDIA = (
    *("watercolor", "oil painting", "pencil sketch", "pixel art", "charcoal drawing", "ink drawing", "pastel drawing"),
    *(
        "gouache painting",
        "woodcut print",
        "linocut print",
        "risograph print",
        "screen print",
        "mosaic",
        "stained glass",
    ),
    *("paper cutout", "collage", "embroidery", "clay figure", "low poly render", "isometric render", "line art"),
    *("comic book panel", "anime drawing", "children's book illustration", "botanical illustration", "blueprint"),
    *("fresco", "ukiyo-e print", "art deco poster", "vintage photograph", "polaroid photo", "film still"),
)
_PALETTES = (
    *("muted earth tones", "pastel colors", "neon colors", "black and white", "sepia tones", "deep blues and golds"),
    *("warm reds and oranges", "cool greens and teals", "high contrast colors", "faded colors", "a limited palette"),
    *("vivid primary colors", "pink and purple haze", "monochrome blue", "autumn colors", "candy colors"),
)
_LIGHTS = (
    *("soft morning light", "golden hour light", "dramatic side light", "moonlight", "overcast light", "backlight"),
    *("candlelight", "harsh noon light", "misty light", "studio light", "neon glow", "dappled light"),
)
_AGES = ("1920s", "1950s", "1970s", "1980s", "medieval", "baroque", "art nouveau", "bauhaus", "futuristic", "folk art")


def style_of(number: int, system: int = 1) -> tuple[tuple[str, float], ...]:
    """The phrases that a style's number stands for, with shares that sum to 1, the largest first.

    `system` is the number of `--sv`: each has styles of its own.
    """
    chance = random.Random(hashlib.sha256(f"{system}:{number}".encode()).digest())
    picked = [_one(chance, _MEDIA), _one(chance, _PALETTES)]
    if chance.random() < 0.6:
        picked.append(_one(chance, _LIGHTS))
    if chance.random() < 0.4:
        picked.append(_one(chance, _AGES))
    shares = [base * (0.7 + 0.6 * chance.random()) for base in (1.0, 0.7, 0.45, 0.45)[: len(picked)]]
    whole = sum(shares)
    mixed = zip(picked, (round(share / whole, 3) for share in shares), strict=True)
    return tuple(sorted(mixed, key=lambda phrase: -phrase[1]))


def _one(chance: random.Random, phrases: Sequence[str]) -> str:
    """One of them; only `Random.random` promises the same numbers in every version of Python."""
    return phrases[int(chance.random() * len(phrases))]
