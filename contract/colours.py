"""Colours by their English names, and the one that words ask for."""

from __future__ import annotations

import re
from collections.abc import Callable

COLOURS = ("red", "orange", "yellow", "green", "teal", "blue", "purple", "pink", "brown", "black", "gray", "white")
"""The colours that have a name here."""
_ALSO = {"grey": "gray", "violet": "purple", "turquoise": "teal", "cyan": "teal", "magenta": "pink", "golden": "yellow",
         "gold": "yellow", "crimson": "red", "scarlet": "red", "navy": "blue"}  # fmt: skip
_NAME = rf"(?:{'|'.join((*COLOURS, *_ALSO))})"
_COLOUR = re.compile(rf"\b{_NAME}\b")
_FORMER = re.compile(rf"\b(?:not|no|without|instead of|rather than|from)(?: (?:an?|the))? {_NAME}\b")
_BEHIND = re.compile(rf"\b{_NAME} (?:background|backdrop|sky|wall|floor|grass|sea|table)\b")
_GROUND = re.compile(r"\b(?:background|backdrop|sky)\b")
_SEVERAL = re.compile(rf"\b{_NAME}(?:,? and |, | or |/|-){_NAME}\b")
_TOLD = re.compile(r"^(?:please )?(?:make|turn|paint|dye|change|recolou?r|colou?r|set)\b")
_CHINESE = {"粉": "pink", "粉红": "pink", "红": "red", "橙": "orange", "橘": "orange", "黄": "yellow", "金": "yellow",
            "绿": "green", "青": "teal", "蓝": "blue", "紫": "purple", "棕": "brown", "褐": "brown", "黑": "black",
            "灰": "gray", "白": "white"}  # fmt: skip
_NAMED = f"({'|'.join(sorted(_CHINESE, key=len, reverse=True))})"
_IN_CHINESE: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(rf"(?:(?:不要|不是|没有|而不是|从|由)(?={_NAMED}色))"), lambda found: " not "),
    (re.compile(rf"{_NAMED}色的?|(?<=[变成换染涂]){_NAMED}(?:的|(?=$|[ ,，。]))"),
     lambda found: f" {_CHINESE[found[1] or found[2]]} "),
    (re.compile(r"^.*?(?:把|将|让|变成?|变为|改成|改为|换成|染成|涂成)"), lambda found: f"make {found[0]} "),
    (re.compile(r"和|与|、"), lambda found: " and "),
    (re.compile("背景"), lambda found: " background "),
    (re.compile("天空"), lambda found: " sky "),
)  # fmt: skip
"""The Chinese words that matter here, as English ones."""


def colour_asked(words: str) -> str | None:
    """The one colour that an instruction or a description wants a thing to have: `make the red car blue` and
    `把红色的车变成蓝色` are blue.

    None where it names none, several for one thing, or only that of the background.
    """
    words = _BEHIND.sub(_kept_ground, _FORMER.sub("", _read_chinese(words.lower())))
    found = _COLOUR.findall(words)
    told = _TOLD.match(words) is not None
    if not found or _SEVERAL.search(words) or (told and _GROUND.search(words)):
        return None
    name = str(found[-1 if told else 0])
    return _ALSO.get(name, name)


def _read_chinese(words: str) -> str:
    for pattern, english in _IN_CHINESE:
        words = pattern.sub(english, words)
    return " ".join(words.split())


def _kept_ground(found: re.Match[str]) -> str:
    return found[0].split()[-1]
