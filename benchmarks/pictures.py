"""A sheet of pictures that become others, with the model that ships: blend, links, styles by number, maps, edits.

python -m benchmarks.pictures [--out docs/pictures.webp] [--pages bot/information/pages]
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.references import Picture, drawn
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.legend import LEGEND
from contract.planning import plan
from contract.prompt import parse
from worker.alone import make_alone
from worker.encoding import assemble_grid
from worker.engines import Warm
from worker.joining import scaled
from worker.loading import Loader
from worker.results import Pictures

A, B, MAP = "https://a.org/a.png", "https://a.org/b.png", "https://a.org/map.png"
CELL, LABEL = 192, 24
SCENE = (("tree", 0.05, 0.2, 0.45, 0.9), ("house", 0.5, 0.4, 0.95, 0.9))
SEA = (("sky", 0, 0, 1, 0.5), ("sea", 0, 0.5, 1, 1), ("boat", 0.3, 0.2, 0.7, 0.75))
PAGES = {"pictures": (0, 1, 4), "map": (3,)}
"""Rows that stand on pages of `/help`: links, blends and edits; maps."""


def main() -> None:
    """Draw the sheet and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("build/pictures.webp"))
    parser.add_argument("--pages", type=Path, help="the folder of /help's pictures")
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    warm = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    rows = [np.concatenate(row, axis=1) for row in sheet(warm, options.seed)]
    warm.engine.close()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows)).save(options.out, quality=85)
    print(options.out)
    if options.pages is not None:
        for topic, numbers in PAGES.items():
            options.pages.mkdir(parents=True, exist_ok=True)
            file = options.pages / f"{topic}.webp"
            Image.fromarray(np.concatenate([rows[number] for number in numbers])).save(file, quality=80)
            print(file)


def sheet(warm: Warm, seed: int) -> list[list[Picture]]:
    """Rows of labelled cells: what was given, then what came of it."""
    blue, yellow = drawn(warm, "a blue balloon", seed=seed), drawn(warm, "a yellow star", seed=seed)
    apple = drawn(warm, "a red apple", seed=seed)
    scene, sea = painted(SCENE), painted(SEA)

    def made(text: str, pictures: Mapping[str, Picture], label: str) -> Picture:
        return cell(grid(warm, text, seed, pictures), label)

    return [
        [
            cell(blue, "a link"),
            made(f"{A} a fish", {A: blue}, "LINK a fish"),
            made(f"{A} a fish --iw .3", {A: blue}, "LINK a fish --iw .3"),
            made(f"{A} a fish --iw 2", {A: blue}, "LINK a fish --iw 2"),
        ],
        [
            cell(blue, "first picture"),
            cell(yellow, "second picture"),
            made(f"{A} {B}", {A: blue, B: yellow}, "/blend"),
            made(f"{A} {B} a heart", {A: blue, B: yellow}, "both, a heart"),
        ],
        [
            made("a house", {}, "a house"),
            made("a house --sref 2", {}, "a house --sref 2"),
            made("a house --sref 17", {}, "a house --sref 17"),
            made("a house --sref 17 --sw 400", {}, "... --sw 400"),
        ],
        [
            cell(scene, "a map"),
            made(f"a picture --map {MAP}", {MAP: scene}, "--map"),
            cell(sea, "a map"),
            made(f"a summer day --map {MAP}", {MAP: sea}, "--map"),
        ],
        [
            cell(apple, "a picture"),
            made(f"a green apple --edit {A}", {A: apple}, "/edit a green apple"),
            made(f"a blue apple --edit {A}", {A: apple}, "/edit a blue apple"),
            made(f"a pear --edit {A}", {A: apple}, "/edit a pear"),
        ],
    ]


def grid(warm: Warm, text: str, seed: int, pictures: Mapping[str, Picture]) -> Picture:
    """The grid of what is typed."""
    id = job_id(seed, EASEL_SMALL.fingerprint, 0)
    prompt = parse(text).prompts[0]
    job = Job(id, Imagine(), prompt, EASEL_SMALL.name, User(0, "sheet"), DiscordChannel(0), created_ms=0)
    asked = plan(job, EASEL_SMALL)
    result = make_alone(replace(job, plan=asked), asked, EASEL_SMALL, warm, pictures=pictures)
    assert isinstance(result, Pictures)
    return assemble_grid(result.images)


def painted(areas: Sequence[tuple[str, float, float, float, float]], side: int = 256) -> Picture:
    """A map: areas by their names in the legend, from left and top to right and bottom, as shares."""
    colours = {entry.name: entry.colour for entry in LEGEND}
    picture = np.full((side, side, 3), 255, np.uint8)
    for name, left, top, right, bottom in areas:
        picture[round(top * side) : round(bottom * side), round(left * side) : round(right * side)] = colours[name]
    return picture


def cell(picture: Picture, label: str) -> Picture:
    """A picture of one size, with words under it."""
    made = Image.new("RGB", (CELL + 8, CELL + LABEL), "white")
    made.paste(Image.fromarray(scaled(picture, CELL, CELL)), (4, 4))
    ImageDraw.Draw(made).text((6, CELL + 6), label, "black", ImageFont.load_default(13))
    return np.array(made)


if __name__ == "__main__":
    main()
