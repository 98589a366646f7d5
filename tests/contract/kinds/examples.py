"""One job of every kind, as a press or a command makes it. A new kind adds its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from contract.actions import Action, ButtonId
from contract.catalogue import EASEL_SMALL
from contract.derive import about, next_job
from contract.jobs import Chosen, Job, Press, Strength
from contract.kinds.attached import Attached
from contract.kinds.describe import Describe
from contract.kinds.inpaint import Inpaint
from contract.kinds.sheet import Drafts
from contract.kinds.shorten import Shorten
from contract.kinds.styles import Styles
from contract.kinds.tree import Member, Tree
from contract.prompt import Context, Prompt, parse
from tests.contract.factories import follow, imagine, press, reroll, upscale, variation

GRID = imagine("a red:: fox::2 --ar 3:2 --no trees, snow --chaos 10")
SUBTLE = variation(GRID, 3, Strength.SUBTLE, press(seed=6))
SINGLE = upscale(GRID, 1, press())
ZOOM = follow(SINGLE, Action.ZOOM_2, press(seed=8))
ZOOMED = upscale(ZOOM, 2, press(interaction=9))
PAN = follow(ZOOMED, Action.PAN_LEFT, press(seed=9))
REGION = follow(SINGLE, Action.VARY_REGION, replace(press(seed=16), region=Chosen(0b11000110)))

MOVING = replace(
    EASEL_SMALL,
    name="tiny-video",
    title="Tiny Video",
    family="ltx-video",
    versions=(),
    aliases={"tiny-video": "7"},
    size_multiple=8,
    sampler="flow_euler",
    samplers={},
    student=None,
    enlargement=1,
    frames=9,
    honours=frozenset({"aspect", "moving"}),
)
"""A model that draws videos, of pictures of other models too."""


def filmed(single: Job, action: Action, press: Press, prompt: Prompt | None = None) -> Job:
    """What Animate makes where `MOVING` is on offer."""
    asked = replace(press, kind="video", drawer=MOVING, fingerprint=MOVING.fingerprint)
    return follow(single, action, asked, prompt)


SHEET = replace(imagine("a fox --ar 3:2 --chaos 5"), request=Drafts())
STYLED = replace(imagine("a fox"), request=Styles())


def pick(sheet: Job, choice: int) -> Job:
    """What the menu under a sheet makes of this choice, from 0."""
    return next_job(sheet, ButtonId(Action.PICK, choice, sheet.id), press(seed=18, interaction=200 + choice))


ATTACHED = Attached("https://example.org/a.png", 1536, 1024, 4)

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
    "four times as large": follow(upscale(imagine("a fox --v 5.2"), 0, press()), Action.UPSCALE_4X, press(seed=22)),
    "enlarge": follow(SINGLE, Action.UPSCALE_SUBTLE, press(seed=14)),
    "enlarged pan": follow(upscale(PAN, 0, press(interaction=15)), Action.UPSCALE_CREATIVE, press(seed=15)),
    "animation": follow(SINGLE, Action.ANIMATE_LOW, press(seed=18)),
    "animation of a zoom": follow(ZOOMED, Action.ANIMATE_HIGH, press(seed=19)),
    "video": filmed(SINGLE, Action.ANIMATE_HIGH, press(seed=24)),
    "tree": about(
        ZOOMED, press(interaction=20), Tree((Member(GRID.id, "imagine"), Member(SINGLE.id, "upscale", 0, 1)))
    ),
    "attached": replace(GRID, request=ATTACHED),
    "upscale of an attached picture": upscale(replace(GRID, request=ATTACHED), 3, press(interaction=21)),
    "region": REGION,
    "inpainting": replace(
        imagine("a red hat"), request=Inpaint("https://example.org/a%20b.png", "https://example.org/mask.png", 300, 200)
    ),
    "variation of a region": variation(REGION, 1, Strength.SUBTLE, press(seed=17)),
    "sheet": SHEET,
    "picture of a sheet": pick(SHEET, 23),
    "styles": STYLED,
    "picture in a style": pick(STYLED, 4),
    "description": replace(imagine("describe a picture"), request=Describe("https://example.org/a.png")),
    "shortened prompt": replace(imagine("a majestic red fox, digital art --ar 3:2"), request=Shorten()),
    "weighed prompt": replace(imagine("a majestic red fox, digital art"), request=Shorten(details=True)),
    "square": follow(SINGLE, Action.MAKE_SQUARE, press(seed=11)),
    "upscale of a zoom": ZOOMED,
    "pan of a zoom": PAN,
    "variation of a pan": variation(PAN, 1, Strength.STRONG, press(seed=12)),
    "reroll of a pan": reroll(PAN, press(seed=13), parse("a hare").prompts[0]),
}
