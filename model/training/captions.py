"""Stage 1, words: what is written under a training picture.

A caption names what the picture holds: count or article, colour, noun, background, style. A part that the picture has
may go unnamed now and then, but a part that is named is always there.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .nouns import CORE, LATER, PRACTISED

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 40, 40),
    "orange": (247, 140, 30),
    "yellow": (250, 210, 50),
    "green": (60, 170, 75),
    "teal": (30, 160, 160),
    "blue": (45, 105, 215),
    "purple": (135, 70, 190),
    "pink": (245, 130, 180),
    "brown": (135, 85, 50),
    "black": (25, 25, 28),
    "gray": (135, 138, 142),
}
PASTELS: dict[str, tuple[int, int, int]] = {
    "light blue": (185, 220, 245),
    "light green": (195, 235, 200),
    "light pink": (250, 215, 228),
    "light yellow": (252, 243, 195),
    "beige": (240, 226, 205),
    "light gray": (225, 227, 230),
}
BACKGROUNDS = COLOURS | PASTELS
# Hue of each colour an object can be repainted in, as a share of the colour circle.
HUES: dict[str, float] = {
    "red": 0.0,
    "orange": 0.075,
    "yellow": 0.14,
    "green": 0.35,
    "teal": 0.49,
    "blue": 0.6,
    "purple": 0.77,
    "pink": 0.91,
}
COLOUR_WORD = re.compile(r"\b(red|orange|yellow|green|blue|purple|pink|brown|black|white|gray|grey)\b ?")
NUMBERS = ("zero", "one", "two", "three", "four")


@dataclass(frozen=True)
class Thing:
    """One object in a picture: its noun, the colour to name (or None), and how many of it there are."""

    noun: str
    colour: str | None = None
    count: int = 1


def with_article(phrase: str) -> str:
    """'apple' as 'an apple'; phrases that are plural or already counted stay as they are."""
    first = phrase.split(" ", 1)[0]
    if first in ("the", "a", "an", *NUMBERS):
        return phrase
    if phrase.startswith("flag of"):
        return "the " + phrase
    if re.search(r"(?<![suia])s$", phrase) and first not in ("face",):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def plural(noun: str) -> str:
    """A regular English plural, with the few exceptions among the practised nouns."""
    head, _, rest = noun.partition(" of ") if " of " in noun else noun.partition(" with ")
    joint = noun[len(head) : len(noun) - len(rest)]
    if head in ("fish", "glasses", "scissors", "grapes", "french fries"):
        return noun
    if head.endswith("fe"):
        head = head[:-2] + "ves"
    elif re.search(r"[^aeiou]y$", head):
        head = head[:-1] + "ies"
    elif re.search(r"(s|x|ch|sh)$", head) or head == "tomato":
        head += "es"
    else:
        head += "s"
    return head + joint + rest


def name_thing(thing: Thing) -> str:
    """'a red apple', 'three cats', 'green apples'."""
    noun = thing.noun
    if thing.colour is not None:
        noun = f"{thing.colour} {COLOUR_WORD.sub('', noun) or noun}"
    return f"{NUMBERS[thing.count]} {plural(noun)}" if thing.count > 1 else with_article(noun)


def write_caption(
    things: Sequence[Thing], background: str | None, style: str | None, rng: random.Random, variety: float = 0.4
) -> str:
    """The caption of a picture; the share `variety` of captions is phrased in another way than "a red apple"."""
    caption = " and ".join(name_thing(thing) for thing in things)
    if len(things) == 1 and things[0].count == 1 and rng.random() < variety:
        bare = re.sub(r"^(an?|the) ", "", caption)
        caption = rng.choice(
            (bare, bare, f"a picture of {caption}", f"an illustration of {caption}", f"a drawing of {caption}",
             f"{bare} icon", f"{bare} emoji")
        )  # fmt: skip
    if background is not None:
        caption += f" on {with_article(background)} background"
    return f"{caption}, {style}" if style is not None else caption


ADJECTIVES = (
    "cute", "beautiful", "happy", "little", "majestic", "adorable", "funny", "lovely", "pretty", "magical", "cool",
    "nice", "sweet", "elegant", "brave", "mysterious", "fluffy", "shiny", "young", "friendly", "amazing",
)  # fmt: skip
OPENINGS = (
    "a picture of",
    "an illustration of",
    "a drawing of",
    "an image of",
    "a photo of",
    "digital art of",
    "a scene with",
)
ENDINGS = (
    "highly detailed", "4k", "8k", "digital art", "illustration", "vector image", "vector art", "cinematic lighting",
    "masterpiece", "trending on artstation", "high quality", "beautiful", "detailed", "cartoon", "wallpaper",
    "soft light", "concept art", "children's book illustration",
)  # fmt: skip

# What people say of a thing that a small picture does not show: what it does, wears or is for.
DEEDS = (
    "sleeping", "running", "dancing", "eating breakfast", "playing", "smiling", "walking around", "jumping", "resting",
    "looking at you", "having fun", "dreaming", "waiting", "wearing a sweater", "wearing boots", "drinking milk",
    "reading the news", "with big eyes", "with a smile", "with friends", "from above", "from the side", "up close",
    "for my son", "for my grandma", "for a party", "on a wooden floor", "by the window", "in a dream", "in the morning",
    "made of wool", "full of joy", "full of energy", "as a king", "as a superstar", "that can talk",
)  # fmt: skip
VERBS = (
    "eating", "holding", "wearing", "carrying", "chasing", "watching", "playing with", "sitting on", "standing on",
    "looking at", "hiding behind", "jumping over", "riding", "cooking", "leaning on", "floating over", "fighting",
    "next to", "near", "dreaming of", "on top of", "in front of", "with", "made of", "full of",
)  # fmt: skip
SELDOM = tuple(noun for noun, _ in PRACTISED if noun not in CORE + LATER and not noun.startswith("flag"))
FRAMES = (
    "my {bare}", "the {bare}", "our {bare}", "{bare}", "one {bare}", "old {bare}", "big {bare}", "giant {bare}",
    "a tiny {bare}", "a very small {bare}", "baby {bare}", "crazy {bare}", "retro {bare}", "a logo of {whole}",
    "{bare} logo", "{bare} sticker", "{bare} tattoo", "a poster with {whole}", "a portrait of {whole}",
    "{bare} portrait", "close-up of {whole}", "a story about {whole}", "photograph of {whole}", "{bare} design",
    "please draw {whole}", "i want {whole}", "can you make {whole}", "show me {whole}",
)  # fmt: skip


def elaborate(caption: str, noun: str, rng: random.Random) -> str:
    """A caption of one thing with more words around its noun, as people type them, none of which changes the picture;
    as it is where the noun does not stand in it."""
    found = re.match(rf"an? (?P<bare>(?:(?!of\b)[a-z]+ ){{0,2}}{re.escape(noun)})\b(?P<rest>.*)$", caption)
    if found is None:
        return caption
    words = caption[: found.end("bare")]
    if rng.random() < 0.6:
        words = rng.choice(FRAMES).format(bare=found["bare"], whole=with_article(found["bare"]))
    if words.endswith(noun) and rng.random() < 0.6:
        words = f"{words} {rng.choice(DEEDS) if rng.random() < 0.6 else deed(rng)}"
    return words + found["rest"]


def deed(rng: random.Random) -> str:
    """What a thing does with another one that few pictures show: "chasing a spider", "on top of the old piano"."""
    noun = rng.choice(SELDOM)
    other = f"{rng.choice(('the', 'my', 'an old', 'a big', 'a tiny', 'a golden'))} {noun}"
    return f"{rng.choice(VERBS)} {with_article(noun) if rng.random() < 0.6 else other}"


def decorate(subject: str, kinds: Sequence[str], endings: Sequence[str], rng: random.Random, share: float = 0.3) -> str:
    """A caption as people type it: the subject, the style before it (of `kinds`) or behind it (of `endings`), and, in
    the share `share` of captions each, adjectives, an opening and endings that say nothing about the picture."""
    words = subject
    if rng.random() < share and (found := re.match(r"(an?) (?!(portrait|picture|drawing|illustration))", words)):
        rest = words[found.end() :]
        words = with_article(f"{rng.choice(ADJECTIVES)} {rest}") if " " in rest or not rest.endswith("s") else words
    if kinds and rng.random() < 0.4:
        words = f"{rng.choice(kinds)} {words}"
    else:
        if rng.random() < share / 2 and not re.match(r"an? (portrait|picture|drawing|illustration)", words):
            words = f"{rng.choice(OPENINGS)} {words}"
        if endings:
            words = (
                f"{words}, {rng.choice(endings)}" if rng.random() < 0.8 else f"{words} in {rng.choice(endings)} style"
            )
            words = words.replace("style style", "style")
    for _ in range(rng.choice((1, 1, 2)) if rng.random() < share / 2 else 0):
        words = f"{words}, {rng.choice(ENDINGS)}"
    return words
