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
    CODES = auto()
    """any number of profile codes or mentions"""
    LIST = auto()
    """everything up to the next flag, separated by commas"""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag. `name` is its full name, `field` the field it fills, `example` a use that is legal somewhere."""

    name: str
    kind: Kind
    field: str
    example: str
    aliases: tuple[str, ...] = ()


def _legacy(name: str) -> Flag:
    return Flag(name, Kind.SWITCH, "legacy", f"--{name}")


FLAGS: tuple[Flag, ...] = (
    Flag("aspect", Kind.ASPECT, "aspect", "--ar 3:2", ("ar",)),
    Flag("chaos", Kind.INTEGER, "chaos", "--chaos 30", ("c",)),
    Flag("stylize", Kind.INTEGER, "stylize", "--stylize 250", ("s",)),
    Flag("weird", Kind.INTEGER, "weird", "--weird 500", ("w",)),
    Flag("quality", Kind.DECIMAL, "quality", "--quality .5", ("q",)),
    Flag("seed", Kind.INTEGER, "seed", "--seed 1234"),
    Flag("sameseed", Kind.INTEGER, "sameseed", "--sameseed 1234"),
    Flag("stop", Kind.INTEGER, "stop", "--stop 80"),
    Flag("repeat", Kind.INTEGER, "repeat", "--repeat 4", ("r",)),
    Flag("tile", Kind.SWITCH, "tile", "--tile"),
    Flag("no", Kind.LIST, "no", "--no trees, cars"),
    Flag("iw", Kind.DECIMAL, "image_weight", "--iw 2"),
    Flag("version", Kind.VERSION, "version", "--v 6.1", ("v",)),
    Flag("niji", Kind.VERSION, "niji", "--niji 6"),
    Flag("test", Kind.VERSION, "version", "--test"),
    Flag("testp", Kind.VERSION, "version", "--testp"),
    Flag("style", Kind.WORD, "style", "--style raw"),
    Flag("raw", Kind.SWITCH, "raw", "--raw"),
    Flag("cref", Kind.REFERENCES, "character_references", "--cref https://example.com/face.png"),
    Flag("cw", Kind.INTEGER, "character_weight", "--cw 50"),
    Flag("sref", Kind.REFERENCES, "style_references", "--sref 762351716"),
    Flag("sw", Kind.INTEGER, "style_weight", "--sw 200"),
    Flag("sv", Kind.INTEGER, "style_version", "--sv 4"),
    Flag("oref", Kind.REFERENCES, "omni_reference", "--oref https://example.com/cup.png"),
    Flag("ow", Kind.INTEGER, "omni_weight", "--ow 200"),
    Flag("exp", Kind.INTEGER, "experimental", "--exp 20"),
    Flag("profile", Kind.CODES, "profile", "--profile abc1234", ("p", "personalize")),
    Flag("draft", Kind.SWITCH, "draft", "--draft"),
    Flag("fast", Kind.SWITCH, "speed", "--fast"),
    Flag("relax", Kind.SWITCH, "speed", "--relax"),
    Flag("turbo", Kind.SWITCH, "speed", "--turbo"),
    Flag("stealth", Kind.SWITCH, "visibility", "--stealth"),
    Flag("public", Kind.SWITCH, "visibility", "--public"),
    Flag("video", Kind.VIDEO, "video", "--video"),
    Flag("motion", Kind.WORD, "motion", "--motion high"),
    Flag("loop", Kind.SWITCH, "loop", "--loop"),
    Flag("end", Kind.LINK, "end", "--end https://example.com/last.png"),
    Flag("bs", Kind.INTEGER, "batch_size", "--bs 2"),
    Flag("zoom", Kind.DECIMAL, "zoom", "--zoom 1.5"),
    Flag("hd", Kind.SWITCH, "hd", "--hd"),
    Flag("width", Kind.INTEGER, "legacy", "--w 448"),
    Flag("height", Kind.INTEGER, "legacy", "--h 320", ("h",)),
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

REFERENCE_FLAGS = ("sref", "cref", "oref")
"""The flags that an echo moves to its end."""
