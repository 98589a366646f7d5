"""The flags' names: how each is spelled, what kind of value it takes and which field of `Parameters` it fills."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType


class Kind(Enum):
    """What follows a flag."""

    SWITCH = auto()
    """nothing"""
    INTEGER = auto()
    DECIMAL = auto()
    ASPECT = auto()
    """`W:H`"""
    WORD = auto()
    """one of a version's words"""
    VERSION = auto()
    """a version's spelling; may be absent after `--niji`"""
    VIDEO = auto()
    """nothing, or the 1 that echoes carry"""
    LINK = auto()
    REFERENCES = auto()
    """links, and for `--sref` numbers or `random`, each with `::weight`"""
    NAMES = auto()
    """names of the operator's add-ons, each with `::weight`"""
    CODES = auto()
    """any number of profile codes or mentions"""
    LIST = auto()
    """everything up to the next flag, separated by commas"""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.

    `name` is its full name, `field` the field it fills, `example` a use that is legal somewhere, `effect` what it does
    in a few words.
    """

    name: str
    kind: Kind
    field: str
    example: str
    effect: str
    aliases: tuple[str, ...] = ()


def _legacy(name: str) -> Flag:
    return Flag(name, Kind.SWITCH, "legacy", f"--{name}", "A switch of the first year's models")


FLAGS: tuple[Flag, ...] = (
    Flag("aspect", Kind.ASPECT, "aspect", "--ar 3:2", "Shape of the picture, width to height", ("ar",)),
    Flag("chaos", Kind.INTEGER, "chaos", "--chaos 30", "How much the four pictures differ from each other", ("c",)),
    Flag("stylize", Kind.INTEGER, "stylize", "--stylize 250", "How strongly the model's own taste shows", ("s",)),
    Flag("weird", Kind.INTEGER, "weird", "--weird 500", "How odd the result may be", ("w",)),
    Flag(
        "quality",
        Kind.DECIMAL,
        "quality",
        "--quality .5",
        "Time spent on the first grid; rounded to the nearest allowed value",
        ("q",),
    ),
    Flag(
        "seed",
        Kind.INTEGER,
        "seed",
        "--seed 1234",
        "Where the noise starts: the same seed and prompt give the same grid. The first of several counts",
    ),
    Flag("sameseed", Kind.INTEGER, "sameseed", "--sameseed 1234", "The same starting noise in all four pictures"),
    Flag("stop", Kind.INTEGER, "stop", "--stop 80", "Ends early, in percent: softer pictures"),
    Flag("repeat", Kind.INTEGER, "repeat", "--repeat 4", "So many separate jobs; not in relax mode", ("r",)),
    Flag("tile", Kind.SWITCH, "tile", "--tile", "A pattern that continues over its own edges"),
    Flag("no", Kind.LIST, "no", "--no trees, cars", "What to keep away from, separated by commas"),
    Flag("iw", Kind.DECIMAL, "image_weight", "--iw 2", "How much image links count against the words; needs one"),
    Flag("version", Kind.VERSION, "version", "--v 8.2", "The model", ("v",)),
    Flag("niji", Kind.VERSION, "niji", "--niji 6", "The anime model; alone, its default"),
    Flag("test", Kind.VERSION, "version", "--test", "The test model of 2022"),
    Flag("testp", Kind.VERSION, "version", "--testp", "The photographic test model of 2022"),
    Flag("style", Kind.WORD, "style", "--style raw", "A variant of the model"),
    Flag("raw", Kind.SWITCH, "raw", "--raw", "Less of the model's own taste"),
    Flag(
        "cref",
        Kind.REFERENCES,
        "character_references",
        "--cref https://example.com/face.png",
        "Pictures of a character to keep",
    ),
    Flag(
        "cw",
        Kind.INTEGER,
        "character_weight",
        "--cw 50",
        "How much of the character is kept: 0 the face only; needs `--cref`",
    ),
    Flag(
        "sref",
        Kind.REFERENCES,
        "style_references",
        "--sref 762351716",
        "Pictures or numbers of a style to follow, or `random`; each may carry a weight, as in `::2`",
    ),
    Flag("sw", Kind.INTEGER, "style_weight", "--sw 200", "How strongly the style is followed; needs `--sref`"),
    Flag("sv", Kind.INTEGER, "style_version", "--sv 4", "The version of the style system; needs `--sref`"),
    Flag(
        "oref",
        Kind.REFERENCES,
        "omni_reference",
        "--oref https://example.com/cup.png",
        "One picture of a thing or person to put in",
    ),
    Flag("ow", Kind.INTEGER, "omni_weight", "--ow 200", "How closely it is followed; needs `--oref`"),
    Flag(
        "lora",
        Kind.NAMES,
        "loras",
        "--lora ink::0.8",
        "A LoRA of the server's, by name, with its strength; several are mixed. `<lora:ink:0.8>` says the same",
    ),
    Flag(
        "map",
        Kind.LINK,
        "structure",
        "--map https://example.com/map.png",
        "A picture that says what lies where: areas in the legend's colours (`/help`), edges, or depth",
    ),
    Flag(
        "mt",
        Kind.WORD,
        "structure_kind",
        "--mt edges",
        "What sort of map it is: areas where it is not said; needs `--map`",
    ),
    Flag("mw", Kind.INTEGER, "structure_weight", "--mw 60", "How strictly the map is followed; needs `--map`"),
    Flag(
        "edit",
        Kind.REFERENCES,
        "edit",
        "--edit https://example.com/cat.png",
        "One to four pictures to change; the words say how",
    ),
    Flag("exp", Kind.INTEGER, "experimental", "--exp 20", "An experimental look; high values overrule stylize"),
    Flag(
        "profile",
        Kind.CODES,
        "profile",
        "--profile abc1234",
        "Your taste, or the one behind a code or a mention",
        ("p", "personalize"),
    ),
    Flag(
        "sampler",
        Kind.WORD,
        "sampler",
        "--sampler euler_a",
        "How noise becomes a picture, by one of the model's samplers",
    ),
    Flag("draft", Kind.SWITCH, "draft", "--draft", "Faster and cheaper, at a lower resolution"),
    Flag("fast", Kind.SWITCH, "speed", "--fast", "This job in fast mode"),
    Flag("relax", Kind.SWITCH, "speed", "--relax", "This job in relax mode"),
    Flag("turbo", Kind.SWITCH, "speed", "--turbo", "This job in turbo mode"),
    Flag("stealth", Kind.SWITCH, "visibility", "--stealth", "This job for you alone"),
    Flag("public", Kind.SWITCH, "visibility", "--public", "This job in public"),
    Flag(
        "video", Kind.VIDEO, "video", "--video", "Animates the picture; in the first models, keeps a film of its making"
    ),
    Flag("motion", Kind.WORD, "motion", "--motion high", "How much moves in a video"),
    Flag("loop", Kind.SWITCH, "loop", "--loop", "The video ends where it began"),
    Flag("end", Kind.LINK, "end", "--end https://example.com/last.png", "A picture the video ends on"),
    Flag("bs", Kind.INTEGER, "batch_size", "--bs 2", "How many videos"),
    Flag("zoom", Kind.DECIMAL, "zoom", "--zoom 1.5", "How far to zoom out; only in the Custom Zoom box"),
    Flag("hd", Kind.SWITCH, "hd", "--hd", "Larger pictures: twice as large a side"),
    Flag("sd", Kind.SWITCH, "sd", "--sd", "Pictures of the usual size, whatever the settings say"),
    Flag("width", Kind.INTEGER, "legacy", "--w 448", "Width in pixels"),
    Flag("height", Kind.INTEGER, "legacy", "--h 320", "Height in pixels", ("h",)),
    *map(_legacy, ("uplight", "upbeta", "upanime", "creative", "beta")),
    *map(_legacy, ("vibe", "vibefast", "hq", "newclip", "nostretch", "old", "wallpaper")),
    *map(_legacy, ("sl", "ml", "ll", "sp", "mp", "lp")),
)

FLAG: Mapping[str, Flag] = MappingProxyType({flag.name: flag for flag in FLAGS})
"""Flags by full name."""

SPELLINGS: Mapping[str, Flag] = MappingProxyType(
    {spelling: flag for flag in FLAGS for spelling in (flag.name, *flag.aliases)}
)
"""Flags by everything that may be typed after the dashes, in lower case."""

SELECTORS = frozenset({"version", "niji", "test", "testp"})
"""The flags that choose the version; the first of them counts."""

REFERENCE_FLAGS = ("sref", "cref", "oref", "edit")
"""The flags that an echo moves to its end."""
