"""One job of every kind, as a press or a command makes it. A new kind adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contract.actions import Action
from contract.jobs import Chosen, Job, Strength
from contract.prompt import Context, parse
from tests.contract.factories import follow, imagine, press, reroll, upscale, variation

GRID = imagine("a red:: fox::2 --ar 3:2 --no trees, snow --chaos 10")
SUBTLE = variation(GRID, 3, Strength.SUBTLE, press(seed=6))
SINGLE = upscale(GRID, 1, press())
ZOOM = follow(SINGLE, Action.ZOOM_2, press(seed=8))
ZOOMED = upscale(ZOOM, 2, press(interaction=9))
PAN = follow(ZOOMED, Action.PAN_LEFT, press(seed=9))
REGION = follow(SINGLE, Action.VARY_REGION, replace(press(seed=16), region=Chosen(0b11000110)))

EXAMPLES: Mapping[str, Job] = {
    "imagine": GRID,
    "reroll": reroll(GRID, press(seed=0)),
    "variation": SUBTLE,
    "variation of a variation": variation(SUBTLE, 1, Strength.STRONG, press(seed=7)),
    "upscale": upscale(GRID, 1, press()),
    "upscale of a variation": upscale(SUBTLE, 2, press()),
    "zoom": ZOOM,
    "custom zoom": follow(
        SINGLE,
        Action.CUSTOM_ZOOM,
        press(seed=10),
        parse("a fox in a wood --zoom 1.2 --ar 1:2", Context(command="custom_zoom")).prompts[0],
    ),
    "enlarge": follow(SINGLE, Action.UPSCALE_SUBTLE, press(seed=14)),
    "enlarged pan": follow(upscale(PAN, 0, press(interaction=15)), Action.UPSCALE_CREATIVE, press(seed=15)),
    "region": REGION,
    "variation of a region": variation(REGION, 1, Strength.SUBTLE, press(seed=17)),
    "square": follow(SINGLE, Action.MAKE_SQUARE, press(seed=11)),
    "upscale of a zoom": ZOOMED,
    "pan of a zoom": PAN,
    "variation of a pan": variation(PAN, 1, Strength.STRONG, press(seed=12)),
    "reroll of a pan": reroll(PAN, press(seed=13), parse("a hare").prompts[0]),
}
