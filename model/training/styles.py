"""Stage 1, styles: what turns a finished picture into a watercolour, a sketch, pixel art and so on, with its words.

A picture is painted as the finished pictures of the model are (`model.painting`), at 256 x 256 pixels. Nothing there
knows what the picture shows, so any picture can be had in any style, and the style's name is true by construction.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from model.painting import Manner, painted

from .captions import HUES


@dataclass(frozen=True)
class Style:
    """A manner and what people call its result: `kinds` stand before ("a watercolor of"), `endings` after a comma.
    `repaints` says that nothing of the picture's background is left in its result, `colourless` that no colour is."""

    manner: Manner
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


STYLES: dict[str, Style] = {
    "watercolor": Style(Manner("watercolor"), ("a watercolor of", "a watercolor painting of"),
                        ("watercolor", "watercolor painting", "watercolour style")),
    "pixel art": Style(Manner("pixel art"), ("pixel art of", "a pixel art picture of"),
                       ("pixel art", "8-bit", "pixelated style")),
    "pencil sketch": Style(Manner("pencil sketch"), ("a pencil sketch of", "a pencil drawing of", "a sketch of"),
                           ("pencil sketch", "pencil drawing", "hand drawn sketch"),
                          repaints=True, colourless=True),
    "oil painting": Style(Manner("oil painting"), ("an oil painting of", "a painting of"),
                          ("oil painting", "oil on canvas", "impressionist painting")),
    "neon": Style(Manner("neon"), ("a neon sign of", "a neon drawing of"),
                  ("neon", "neon lights", "neon style", "glowing neon"),
                 repaints=True),
    "blueprint": Style(Manner("blueprint"), ("a blueprint of",), ("blueprint", "technical drawing", "blueprint style"),
                      repaints=True, colourless=True),
    "paper cut": Style(Manner("paper cut"), ("a paper cut of", "a paper cutout of"),
                       ("paper cut", "papercut art", "paper craft")),
    "comic": Style(Manner("comic"), ("a comic of", "a comic book drawing of"),
                   ("comic book style", "comic", "pop art")),
    "black and white": Style(Manner(tone="black and white"),
                             ("a black and white picture of", "a black and white photo of"),
                             ("black and white", "monochrome", "grayscale"),
                            repaints=True, colourless=True),
    "old photo": Style(Manner("old photo"), ("an old photo of", "a vintage photo of"),
                       ("old photo", "vintage", "sepia"),
                      repaints=True, colourless=True),
}  # fmt: skip


def apply_style(picture: Image.Image, name: str, rng: random.Random) -> Image.Image:
    """`picture` (RGB) in the style called `name` in `STYLES`."""
    return Image.fromarray(painted(np.asarray(picture), STYLES[name].manner, rng.randrange(2**31)))
