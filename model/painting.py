"""Finished pictures made over in a style: a watercolour, a pencil sketch, a mosaic and so on, by image-based rendering.

A model whose latents are too coarse for brush strokes draws what a prompt shows, and the strokes are painted here, on
the enlarged picture. Each medium is what the literature on artistic rendering does for it, in a few lines: pigment
that gathers and dries (Bousseau et al. 2006), strokes that follow shapes (Kyprianidis and Kang 2011), lines along
ridges, halftones, cells. Nothing here knows what a picture shows; what varies comes from a seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from model.brushes import Canvas, Floats, colour, grey, levels, mix, step, vivid, within

PAPER = colour(251, 248, 240)
INK = colour(20, 19, 24)


@dataclass(frozen=True)
class Manner:
    """How a picture is painted: in a medium of `MEDIA`, in a tone of `TONES`, either empty for none, each with the
    share of the way there, 0..1."""

    medium: str = ""
    medium_share: float = 1.0
    tone: str = ""
    tone_share: float = 1.0


PLAINLY = Manner()
"""As the model draws."""


def painted(picture: NDArray[np.uint8], manner: Manner, seed: int, *, tile: bool = False) -> NDArray[np.uint8]:
    """`picture` (H, W, 3) in a manner, of the same size; itself for `PLAINLY`. `seed` decides what varies: grain,
    strokes, the cells of a mosaic. With `tile` opposite edges go on fitting each other."""
    if not (manner.medium or manner.tone):
        return picture
    colours: Floats = picture.astype(np.float32) / 255
    if manner.medium:
        made = MEDIA[manner.medium](Canvas(colours, seed, tile=tile))
        colours = mix(colours, within(made), manner.medium_share)
    if manner.tone:
        colours = mix(colours, TONES[manner.tone].of(colours), manner.tone_share)
    result: NDArray[np.uint8] = (within(colours) * 255).round().astype(np.uint8)
    return result


# ── paint ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _watercolour(canvas: Canvas) -> Floats:
    pools, flow, paper = canvas.grain(15), canvas.grain(5), canvas.grain(1.1)
    washes = canvas.wobbled(mix(canvas.smooth(5), canvas.blurred(canvas.colours, 3), 0.45), 2.8, 8)
    washes = 0.33 + 0.67 * vivid(washes, 1.15)
    rims = (canvas.blurred(washes, 1.5) - canvas.blurred(washes, 6)).clip(-1, 0).min(-1, keepdims=True)
    pigment = 0.3 * pools + 0.16 * flow + 0.1 * paper + 0.25 * step(0.45, 0.1, abs(pools - 0.5)) - 3 * rims
    wet = (washes * (1 - (1 - washes) * pigment)).clip(0, 1) * PAPER
    if canvas.tile:
        return within(wet)
    return mix(PAPER, wet, step(0.99, 0.88, canvas.rim + 0.05 * canvas.grain(9) + 0.01 * flow))


def _gouache(canvas: Canvas) -> Floats:
    flat = canvas.wobbled(_poster(canvas.smooth(6), 6, 1.2), 1.5, 8)
    brush = _even(canvas.smeared(canvas.grain(0.9), 9))
    return within((0.04 + 0.93 * flat) * (1 + 0.035 * brush) + 0.01 * canvas.grain(0.7))


def _oil(canvas: Canvas) -> Floats:
    base = vivid(canvas.wobbled(canvas.smooth(5), 4, 5), 1.25)
    strokes = canvas.smeared(np.concatenate([base, canvas.grain(3), canvas.grain(1.1)], -1), 12)
    tint, bristles = _even(strokes[..., 3:4]), _even(strokes[..., 4:])
    relief = bristles - canvas.shifted(bristles, 1.5, 1.5)
    dabs = 0.94 * strokes[..., :3] + tint * colour(12, 10, 5)
    return (dabs * colour(255, 250, 238)) * (1 + 0.06 * bristles) + 0.06 * relief


def _fresco(canvas: Canvas) -> Floats:
    faded = vivid(canvas.smooth(5), 0.75) * colour(236, 220, 190) + colour(24, 20, 14)
    plaster = 0.05 * canvas.grain(10) + 0.03 * canvas.grain(1.5)
    cracks = step(0.12, 0.0, abs(canvas.grain(9))) * step(0.0, 1.5, canvas.grain(20))
    return within(faded * (1 + plaster) * (1 - 0.35 * cracks))


# ── pencil, chalk and ink ───────────────────────────────────────────────────────────────────────────────────────────


def _pencil(canvas: Canvas) -> Floats:
    tone, tooth = canvas.blurred(canvas.ink, 1.2), canvas.grain(0.7)
    hatched = 0.36 * _hatching(canvas, tone, 6.5, 0.9, 0.15, 1.0) + 0.4 * _hatching(canvas, tone, 7, -0.7, 0.5, 1.2)
    line = np.maximum(canvas.wobbled(canvas.lines(0.02), 0.8, 6), 0.5 * canvas.wobbled(canvas.lines(0.03), 2, 16))
    graphite = 1 - (1 - 0.95 * line) * (1 - hatched) * (1 - 0.12 * tone)
    return mix(PAPER * (1 + 0.008 * tooth), colour(52, 52, 57), (graphite * (1 + 0.2 * tooth)).clip(0, 1))


def _charcoal(canvas: Canvas) -> Floats:
    rough, tooth = _even(canvas.smeared(canvas.grain(0.9), 6)), canvas.grain(0.9)
    tone = canvas.blurred(canvas.ink, 1.5)
    rubbed = step(0.4, 1.05, 1.1 * tone + 0.13 * rough + 0.12 * tooth)
    line = canvas.blurred(canvas.lines(0.02, width=2), 0.6) * (0.75 + 0.25 * step(-1, 1, tooth))
    dark = 0.9 * (1 - (1 - 0.85 * rubbed) * (1 - 0.95 * line)) + 0.18 * canvas.blurred(tone, 7)
    return mix(colour(238, 234, 226) * (1 + 0.015 * tooth), colour(34, 32, 32), dark.clip(0, 1))


def _pastel(canvas: Canvas) -> Floats:
    rough = _even(canvas.smeared(canvas.grain(1), 7))
    tint = _even(canvas.smeared(canvas.grain(2.4), 6))
    chalk = vivid(mix(canvas.wobbled(canvas.smooth(4), 2, 5), 1.0, 0.15), 1.15) + 0.05 * tint
    cover = step(-1.6, 0.5, rough + 0.6 * canvas.grain(0.9))
    return mix(colour(214, 200, 180), chalk, 0.25 + 0.75 * cover)


def _ink(canvas: Canvas) -> Floats:
    tone, flow = canvas.blurred(canvas.ink, 1), canvas.grain(6)
    line = step(0.2, 0.6, canvas.blurred(canvas.wobbled(canvas.lines(0.02, width=1.9), 0.9, 6), 0.5))
    wash = 0.26 * step(0.14, 0.34, tone + 0.05 * flow) + 0.3 * step(0.36, 0.62, tone + 0.05 * flow)
    black = 0.95 * step(0.66, 0.84, tone + 0.04 * flow)
    return mix(PAPER, INK, np.maximum(np.maximum(line, black), wash * (1 + 0.12 * flow)).clip(0, 1))


def _line_art(canvas: Canvas) -> Floats:
    line = canvas.wobbled(canvas.lines(0.018, width=1.3), 0.5, 8)
    return mix(colour(255, 255, 255), INK, (1.3 * line).clip(0, 1))


def _botanical(canvas: Canvas) -> Floats:
    wash = mix(canvas.smooth(4), 1.0, 0.2) * PAPER * colour(252, 246, 228)
    hatched = 0.25 * _hatching(canvas, canvas.ink, 4, 0.8, 0.2, 1.1)
    line = 0.8 * canvas.wobbled(canvas.lines(0.02), 0.4, 6)
    return mix(wash * (1 + 0.01 * canvas.grain(0.8)), colour(70, 52, 40), np.maximum(line, hatched))


# ── prints ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _comic(canvas: Canvas) -> Floats:
    flat = _poster(canvas.smooth(4), 5, 1.5)
    shade = canvas.blurred(1 - grey(flat), 2)
    dots = _halftone(canvas, 0.75 * shade, 7, math.pi / 4) * step(0.1, 0.3, shade)
    return mix(flat * (1 - 0.34 * dots), INK, (1.3 * canvas.lines(0.02, width=2.2)).clip(0, 1))


def _anime(canvas: Canvas) -> Floats:
    flat = _poster(canvas.smooth(6), 5, 1.3)
    glow = canvas.blurred(step(0.75, 1.0, grey(flat)), 8)
    return mix(flat + 0.06 * glow, INK, 0.9 * canvas.lines(0.02, width=1.3))


def _woodcut(canvas: Canvas) -> Floats:
    tone = canvas.blurred(canvas.ink, 1.5)
    bent = canvas.waves(6, 1.25)[..., None] + 3 * canvas.grain(14)
    cut = step(0.0, 0.3, 1.2 * tone - 0.4 * (1 + np.sin(bent)) - 0.06) * step(0.03, 0.12, tone)
    ink = np.maximum(cut, step(0.25, 0.6, canvas.lines(0.02, width=2.4)))
    return mix(colour(238, 228, 206), INK, ink * (1 - 0.25 * step(1.0, 2.0, canvas.grain(0.8))))


def _linocut(canvas: Canvas) -> Floats:
    tone = canvas.blurred(canvas.ink, 2) + 0.03 * canvas.grain(4)
    ink = np.maximum(step(0.48, 0.6, tone), step(0.25, 0.6, canvas.lines(0.02, width=2.6)))
    gouges = step(0.55, 0.9, _even(canvas.smeared(canvas.grain(1), 8)) - 1.2) * step(0.7, 0.4, tone)
    page = colour(240, 234, 220)
    second = vivid(mix(canvas.smooth(6), page, 0.35), 0.9) * page
    return mix(mix(page, second, step(0.06, 0.14, tone)), colour(28, 34, 52), ink * (1 - gouges))


def _ukiyo_e(canvas: Canvas) -> Floats:
    page = _poster(canvas.smooth(6), 5, 0.85) * colour(240, 226, 196)
    page = page * (1 - 0.05 * step(0, 2, _even(canvas.smeared(canvas.grain(0.9), 9))))
    sky = 0.3 * step(0.4, 0.0, canvas.lower) * (1 - canvas.ink) * (not canvas.tile)
    return mix(mix(page, colour(44, 74, 120), sky), colour(34, 32, 44), canvas.lines(0.02, width=1.4))


def _risograph(canvas: Canvas) -> Floats:
    """Three inks, each screened at its own angle and none of them quite in its place."""
    flat = vivid(canvas.smooth(3), 1.35)
    inks = (
        (0, 1.0, colour(0, 105, 180), 0.26, (2.0, 0.0)),
        (1, 1.0, colour(255, 66, 115), 1.31, (0.0, 0.0)),
        (2, 0.85, colour(255, 216, 30), 0.0, (-1.6, 1.4)),
    )
    page = np.broadcast_to(colour(247, 242, 230), flat.shape)
    for band, most, ink, angle, place in inks:
        cover = canvas.shifted(most * (1 - flat[..., band : band + 1]), *place)
        dots = _halftone(canvas, cover, 5, angle) * (0.9 + 0.1 * step(-1.5, 0, canvas.grain(0.9)))
        page = page * mix(np.ones_like(flat), ink, dots)
    return page


def _screen_print(canvas: Canvas) -> Floats:
    """Four flat inks by how bright a place is, as on a poster."""
    light = canvas.blurred(grey(canvas.smooth(6)), 1.5)
    inks = (colour(38, 40, 84), colour(214, 52, 86), colour(250, 168, 60), colour(252, 240, 214))
    page = np.broadcast_to(inks[0], canvas.colours.shape)
    for least, ink in zip((0.25, 0.5, 0.75), inks[1:], strict=True):
        page = mix(page, ink, step(least - 0.05, least + 0.05, light + 0.01 * canvas.grain(1)))
    return mix(page, inks[0], canvas.lines(0.025, width=1.6))


def _poster_art(canvas: Canvas) -> Floats:
    flat = _poster(canvas.smooth(7), 4, 0.9) * colour(255, 240, 208)
    rays = np.arctan2(canvas.down - canvas.down.max(), canvas.across - canvas.across.max() / 2) * (24 / math.pi)
    plain = canvas.ground[1] * (not canvas.tile)
    fan = step(-0.25, 0.25, np.sin(rays * math.pi))[..., None] * plain * (1 - step(0.02, 0.2, canvas.ink))
    flat = flat * (1 - 0.16 * fan) + 0.012 * canvas.grain(0.8)
    return mix(flat, colour(64, 48, 24), 0.9 * canvas.lines(0.025, width=1.6))


def _blueprint(canvas: Canvas) -> Floats:
    def ruled(side: float, width: float) -> Floats:
        away = (abs((place + side / 2) % side - side / 2) for place in (canvas.down, canvas.across))
        return np.maximum(*(step(width + 0.6, width - 0.2, one) for one in away))[..., None]

    paper = colour(24, 72, 156) * (1 + 0.05 * canvas.grain(12) + 0.02 * canvas.grain(0.6))
    line = np.maximum(canvas.lines(0.018), 0.55 * canvas.wobbled(canvas.lines(0.03), 1.6, 14))
    hatched = 0.28 * _hatching(canvas, canvas.ink, 5, math.pi / 4, 0.25, 1.2)
    chalk = 0.16 * ruled(16, 0.4) + 0.16 * ruled(64, 0.7) + 0.95 * line + hatched
    return mix(paper, colour(236, 244, 255), chalk.clip(0, 1))


# ── paper, stone, glass, thread, light ──────────────────────────────────────────────────────────────────────────────


def _paper_cut(canvas: Canvas) -> Floats:
    """Sheets of one colour each, laid over each other: what is not ground above it, and the darker the higher."""
    flat = canvas.wobbled(canvas.smooth(9), 1.2, 8)
    ground, plain = canvas.ground
    light = grey(flat)
    tones = levels(light, 5, 0.2)
    sheets = flat * tones / (light + 0.02)
    sheets = mix(sheets, levels(sheets, 5, 0.2), 0.6)
    dark, apart = 1 - tones, step(0.14, 0.22, _apart(flat, ground))
    height = canvas.blurred(mix(dark, 0.5 * dark + apart, plain), 0.7)
    shade = step(0.02, 0.4, canvas.blurred(canvas.shifted(height, -4, -6), 2.5) - height)
    rim = (height - canvas.shifted(height, 1.5, 1.5)).clip(0, 1)
    paper = (0.06 + 0.88 * vivid(within(sheets), 1.1)) * (1 - 0.6 * shade) + 0.3 * rim
    return within(paper + 0.012 * canvas.grain(0.7) + 0.008 * canvas.grain(3))


def _collage(canvas: Canvas) -> Floats:
    """Scraps of paper, torn and glued over each other."""
    number, border = canvas.scattered(42)
    turned = canvas.chance.uniform(-1, 1, (number.max() + 1, 3)).astype(np.float32)[number]
    place = canvas.sampled(canvas.smooth(5), 5 * canvas.unit * turned[..., 0], 5 * canvas.unit * turned[..., 1])
    scraps = (_poster(place, 6, 1.1) * (1 + 0.12 * turned[..., 2:]) + 0.05 * turned[..., 2:]).clip(0, 1)
    torn = border + 0.9 * canvas.grain(1.5)
    scraps = mix(colour(250, 248, 242), scraps, step(0.6, 1.4, torn)) * (1 - 0.35 * step(1.0, -0.5, torn))
    return within(scraps + 0.015 * canvas.grain(0.8))


def _pixels(canvas: Canvas) -> Floats:
    cells = canvas.squares(10.7)[0]
    return _poster(cells, 6, 1.3)


def _mosaic(canvas: Canvas) -> Floats:
    number, border = canvas.scattered(11)
    stones = (vivid(canvas.cells(number), 1.25) * canvas.tints(number, 0.06) * 0.96).clip(0, 1)
    return mix(colour(96, 88, 80), stones * (0.92 + 0.1 * step(1.2, 3.5, border)), step(0.5, 1.7, border))


def _stained_glass(canvas: Canvas) -> Floats:
    number, border = canvas.scattered(22)
    glass = vivid(canvas.cells(number), 1.7) * canvas.tints(number, 0.1)
    glass = (glass * (1 + 0.1 * canvas.grain(3))).clip(0, 1) * (0.62 + 0.5 * step(1, 10, border))
    return mix(INK, glass, step(1.0, 2.4, border) * (1 - canvas.lines(0.03, width=2)))


def _embroidery(canvas: Canvas) -> Floats:
    """Cross-stitch: an X of two threads in each square of the cloth."""
    cells, right, lower, tints = canvas.squares(6.4)
    across, over = (step(0.36, 0.1, abs(right + sign * lower)) for sign in (-1, 1))
    threads = vivid(cells, 1.2) * tints * (0.86 + 0.2 * over)
    return mix(mix(cells * 0.72, colour(206, 198, 182), 0.3), threads, np.maximum(across, over))


def _low_poly(canvas: Canvas) -> Floats:
    facets = canvas.triangles(24)
    return vivid(canvas.cells(facets), 1.25) * canvas.tints(facets, 0.05) + (canvas.tints(facets, 0.02) - 1)


def _clay(canvas: Canvas) -> Floats:
    """As if modelled and lit from above on the left."""
    flat, (ground, plain) = canvas.smooth(6), canvas.ground
    body = step(0.08, 0.3, _apart(flat, ground))
    round_ = canvas.blurred(body, 6) + 0.5 * canvas.blurred(body, 2.5) + 0.25 * grey(canvas.blurred(flat, 2))
    high = 14 * (mix(grey(canvas.blurred(flat, 3)), round_, plain) + 0.01 * canvas.grain(5))
    across = canvas.shifted(high, 1, 0) - canvas.shifted(high, -1, 0)
    down = canvas.shifted(high, 0, 1) - canvas.shifted(high, 0, -1)
    light = (0.5 * across + 0.6 * down + 0.65) / np.sqrt(across**2 + down**2 + 1)
    shadow = canvas.blurred(canvas.shifted(body, -4, -6), 5) * (1 - body) * plain
    lit = (0.06 + 0.9 * canvas.blurred(flat, 1)) * (0.62 + 0.55 * light.clip(0, 1)) * (1 - 0.35 * shadow)
    return lit + 0.25 * step(0.93, 1.02, light) * body


def _neon(canvas: Canvas) -> Floats:
    line, tint = canvas.lines(0.022, width=1.5), canvas.blurred(canvas.colours, 2.5)
    strong = tint - tint.min(-1, keepdims=True)
    most = strong.max(-1, keepdims=True)
    sign = mix(colour(60, 200, 255), colour(255, 60, 190), step(0.3, 0.7, canvas.lower) * (not canvas.tile))
    tubes = line * mix(sign, strong / (most + 0.06) + 0.12, step(0.05, 0.25, most))
    glow = 1.1 * canvas.blurred(tubes, 3) + 1.6 * canvas.blurred(tubes, 9) + 1.5 * tubes
    night = colour(12, 8, 26) + 0.1 * tint * step(0.0, 0.4, canvas.ink)
    return 1 - (1 - night) * np.exp(-(glow + 0.5 * canvas.blurred(line, 0.7) ** 2 * line))


# ── photographs ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _old_photo(canvas: Canvas) -> Floats:
    light = 0.03 + 0.94 * step(-0.05, 1.05, grey(canvas.blurred(canvas.colours, 0.8))) + 0.02 * canvas.grain(18)
    brown = mix(colour(58, 36, 20), colour(242, 222, 184), light)
    dust = step(2.6, 3.2, canvas.grain(1.2)) - step(2.9, 3.4, canvas.grain(0.8))
    return within(brown * (1 - 0.5 * canvas.corners**2.5) + 0.025 * canvas.grain(0.5) + 0.25 * dust)


def _polaroid(canvas: Canvas) -> Floats:
    faded = vivid(mix(canvas.colours, colour(214, 190, 150), 0.18) * 0.88 + 0.07, 0.85)
    faded = faded * colour(255, 248, 234) * (1 - 0.3 * canvas.corners**2)
    if canvas.tile:
        return faded
    right, lower = canvas.right, canvas.lower
    inside = step(0.055, 0.06, np.minimum(np.minimum(right, 1 - right), np.minimum(lower, 0.885 - lower)))
    return mix(colour(244, 242, 236) * (1 + 0.006 * canvas.grain(0.7)), faded, inside)


def _film_still(canvas: Canvas) -> Floats:
    light = grey(canvas.colours)
    graded = mix(canvas.colours, mix(colour(12, 44, 60), colour(255, 214, 160), light), 0.35)
    graded = mix(graded, step(-0.05, 1.05, graded), 0.7) * (1 - 0.4 * canvas.corners**2) + 0.02 * canvas.grain(0.6)
    if canvas.tile:
        return within(graded)
    return within(graded * step(0.105, 0.112, np.minimum(canvas.lower, 1 - canvas.lower)))


# ── what several of them need ───────────────────────────────────────────────────────────────────────────────────────


def _even(values: Floats) -> Floats:
    """Of deviation 1."""
    result: Floats = values / max(float(values.std()), 1e-6)
    return result


def _apart(colours: Floats, ground: Floats) -> Floats:
    """(H, W, 1): how far from the colour of the ground."""
    result: Floats = np.sqrt(((colours - ground) ** 2).sum(-1, keepdims=True))
    return result


def _poster(colours: Floats, count: int, strength: float) -> Floats:
    """In so many flat levels of light; `strength` as in `vivid`."""
    light = grey(colours)
    return within(vivid(colours, strength) * (levels(light, count) / light.clip(0.04)))


def _hatching(canvas: Canvas, tone: Floats, pitch: float, angle: float, low: float, high: float) -> Floats:
    """(H, W, 1): strokes at an angle, the wider the darker it is, from the tone `low` on; at `high` they touch."""
    wave = np.sin(canvas.waves(pitch, angle)[..., None] + 0.5 * canvas.grain(14)) / 2 + 0.5
    return step(0.75, 1.25, wave + step(low, high, tone)) * step(low / 2, low + 0.05, tone)


def _halftone(canvas: Canvas, cover: Floats, pitch: float, angle: float) -> Floats:
    """(H, W, 1): dots on a turned grid that take about the share `cover` of the paper."""
    right, lower = canvas.waves(pitch, angle), canvas.waves(pitch, angle + math.pi / 2)
    screen = (0.5 + 0.25 * (np.cos(right) + np.cos(lower)))[..., None]
    return step(-0.14, 0.14, cover - 1 + screen)


MEDIA: Mapping[str, Callable[[Canvas], Floats]] = MappingProxyType(
    {
        "watercolor": _watercolour,
        "gouache": _gouache,
        "oil painting": _oil,
        "fresco": _fresco,
        "pencil sketch": _pencil,
        "charcoal": _charcoal,
        "pastel": _pastel,
        "ink": _ink,
        "line art": _line_art,
        "botanical": _botanical,
        "comic": _comic,
        "anime": _anime,
        "woodcut": _woodcut,
        "linocut": _linocut,
        "ukiyo-e": _ukiyo_e,
        "risograph": _risograph,
        "screen print": _screen_print,
        "art deco": _poster_art,
        "blueprint": _blueprint,
        "paper cut": _paper_cut,
        "collage": _collage,
        "pixel art": _pixels,
        "mosaic": _mosaic,
        "stained glass": _stained_glass,
        "embroidery": _embroidery,
        "low poly": _low_poly,
        "clay": _clay,
        "neon": _neon,
        "old photo": _old_photo,
        "polaroid": _polaroid,
        "film still": _film_still,
    }
)
"""How each medium paints a canvas: (H, W, 3), which may leave 0..1 a little."""


@dataclass(frozen=True)
class Tone:
    """A palette: light from dark to bright as these colours, for a `share` of the way; before it, colours are made more
    or less `vivid`."""

    dark: tuple[int, int, int]
    middle: tuple[int, int, int]
    bright: tuple[int, int, int]
    share: float
    vivid: float = 1.0

    def of(self, colours: Floats) -> Floats:
        """`colours` (H, W, 3) in it."""
        light = grey(colours)
        dark, middle, bright = (colour(*levels_) for levels_ in (self.dark, self.middle, self.bright))
        lower = mix(dark, middle, (2 * light).clip(0, 1))
        return mix(vivid(colours, self.vivid), mix(lower, bright, (2 * light - 1).clip(0, 1)), self.share)


TONES: Mapping[str, Tone] = MappingProxyType(
    {
        "black and white": Tone((0, 0, 0), (124, 124, 124), (255, 255, 255), 1.0),
        "sepia": Tone((46, 28, 14), (158, 122, 82), (250, 234, 204), 0.95),
        "muted": Tone((52, 44, 36), (146, 128, 104), (240, 230, 212), 0.45, 0.6),
        "pastel": Tone((172, 160, 196), (226, 200, 214), (255, 250, 244), 0.55, 1.1),
        "neon": Tone((24, 0, 64), (255, 20, 170), (90, 255, 240), 0.4, 2.2),
        "blue and gold": Tone((10, 20, 60), (66, 92, 150), (255, 216, 120), 0.75),
        "warm": Tone((70, 8, 0), (236, 92, 30), (255, 232, 180), 0.6, 1.1),
        "cool": Tone((0, 34, 44), (24, 140, 130), (224, 250, 236), 0.6, 1.0),
        "high contrast": Tone((0, 0, 0), (128, 128, 128), (255, 255, 255), 0.0, 1.9),
        "faded": Tone((96, 92, 88), (172, 166, 156), (244, 240, 230), 0.6, 0.8),
        "limited": Tone((30, 40, 66), (214, 92, 74), (248, 232, 196), 0.85),
        "vivid": Tone((0, 0, 0), (128, 128, 128), (255, 255, 255), 0.0, 2.4),
        "pink and purple": Tone((44, 14, 82), (190, 80, 190), (255, 214, 232), 0.7, 1.0),
        "blue": Tone((6, 16, 52), (60, 110, 200), (234, 244, 255), 0.95),
        "autumn": Tone((48, 20, 6), (196, 100, 28), (250, 226, 160), 0.6, 1.1),
        "candy": Tone((120, 40, 150), (255, 110, 180), (215, 250, 255), 0.5, 1.5),
    }
)
