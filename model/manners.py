"""Words that ask for a style, found in a prompt: what the picture is painted in, and the prompt without them.

A model that cannot draw a style only makes a mush of such words, so they are left out of what it reads, and the
finished picture is painted (`model.painting`). A word that may mean something else ("a man painting a wall", "a black
and white cat") counts only where a style is named: in front of "of", behind a comma, at the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from model.painting import MEDIA, PLAINLY, TONES, Manner

_ALWAYS: Mapping[str, str] = MappingProxyType(
    {
        "watercolor": "watercolor, watercolour, watercolors, watercolours, water color, water colour, aquarelle",
        "gouache": "gouache, tempera, children's book illustration, storybook illustration",
        "oil painting": "oil painting, oil on canvas, oil paint, oil portrait, impressionist painting, van gogh, "
        "acrylic painting, impasto",
        "fresco": "fresco",
        "pencil sketch": "pencil sketch, pencil drawing, pencil art, hand drawn sketch, hand-drawn sketch, "
        "graphite drawing, pencil illustration",
        "charcoal": "charcoal drawing, charcoal sketch, charcoal art",
        "pastel": "pastel drawing, pastel painting, chalk drawing, crayon drawing, chalk pastel, oil pastel",
        "ink": "ink drawing, ink wash, ink painting, ink sketch, pen and ink, sumi-e, ink illustration",
        "line art": "line art, lineart, line drawing, line-art, outline drawing, coloring page, colouring page",
        "botanical": "botanical illustration, scientific illustration",
        "comic": "comic book panel, comic book, comic style, comic strip, pop art, manga, graphic novel",
        "anime": "anime, anime drawing",
        "woodcut": "woodcut print, woodcut, wood engraving, engraving, woodblock",
        "linocut": "linocut print, linocut",
        "ukiyo-e": "ukiyo-e print, ukiyo-e, ukiyoe, japanese woodblock",
        "risograph": "risograph print, risograph, halftone print, halftone",
        "screen print": "screen print, screenprint, silkscreen, stencil art",
        "art deco": "art deco poster, art deco, vintage poster, retro poster, travel poster",
        "blueprint": "blueprint, technical drawing",
        "paper cut": "paper cutout, paper cut-out, paper cut, papercut, paper craft, papercraft, paper art, cut paper",
        "collage": "collage",
        "pixel art": "pixel art, pixelart, pixelated, 8-bit, 8 bit, 16-bit, 16 bit, pixel style",
        "stained glass": "stained glass art, stained glass style",
        "embroidery": "embroidery, embroidered, cross-stitch, cross stitch, needlepoint",
        "low poly": "low poly, low-poly, lowpoly, low poly render, isometric render",
        "clay": "clay figure, claymation, plasticine, clay render, clay model",
        "neon": "neon lights, neon light, neon sign, neon style, neon glow, glowing neon, neon",
        "old photo": "old photo, old photograph, vintage photo, vintage photograph, daguerreotype, antique photo",
        "polaroid": "polaroid photo, polaroid",
        "film still": "film still, movie still",
        "black and white": "black and white photo, black and white picture, black and white drawing, "
        "black and white photograph, monochrome, grayscale, greyscale",
        "sepia": "sepia tones, sepia",
        "muted": "muted earth tones, muted colors, earth tones",
        "pastel colors": "pastel colors, pastel colours",
        "neon colors": "neon colors, neon colours",
        "blue and gold": "deep blues and golds",
        "warm": "warm reds and oranges, warm colors",
        "cool": "cool greens and teals, cool colors",
        "high contrast": "high contrast colors, high contrast",
        "faded": "faded colors",
        "limited": "a limited palette, limited palette",
        "vivid": "vivid primary colors, vivid colors",
        "pink and purple": "pink and purple haze",
        "blue": "monochrome blue",
        "autumn": "autumn colors",
        "candy": "candy colors",
    }
)
"""Words that mean a style wherever they stand."""
_NAMED: Mapping[str, str] = MappingProxyType(
    {
        "oil painting": "painting, impressionist, impressionism",
        "pencil sketch": "sketch, drawing",
        "comic": "comic, comics",
        "mosaic": "mosaic",
        "black and white": "black and white, b&w, black & white",
    }
)
"""Words that mean one where a style is named, and as the last of what is asked for ("cat sketch")."""
_LED: Mapping[str, str] = MappingProxyType(
    {
        "oil painting": "acrylic, acrylics, oil, oils",
        "pencil sketch": "pencil, graphite",
        "charcoal": "charcoal",
        "pastel": "pastel, pastels, chalk, crayon, crayons",
        "ink": "ink, pen",
        "pixel art": "pixel, pixels",
        "stained glass": "stained glass",
        "blueprint": "schematic",
        "clay": "clay",
        "woodcut": "etching",
        "old photo": "vintage",
    }
)
"""Words that mean one where a style is named, and a thing elsewhere ("a red pencil")."""
_CHINESE: Mapping[str, str] = MappingProxyType(
    {
        "watercolor": "水彩",
        "gouache": "水粉 绘本",
        "oil painting": "油画 印象派 梵高",
        "fresco": "壁画",
        "pencil sketch": "铅笔素描 素描 铅笔 速写 手绘",
        "charcoal": "炭笔",
        "pastel": "粉彩 蜡笔 粉笔",
        "ink": "水墨 墨水 国画 钢笔",
        "line art": "线稿 线描 简笔",
        "comic": "漫画 波普",
        "anime": "动漫 动画",
        "woodcut": "木刻 版画",
        "ukiyo-e": "浮世绘",
        "risograph": "半色调",
        "screen print": "丝网印",
        "blueprint": "蓝图",
        "paper cut": "剪纸",
        "collage": "拼贴",
        "pixel art": "像素",
        "mosaic": "马赛克",
        "stained glass": "彩色玻璃 彩绘玻璃",
        "embroidery": "刺绣 十字绣",
        "low poly": "低多边形",
        "clay": "粘土 黏土",
        "neon": "霓虹灯 霓虹",
        "old photo": "老照片 旧照片 复古照片",
        "polaroid": "拍立得",
        "black and white": "黑白照片 黑白画 黑白风格 黑白照 黑白摄影 单色",
        "sepia": "怀旧色调",
    }
)
_AS_TONE = MappingProxyType({"pastel colors": "pastel", "neon colors": "neon"})
"""Tones that are called otherwise here, because a medium has their name."""


def _table(*tables: Mapping[str, str], apart: str = ", ") -> dict[str, str]:
    return {word: style for table in tables for style, words in table.items() for word in words.split(apart)}


def _any(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return "|".join(re.escape(word).replace(r"\ ", r"\s+").replace("'", "['’]") for word in longest_first)


WORDS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        style: (
            tuple(word for table in (_ALWAYS, _NAMED, _LED) for word in table.get(style, "").split(", ") if word),
            tuple(_CHINESE.get(style, "").split()),
        )
        for style in dict.fromkeys([*_ALWAYS, *_NAMED, *_LED])
    }
)
"""Of each style the English and the Chinese words."""
_STYLES = {**_table(_ALWAYS, _NAMED, _LED), **_table(_CHINESE, apart=" "), "黑白": "black and white"}
STYLE_WORDS = tuple(word for word in _table(_ALWAYS, _NAMED, _LED) if word.isalpha() and len(word) > 4)
"""Single words among them: what a slip of the pen may have meant."""
_MORE = (
    r"(?:[\s-]+(?:art(?:work)?|style[ds]?|paint(?:ing|ed)|drawing|pictures?|images?|illustration|prints?|photos?|photograph|"
    r"effect|look|render(?:ing)?|portrait|scene|tones?|colou?rs?|card|poster)\b)*"
)
_ALL, _STRONG = _any(_table(_ALWAYS, _NAMED, _LED)), _any(_table(_ALWAYS))
_HAN, _HAN_MORE = _any(_table(_CHINESE, apart=" ")), "(?:风格|效果|艺术|照片|小品|[画风图])*的?"
_LINK = r"\b(?:drawn|painted|made|done|rendered|shown|depicted)\s+(?:in|as|like|by|with)\s+|\b(?:in|as|like|and|by)\s+"
_PATTERNS = (  # white space is read from where it begins alone: from each place of it, thousands would take seconds
    # "a soft watercolor of a cat"
    rf"(?:^|(?<=[,.;:]))\s*(?:(?:an?|the|in|as)\s+)*(?:[a-z]+\s+){{0,2}}?\b(?P<before>{_ALL}){_MORE}\s+of\s+",
    # "a cat, watercolor", "a cat in the style of a watercolor"; "a cat sketch"
    rf"(?<!\s)(?:\s*[,;:(–]\s*(?:{_LINK})?|\s*(?:{_LINK}))(?:the\s+)?(?:style\s+of\s+)?(?:(?:an?|the)\s+)?"
    rf"\b(?P<behind>{_ALL}){_MORE}\)?(?=\s*(?:[,.;:!)]|$))",
    rf"(?<!\s)\s+\b(?P<last>{_any(_table(_ALWAYS, _NAMED))}){_MORE}(?=\s*(?:[,.;:!)]|$))",
    # "a watercolor cat"
    rf"(?P<lead>(?<!\s)\s+(?:in|as)\s+)?(?:\b(?P<article>an?)\s+)?\b(?P<inside>{_STRONG})\b{_MORE}(?:\s+of\b)?"
    r"(?:\s*[,:]\s*|\s+(?!and\b))?(?=(?P<next>\w?))",
    rf"[，、,。]\s*(?P<comma>{_HAN}|黑白){_HAN_MORE}(?=\s*(?:[，、,。]|$))",
    rf"(?P<chinese>{_HAN}){_HAN_MORE}[，、,]?",
)
_FOUND = re.compile("|".join(f"(?:{pattern})" for pattern in _PATTERNS), re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """Words that ask for a style, from `start` to `end`, and what stands there without them."""

    start: int
    end: int
    style: str
    instead: str = ""


def asked_in(text: str) -> list[Asked]:
    """Where a text asks for styles, in order."""
    found = []
    for match in _FOUND.finditer(text):
        kind = next(name for name in ("before", "behind", "last", "inside", "comma", "chinese") if match[name])
        word = re.sub(r"\s+", " ", match[kind].lower().replace("’", "'"))
        instead = ""
        if match["next"] and match["lead"]:
            instead = " "
        elif match["next"] and match["article"]:  # "a watercolor apple" is an apple
            instead = "an " if match["next"].lower() in "aeiou" else "a "
        found.append(Asked(match.start(), match.end(), _STYLES[word], instead))
    return found


def without(text: str, found: Sequence[Asked]) -> str:
    """The text without these words; itself where nothing would be left."""
    left = _left(text, found)
    return left if _says_something(left) else text


def only_style(text: str) -> bool:
    """Whether a text, a part of a prompt by itself, is the name of a style and nothing else."""
    listed = f", {text}"
    found = asked_in(listed)
    return bool(found) and not _says_something(_left(listed, found))


def _left(text: str, found: Sequence[Asked]) -> str:
    parts, end = [], 0
    for one in found:
        parts += [text[end : one.start], one.instead]
        end = one.end
    return "".join([*parts, text[end:]])


def _says_something(text: str) -> bool:
    return re.search(r"\b(?!(?:an?|the)\b)\w", text) is not None


def manner_of(
    parts: Sequence[tuple[str, float]],
    against: Sequence[str] = (),
    mixed: Sequence[tuple[str, float]] = (),
) -> Manner:
    """What weighted texts ask for, and phrases that are `mixed` in with a share, but for styles that stand `against`
    it. Of several media the one that is asked for most is taken, and the first of those that are asked for alike; of
    tones as well. What has half of the weight, or more, is all there."""
    whole = sum(weight for _, weight in parts if weight > 0) or 1.0
    # A part by itself may be the name of a style, as what stands behind a comma.
    alone = "" if len(parts) == 1 else ", "
    refused = {one.style for text in against for one in asked_in(f", {text}")}
    phrased = [(f", {phrase}", share) for phrase, share in mixed]
    shares: dict[str, float] = {}
    for text, share in (*((alone + text, weight / whole) for text, weight in parts), *phrased):
        for style in dict.fromkeys(one.style for one in asked_in(text)):
            if style not in refused:
                shares[style] = shares.get(style, 0.0) + share
    asked = {style: min(1.0, 2 * share) for style, share in shares.items() if share > 0}
    medium = max((style for style in asked if style in MEDIA), key=asked.__getitem__, default="")
    tone = max((style for style in asked if style not in MEDIA), key=asked.__getitem__, default="")
    if not asked:
        return PLAINLY
    return Manner(medium, asked.get(medium, 1.0), _AS_TONE.get(tone, tone), asked.get(tone, 1.0))


assert all(style in MEDIA or _AS_TONE.get(style, style) in TONES for style in _STYLES.values())
