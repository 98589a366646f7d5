"""What `/describe`, `/shorten`, `/sheet` and `/styles` make of the model that ships, counted and shown.

python -m benchmarks.words [--json] [--pictures 100] [--pages]

    kept            share of pictures that show the judge the same noun and the same colour as the one that they were
                    drawn again from: a grid from the first description of a picture of each of the judge's nouns
    kept_asked      the same, drawn again from the very words that the picture was made of
    kept_noun       of the former the share that show the same noun, and
    kept_colour     the same colour
    misread         share of the pictures in which the judge sees another noun than was asked for: nothing that is said
                    of them can be kept
    kept_read       `kept` of the others, in which there is something to keep
    described       share of first descriptions that name the noun that was asked for
    describe_s      seconds for one description
    sheet           time of a sheet of 24, in grids of four; styles: of nine styles
    composition     share of pictures picked from a sheet that are nearer to their own cell than to any other
    idle            share of prompts in which every word of "highly detailed, 4k" weighs less than the noun

`--pages` writes what people see into docs/words.md and its pictures, and the pictures of /help.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image

from benchmarks import words_shown
from benchmarks.default_model import PROMPTS_FILE, read_prompts
from benchmarks.judge import Judge, colour_of
from contract.actions import Action, ButtonId
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.derive import next_job
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, Press, Request, User
from contract.kinds.describe import Describe
from contract.kinds.imagine import Imagine
from contract.kinds.sheet import SHEET_SIZE, Drafts
from contract.kinds.shorten import Shorten, words_of
from contract.kinds.styles import Styles
from contract.planning import plan
from contract.prompt import parse
from model.describing import with_article
from worker.alone import make_alone
from worker.contact import contact_sheet
from worker.encoding import assemble_grid
from worker.engines import Warm
from worker.joining import Picture, mean, scaled
from worker.loading import Loader
from worker.results import Pictures, Words

ROOT = Path(__file__).resolve().parent.parent
SOMEBODY, NOWHERE = User(0, "words"), DiscordChannel(0)
PROMPT = "a majestic red fox sitting in the snow, highly detailed, digital art, 4k"
IDLE = ("highly", "detailed,", "digital", "art,", "4k")
WEIGHED = ("red fox", "blue car", "yellow star", "castle", "green apple", "dog", "robot", "owl")
DESCRIBED = ("a red car", "a blue butterfly", "a yellow star", "a green apple", "a fox", "a castle", "an owl", "a rose")
LINK = "https://example.com/picture.png"
REPEATS = 5
CELL, GAP = 192, 4


def job_of(prompt: str, seed: int, request: Request | None = None) -> Job:
    """A job as a command makes it, with its plan."""
    made = Job(
        id=job_id(seed, EASEL_SMALL.fingerprint, seed),
        request=request or Imagine(),
        prompt=parse(prompt).prompts[0],
        model=EASEL_SMALL.name,
        user=SOMEBODY,
        destination=NOWHERE,
        created_ms=0,
    )
    return replace(made, plan=plan(made, EASEL_SMALL))


@dataclass(frozen=True)
class Studio:
    """The model that ships, warm."""

    warm: Warm

    def pictures(self, job: Job, indices: Sequence[int] | None = None) -> Sequence[Picture]:
        """What a worker draws of it."""
        assert job.plan is not None
        result = make_alone(job, job.plan, EASEL_SMALL, self.warm, indices)
        assert isinstance(result, Pictures)
        return result.images

    def beside(self, typed: str, pictures: Mapping[str, Picture]) -> Picture:
        """The first picture of what is typed, with the pictures behind its links."""
        job = job_of(typed, parse(typed).prompts[0].parameters.seed or 0)
        assert job.plan is not None
        result = make_alone(job, job.plan, EASEL_SMALL, self.warm, (0,), pictures)
        assert isinstance(result, Pictures)
        return result.images[0]

    def words(self, job: Job, pictures: Mapping[str, Picture] = MappingProxyType({})) -> Words:
        """What a worker finds out, with the pictures behind the job's links."""
        assert job.plan is not None
        result = make_alone(job, job.plan, EASEL_SMALL, self.warm, pictures=pictures)
        assert isinstance(result, Words)
        return result

    def description(self, picture: Picture, seed: int) -> str:
        """The first of the four prompts that `/describe` gives."""
        return self.words(job_of("a picture", seed, Describe(LINK)), {LINK: picture}).texts[0]

    def first(self, prompt: str, seed: int) -> Picture:
        """The first picture of a grid."""
        return self.pictures(job_of(prompt, seed), (0,))[0]


def looked_at(judge: Judge, picture: Picture) -> tuple[str, str | None]:
    """The noun and the colour that an independent eye sees in it."""
    return judge.nouns[int(judge.look(picture[None])[0].argmax())], colour_of(picture)


def description_figures(studio: Studio, count: int) -> dict[str, Any]:
    """How well descriptions keep what pictures show."""
    judge = Judge.load()
    kept: list[list[tuple[bool, bool]]] = []
    kept_asked: list[list[tuple[bool, bool]]] = []
    named, misread, times = [], [], []
    for number, noun in enumerate(read_prompts(PROMPTS_FILE, judge.nouns).nouns[:count]):
        asked = with_article(noun)
        picture = studio.first(asked, 7_000 + number)
        begun = time.perf_counter()
        text = studio.description(picture, number)
        times.append(time.perf_counter() - begun)
        named.append(noun in text)
        seen = looked_at(judge, picture)
        misread.append(seen[0] != noun)
        for words, found in ((text, kept), (asked, kept_asked)):
            grid = studio.pictures(job_of(words, 90_000 + number))
            again = [looked_at(judge, one) for one in grid]
            found.append([(thing == seen[0], colour == seen[1]) for thing, colour in again])
    return {
        "pictures": len(kept),
        "kept": np.all(kept, axis=-1).mean(),
        "kept_asked": np.all(kept_asked, axis=-1).mean(),
        "kept_noun": np.mean(kept, axis=(0, 1))[0],
        "kept_colour": np.mean(kept, axis=(0, 1))[1],
        "misread": np.mean(misread),
        "kept_read": np.all(kept, axis=-1)[~np.array(misread)].mean(),
        "described": np.mean(named),
        "describe_s": statistics.median(times),
    }


def seconds(make: Callable[[int], object]) -> float:
    """Median time of one, after one to warm up."""
    make(0)
    times = []
    for number in range(1, REPEATS + 1):
        begun = time.perf_counter()
        make(number)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def sheet_figures(studio: Studio) -> dict[str, Any]:
    """What sheets cost, and whether what is picked is what was shown."""
    grid = seconds(lambda seed: studio.pictures(job_of("a red fox", seed)))
    sheet = seconds(lambda seed: studio.pictures(job_of("a red fox", seed, Drafts())))
    styles = seconds(lambda seed: studio.pictures(job_of("a red fox", seed, Styles())))
    near = [
        found
        for seed, prompt in enumerate(("a red fox", "a blue car", "a house"))
        for found in nearest(studio, prompt, seed)
    ]
    return {"grid_s": grid, "sheet": sheet / grid, "styles": styles / grid, "composition": np.mean(near)}


def nearest(studio: Studio, prompt: str, seed: int) -> Iterator[bool]:
    """For some places of a sheet: whether the picture picked from it is nearest to its own cell."""
    job = job_of(prompt, seed, Drafts())
    cells = sheet_cells(studio.pictures(job)[0])
    for choice in range(0, SHEET_SIZE, 4):
        large = studio.pictures(picked(job, choice))[0]
        small = coarse(scaled(large, CELL, CELL))
        distances = [float(np.abs(small - coarse(cell))[60:, 60:].mean()) for cell in cells]  # away from the numbers
        yield int(np.argmin(distances)) == choice


def picked(sheet: Job, choice: int) -> Job:
    """What the menu under a sheet makes of a choice, from 0."""
    press = Press(choice, EASEL_SMALL.fingerprint, SOMEBODY, NOWHERE, 0)
    made = next_job(sheet, ButtonId(Action.PICK, choice, sheet.id), press)
    return replace(made, plan=plan(made, EASEL_SMALL))


def sheet_cells(sheet: Picture) -> list[Picture]:
    """The square cells of a sheet of drafts."""
    places = [divmod(choice, 6) for choice in range(SHEET_SIZE)]
    corners = [(GAP + row * (CELL + GAP), GAP + column * (CELL + GAP)) for row, column in places]
    return [sheet[top : top + CELL, left : left + CELL] for top, left in corners]


def coarse(picture: Picture) -> np.ndarray:
    """Without the fine: where things are and what colours they have."""
    return mean(picture.astype(np.float32), 6)


def influence_figures(studio: Studio) -> dict[str, Any]:
    """Whether words that say nothing about a picture weigh little."""
    idle, times = [], []
    for number, thing in enumerate(
        ("red fox", "blue car", "yellow star", "castle", "green apple", "dog", "robot", "owl")
    ):
        job = job_of(f"a {thing}, highly detailed, digital art, 4k", number, Shorten())
        begun = time.perf_counter()
        found = dict(zip(words_of(job.prompt.text), studio.words(job).influence, strict=True))
        times.append(time.perf_counter() - begun)
        noun = found[f"{thing.split()[-1]},"]
        idle.append(all(found[word] < noun for word in IDLE))
    return {"idle": np.mean(idle), "shorten_s": statistics.median(times)}


# ── pages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def write_pages(studio: Studio, figures: dict[str, Any]) -> None:
    """The page of results, and the pictures of /help."""
    docs, pages = ROOT / "docs", ROOT / "bot" / "information" / "pages"
    pages.mkdir(exist_ok=True)
    sheet_job = job_of("a red fox", 5, Drafts())
    [sheet] = studio.pictures(sheet_job)
    choices = (2, 9, 17)
    large = [scaled(studio.pictures(picked(sheet_job, choice))[0], 256, 256) for choice in choices]
    save(sheet, docs / "words-sheet.webp")
    save(contact_sheet(large, [str(choice + 1) for choice in choices], columns=3, cell=256), docs / "words-picked.webp")
    save(studio.pictures(job_of("a red fox", 5, Styles()))[0], docs / "words-styles.webp")
    rows, shown = descriptions(studio)
    save(
        contact_sheet(shown, [str(number) for number in range(1, len(shown) + 1)], columns=8, cell=128),
        docs / "words-described.webp",
    )
    given, typed = words_shown.shown(studio.beside)
    save(given, docs / "words-pictures.webp")
    job = job_of(PROMPT, 5, Shorten(details=True))
    found = studio.words(job)
    said = job.request.said(job.prompt, found.texts, found.influence).description
    numbers = "\n".join(f"| `{name}` | {shown_number(value)} |" for name, value in figures.items())
    page = PAGE.format(
        rows="\n".join(rows),
        typed="\n".join(typed),
        said=quoted(said),
        prompt=PROMPT,
        numbers=numbers,
        count=figures["pictures"],
    )
    (docs / "words.md").write_text(page)
    examples = ("a blue butterfly", "a yellow star on a blue background", "a cat", "a red balloon")
    grids = [
        assemble_grid([scaled(one, 128, 128) for one in studio.pictures(job_of(prompt, 7))]) for prompt in examples
    ]
    save(contact_sheet(grids, examples, columns=2, cell=256), pages / "start.webp")
    save(scaled(sheet, sheet.shape[1] * 2 // 3, sheet.shape[0] * 2 // 3), pages / "choose.webp")
    with Image.open(docs / "operations.webp") as buttons:
        buttons.thumbnail((900, 900))
        buttons.save(pages / "buttons.webp", quality=80)


def descriptions(studio: Studio) -> tuple[list[str], list[Picture]]:
    """Pictures, and a row each of what was asked, what is said of it; beside each stands what is drawn of that."""
    rows, shown = [], []
    for number, asked in enumerate(DESCRIBED):
        picture = studio.first(asked, 11)
        text = studio.description(picture, 0)
        shown += [scaled(picture, 128, 128), scaled(studio.first(text, 12), 128, 128)]
        rows.append(f"| {2 * number + 1} | {asked} | {text} |")
    return rows, shown


def save(picture: Picture, path: Path) -> None:
    """Small enough for a page."""
    Image.fromarray(picture).save(path, quality=80, method=6)
    print(path, flush=True)


def quoted(text: str) -> str:
    """Markdown of a message as a quotation, its headings in bold."""
    lines = (f"**{line[3:]}**" if line.startswith("## ") else line for line in text.splitlines())
    return "\n".join(f"> {line}  " for line in lines)


def shown_number(value: object) -> str:
    """Three places are enough."""
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float | np.floating) else str(value)


PAGE = """\
# Words for pictures, and many pictures for words

<!-- Written by `python -m benchmarks.words --pages`, with the model that ships. -->

What `/describe`, `/shorten`, `/sheet` and `/styles` come to with the small model that ships: icons, 64 pixels a side.

## /describe

Odd numbers are pictures, the even one behind each is what is drawn from its first description.

![pictures and what their descriptions draw](words-described.webp)

| picture | drawn from | its first description |
|---|---|---|
{rows}

## /shorten

`/shorten {prompt}`, with Show Details:

{said}

## /sheet

`/sheet a red fox`, and numbers 3, 10 and 18 drawn at full quality:

![a sheet of 24](words-sheet.webp)

![three of them at full quality](words-picked.webp)

## /styles

`/styles a red fox`. [All styles](styles.md) of the small model; a larger one draws them itself.

![nine styles](words-styles.webp)

## Pictures in a prompt

Given, given, drawn: a blend of two, a link, `--sref`, `--cref`, `--edit` and `--map`. The small model reads no
instructions and has no adapters that look at pictures: it starts from them, and says so. An edit that names a colour
dyes the thing first and leaves what lies around it.

![pictures given, and what is drawn with them](words-pictures.webp)

| row | typed |
|---|---|
{typed}

## In numbers

`python -m benchmarks.words --pictures {count}` prints, and says at its top what each is. Times are of one
busy CPU thread.

| | |
|---|---|
{numbers}
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Count, print, and write the pages if they are wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object, as the last line")
    parser.add_argument("--pictures", type=int, default=100, help="how many are described and drawn again")
    parser.add_argument("--pages", action="store_true", help="write docs/words.md and the pictures of /help")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warm = Loader(DEFAULT_CATALOGUE, "cpu").load(EASEL_SMALL.name)
    studio = Studio(warm)
    try:
        figures = {
            **description_figures(studio, options.pictures),
            **sheet_figures(studio),
            **influence_figures(studio),
        }
        if options.pages:
            write_pages(studio, figures)
    finally:
        warm.engine.close()
    if options.json:
        print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))
    else:
        for name, value in figures.items():
            print(f"{name:14} {shown_number(value)}")


if __name__ == "__main__":
    main()
