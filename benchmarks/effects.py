"""A sheet of pictures that shows what each flag does: one row a flag, one grid a value, all from the same seed.

python -m benchmarks.effects [--out build/effects.webp] [--seed 4]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.planning import plan
from contract.prompt import parse
from worker.alone import make_alone
from worker.encoding import assemble_grid
from worker.engines import Warm
from worker.loading import Loader
from worker.results import Pictures

ROWS = (
    ("a red apple", "a red apple --v 6.1 --q .25", "a red apple --v 6.1 --stop 40", "a red apple --v 7 --draft"),
    ("an apple", "an apple --chaos 50", "an apple --chaos 100", "an apple --weird 1500"),
    ("an apple", "an apple --no red", "an apple --s 0", "an apple --s 1000"),
    ("a heart", "red heart::3 blue heart::1", "red heart::1 blue heart::3", "a heart --v 7 --turbo"),
    ("a green tree", "a green tree --ar 3:2", "a green tree --ar 2:3", "a green tree --tile"),
    ("a house", "a house --raw", "a house --ar 16:9", "a house --ar 21:9"),
)
CELL = 256
LABEL = 28


def draw(warm: Warm, text: str, seed: int) -> NDArray[np.uint8]:
    """The grid of a typed prompt, exactly as a worker draws it: (H, W, 3) uint8."""
    job = Job(
        id=job_id(seed, EASEL_SMALL.fingerprint, 0),
        request=Imagine(),
        prompt=parse(text).prompts[0],
        model=EASEL_SMALL.name,
        user=User(0, "sheet"),
        destination=DiscordChannel(0),
        created_ms=0,
    )
    asked = plan(job, EASEL_SMALL)
    result = make_alone(replace(job, plan=asked), asked, EASEL_SMALL, warm)
    assert isinstance(result, Pictures)
    return assemble_grid(result.images)


def cell(grid: NDArray[np.uint8], text: str) -> Image.Image:
    """A grid, fitted into a square, with the prompt under it."""
    picture = Image.fromarray(grid)
    picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    made = Image.new("RGB", (CELL + 8, CELL + LABEL), "white")
    made.paste(picture, ((CELL - picture.width) // 2 + 4, (CELL - picture.height) // 2 + 4))
    ImageDraw.Draw(made).text((6, CELL + 8), text, "black", ImageFont.load_default(13))
    return made


def main() -> None:
    """Draw the sheet and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/effects.webp"))
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    warm = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    rows = [[cell(draw(warm, text, options.seed), text) for text in row] for row in ROWS]
    warm.engine.close()
    sheet = np.concatenate([np.concatenate([np.asarray(each) for each in row], axis=1) for row in rows])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(sheet).save(options.out, quality=85)
    print(options.out)


if __name__ == "__main__":
    main()
