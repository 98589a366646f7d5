"""`python -m benchmarks.default_card`: the figures and the sheet of the default model's card, by one command.

Judges the model in `--model` as it is served, and its student, writes what it finds into its `README.md`, between the
lines `<!-- figures -->` and `<!-- /figures -->`, and pictures of a fixed list of prompts into its `sheet.webp`. Also
measures how much memory a process takes that draws with it. Some minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.default_model import DEFAULT_MODEL, PROMPTS_FILE, Painter, measure, read_prompts
from benchmarks.judge import Judge
from contract.catalogue import EASEL_SMALL

SHOWN = (
    "a cat", "a blue car", "a dog and a heart", "红苹果",
    "a majestic lion, digital art, highly detailed", "baby penguin in the snow, 3d render", "an elefant", "可爱的小狗",
    "a red butterfly, stained glass", "a rocket and a moon", "a fox in a forest", "紫色蝴蝶，水彩画",
    "a beach at sunset", "two cats", "a skull in neon style", "蓝色的汽车",
    "a man with a beard", "a pencil sketch of an owl", "an octopus under water, minimalist logo", "一朵玫瑰花，油画",
    "a lake in the mountains, watercolor", "a strawberry and a banana", "a sunflower field on a sunny day",
    "黄色的星星，像素",
)  # fmt: skip
COLUMNS, CELL = 4, 96
FONTS = ("wqy-zenhei.ttc", "NotoSansCJK-Regular.ttc", "DejaVuSans.ttf")
MEASURES = (
    ("top1", "noun seen first"), ("top5", "noun among the first five"), ("color", '"a red car" is red'),
    ("coloured", "and a car, seen first"),
    ("wide", "noun in a picture of 3:2"),
    ("two_objects", "two things, pairs never trained on"), ("two_alike", '"two cats": one in each half'),
    ("phrases", "prompts as people type them: the noun"), ("slips", 'slips of the pen ("an elefant")'),
    ("unseen", "words no caption held"), ("chinese", "Chinese"), ("emoji", "emoji"), ("style", "manner of an icon set"),
    ("place", "place"), ("time", "time of day"), ("look", "style"),
    ("traits", "people: hair, glasses, beard as asked for"), ("people", "and a man or a woman, too"),
    ("scene_noun", "noun in a scene, of 250"), ("diversity", "difference within a grid"),
    ("nearest_training", "distance to the nearest icon"),
)  # fmt: skip
PLAIN = ("diversity", "nearest_training")  # no shares
# The faster forward is prepared after the grid, not when a moment is idle: what has been held by then is no chance.
MEMORY = """
import model, torch
from model.loading import load
from model.memory import peak_bytes
engine = model.Engine(load({folder!r}), quicken="off")
engine.start()
engine.submit(engine.bundle.example(4)).result()
engine.close()
drawn = peak_bytes(torch.device("cpu"))
model.Engine(engine.bundle).quicken()
print(drawn, peak_bytes(torch.device("cpu")))
"""


def figures_table(found: Mapping[str, Any], quick: Mapping[str, Any] | None) -> str:
    """The figures as a table: of the model, of its student where there is one, and of real pictures."""
    head = ["", "model", *(["student"] if quick else []), "real pictures"]
    rows = [head, ["---"] * len(head)]
    for name, words in MEASURES:
        cells = [_cell(name, found.get(name)), *([_cell(name, quick.get(name))] if quick else [])]
        rows.append([f"{words} (`{name}`)", *cells, _cell(name, found.get(f"{name}_real"))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if name in PLAIN else f"{100 * value:.1f} %"


def section(found: Mapping[str, Any], quick: Mapping[str, Any] | None, memory_bytes: tuple[int, int]) -> str:
    """All that stands between the two marks."""
    nouns = found["by_noun"]
    passed = set(found["passed"])
    weak = [noun for noun in nouns if noun not in passed]
    drawn, prepared = (held / 1e6 for held in memory_bytes)
    size = (
        f"{found['bytes'] / 1e6:.1f} MB on disk; {drawn:.0f} MB of memory for a process that draws a grid, "
        f"{prepared:.0f} MB while a worker's first start exports the faster forward"
    )
    speed = f"{found['seconds_per_grid']:.2f} s of processor for a grid of four in the stock pipeline"
    if quick is not None:
        speed += f", {quick['seconds_per_grid']:.2f} s by the student"
    return (
        f"**These words come out well** (top-1 at least 0.9 of the judge's own on real icons; {len(passed)} of "
        f"{len(nouns)}): {', '.join(noun for noun in nouns if noun in passed)}.\n\n"
        f"**These less surely**: {', '.join(weak) or 'none'}.\n\n{figures_table(found, quick)}\n\n{size}; {speed}."
    )


def write_section(card: Path, text: str) -> None:
    """Put `text` between the marks of a card. ValueError where there are none."""
    written, count = re.subn(
        r"(?s)(<!-- figures -->\n).*?(\n<!-- /figures -->)", lambda found: found[1] + text + found[2], card.read_text()
    )
    if count != 1:
        raise ValueError(f"{card} has no <!-- figures --> and <!-- /figures -->")
    card.write_text(written)


def sheet(grids: Sequence[tuple[str, NDArray[np.uint8]]]) -> Image.Image:
    """Labelled grids (4, S, S, 3) in four columns."""
    font: Any = ImageFont.load_default(13)
    for name in FONTS:
        try:
            font = ImageFont.truetype(name, 13)
            break
        except OSError:
            continue
    width, height = 4 * CELL + 12, CELL + 24
    whole = Image.new("RGB", (COLUMNS * width, -(-len(grids) // COLUMNS) * height), (24, 24, 28))
    pen = ImageDraw.Draw(whole)
    for number, (label, pictures) in enumerate(grids):
        left, top = number % COLUMNS * width, number // COLUMNS * height
        pen.text((left + 2, top + 3), label, (235, 235, 235), font)
        for column, picture in enumerate(pictures):
            small = Image.fromarray(picture).resize((CELL, CELL), Image.Resampling.LANCZOS)
            whole.paste(small, (left + column * CELL, top + 20))
    return whole


def memory_of(folder: Path) -> tuple[int, int]:
    """Bytes that a fresh process has held at most when it has drawn a grid, and when it has then prepared the faster
    forward, as a worker's first start does once."""
    script = MEMORY.format(folder=str(folder))
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    drawn, prepared = map(int, told.split()[-2:])
    return drawn, prepared


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.default_card", description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model's folder (default: model/default)")
    folder = parser.parse_args().model
    torch.set_num_threads(1)
    judge, served = Judge.load(), EASEL_SMALL
    prompts = read_prompts(PROMPTS_FILE, judge.nouns)
    painter = Painter(
        folder, served.num_inference_steps, served.guidance_scale, served.sampler, interval=served.guidance_interval
    )
    found = judged(painter, judge, prompts, folder)
    quick = None
    if served.student is not None and (folder / served.student.folder).is_dir():
        student = Painter(folder, served.student.num_inference_steps, 1.0, served.student.sampler)
        student.replace_denoiser(folder / served.student.folder)
        quick = judged(student, judge, prompts, folder)
    drawn = [(prompt, painter.draw([prompt], 7, large=True)[0]) for prompt in SHOWN]
    sheet(drawn).save(folder / "sheet.webp", quality=82, method=6)
    write_section(folder / "README.md", section(found, quick, memory_of(folder)))
    print(json.dumps({"model": found, "student": quick}, default=float))


def judged(painter: Painter, judge: Judge, prompts: Any, folder: Path) -> dict[str, Any]:
    """What the judge says, and what it costs."""
    figures, _ = measure(painter, judge, prompts)
    figures["seconds_per_grid"] = painter.seconds_per_grid(clock=time.process_time)
    figures["bytes"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return figures


if __name__ == "__main__":
    main()
