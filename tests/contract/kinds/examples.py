"""One job of every kind, as a press or a command makes it. A new kind adds its own."""

from __future__ import annotations

from collections.abc import Mapping

from contract.jobs import Job, Strength
from tests.contract.factories import imagine, press, reroll, upscale, variation

GRID = imagine("a red:: fox::2 --ar 3:2 --no trees, snow --chaos 10")
SUBTLE = variation(GRID, 3, Strength.SUBTLE, press(seed=6))

EXAMPLES: Mapping[str, Job] = {
    "imagine": GRID,
    "reroll": reroll(GRID, press(seed=0)),
    "variation": SUBTLE,
    "variation of a variation": variation(SUBTLE, 1, Strength.STRONG, press(seed=7)),
    "upscale": upscale(GRID, 1, press()),
    "upscale of a variation": upscale(SUBTLE, 2, press()),
}
