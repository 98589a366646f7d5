"""What styles look like and cost with the model that ships: `python -m benchmarks.styles [--json] [--pages]`.

    grid_s          seconds of processor for a grid of four without a style, enlarged
    painted_s       the same with a style, the median of all media; dearest_s: of the dearest medium
    medium_ms       milliseconds that each medium takes for one picture of 256 pixels a side
    numbered        levels of 255 by which a `--sref` number moves a picture, the median of thirty

`--pages` writes docs/styles.md and its pictures: every medium and every tone on the same things.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.words import Studio, job_of, save
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from model.manners import WORDS
from model.painting import MEDIA, TONES, Manner, painted
from worker.contact import contact_sheet
from worker.joining import Picture, scaled
from worker.loading import Loader

ROOT = Path(__file__).resolve().parent.parent
SUBJECTS = ("a fox", "a car", "a castle", "a beach at sunset", "a sunflower", "a woman with red hair")
SEED, CELL, REPEATS = 11, 128, 3


def seconds(work: Callable[[], object]) -> float:
    """Median processor time of some goes, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times)


def figures(studio: Studio) -> dict[str, Any]:
    """The costs, and what numbers do."""
    picture = studio.first("a fox", SEED)
    took = {medium: seconds(partial(painted, picture, Manner(medium), SEED)) for medium in MEDIA}
    grid = seconds(lambda: studio.pictures(job_of("a fox", SEED)))
    in_turn = sorted(took, key=took.__getitem__)
    usual, dearest = in_turn[len(in_turn) // 2], in_turn[-1]
    moved = [
        float(np.abs(studio.first(f"a fox --sref {number}", SEED).astype(int) - picture).mean()) for number in range(30)
    ]
    return {
        "grid_s": grid,
        "painted_s": seconds(lambda: studio.pictures(job_of(f"a fox, {usual}", SEED))),
        "dearest_s": seconds(lambda: studio.pictures(job_of(f"a fox, {dearest}", SEED))),
        "medium_ms": {medium: round(1000 * took[medium], 1) for medium in MEDIA},
        "numbered": statistics.median(moved),
    }


def shown(studio: Studio) -> tuple[Picture, Picture]:
    """All media and all tones, a row of subjects each, two rows beside each other."""
    plain = [studio.first(subject, SEED) for subject in SUBJECTS]

    def sheet(manners: dict[str, Manner]) -> Picture:
        cells, labels = [], []
        for name, manner in manners.items():
            cells += [scaled(painted(picture, manner, SEED), CELL, CELL) for picture in plain]
            labels += [name, *[""] * (len(SUBJECTS) - 1)]
        return contact_sheet(cells, labels, columns=2 * len(SUBJECTS), cell=CELL)

    media = {"as drawn": Manner(), **{medium: Manner(medium) for medium in MEDIA}}
    return sheet(media), sheet({tone: Manner(tone=tone) for tone in TONES})


PAGE = """\
# Styles

<!-- Written by `python -m benchmarks.styles --pages`, with the model that ships. -->

The small model that ships draws things, places and people; its pictures of 64 pixels hold no brush strokes. So it does
not read words of style: Easel paints them on the finished picture, by filters of its own that know nothing of what it
shows. Larger models draw styles themselves, and read every word.

## Media

![{subjects} in every medium]({media_file})

## Tones

A tone goes with a medium (`a fox, watercolor, sepia`), or alone:

![the same in every tone]({tones_file})

## Words

Behind a comma (`a fox, watercolor`), in front (`a watercolor of a fox`, `watercolor fox`) or in a phrase (`a fox in the
style of a woodcut`). Of several media the first is taken, with weights (`a fox::2 mosaic::1`) the heaviest, and less of
it where it has less than half of the weight. `--no watercolor` is none. `--sref` numbers pick a medium and a tone.

| | words | Chinese |
|---|---|---|
{words}
"""


def write_pages(studio: Studio) -> None:
    """The page and its pictures."""
    docs = ROOT / "docs"
    media, tones = shown(studio)
    save(media, docs / "styles-media.webp")
    save(tones, docs / "styles-tones.webp")
    rows = [f"| {name} | {', '.join(english)} | {'、'.join(chinese)} |" for name, (english, chinese) in WORDS.items()]
    page = PAGE.format(
        subjects=", ".join(SUBJECTS),
        media_file="styles-media.webp",
        tones_file="styles-tones.webp",
        words="\n".join(rows),
    )
    (docs / "styles.md").write_text(page, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.styles", description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object, as the last line")
    parser.add_argument("--pages", action="store_true", help="write the page and its pictures")
    options = parser.parse_args()
    torch.set_num_threads(1)
    studio = Studio(Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name))
    found = figures(studio)
    if options.pages:
        write_pages(studio)
    studio.warm.engine.close()
    for name, value in found.items():
        print(f"{name:12} {value}")
    if options.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
