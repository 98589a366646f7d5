"""Pictures drawn again from their files alone: how many are equal.

python -m benchmarks.redraws [--count 100] [--chains 4] [--out FOLDER] [--json]

Prompts of the default model's benchmark, in several shapes, are drawn, signed and written as a worker writes them, each
fourth as the message of its grid; then every file is verified and drawn again as `easel verify` does. `--chains` are
pictures of which each button is pressed, and again on what came out of that, each from the picture before it as a
worker finds it. `--out` keeps the files, so that the command can be tried on them.

A third of them are drawn as by a worker's first start, by torch; a third by that one when it has exported its graphs;
and a third as by a later start, which finds them. A chain goes on at the next start where the one before ended.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from contract.actions import Action, ButtonId
from contract.catalogue import DEFAULT_CATALOGUE
from contract.derive import next_job
from contract.jobs import Chosen, Job, Press
from contract.planning import plan
from model.ways import ONNX, TORCH, Ways
from worker.alone import make_alone
from worker.commands.trial import operators_job
from worker.encoding import Encoded, assemble_grid, encode_lossless, encode_message
from worker.engines import Warm
from worker.loading import Loader
from worker.parameters import parameters_text
from worker.recipes import Recipe, signed
from worker.results import Animation, Pictures, Result
from worker.signing import Signer, make_certificate
from worker.sources import Source
from worker.verifying import EQUAL, Redrawer, open_file, verify

PROMPTS = Path(__file__).with_name("default_model_prompts.json")
PRESSED = (
    Action.VARY_SUBTLE, Action.VARY_STRONG, Action.VARY_REGION, Action.ZOOM_2, Action.ZOOM_1_5, Action.MAKE_SQUARE,
    Action.PAN_LEFT, Action.PAN_UP, Action.UPSCALE_SUBTLE, Action.UPSCALE_CREATIVE, Action.ANIMATE_LOW,
)  # fmt: skip
STARTS = {"first": Ways(TORCH, TORCH, TORCH), "exported": Ways(TORCH, ONNX, ONNX), "later": Ways(ONNX, ONNX, ONNX)}
POSTED_BYTES = 100_000
"""Few enough for most grids to be posted as JPEG."""
CHAINED = (" --ar 3:2", " --ar 3:2 --turbo", " --ar 2:3 --draft", " --ar 3:2 --stylize 300")
SHAPES = ("", " --ar 3:2", " --ar 2:3", " --ar 16:9", " --chaos 40", " --no grass", " --tile", " --stylize 500")


def main() -> None:
    """Draw, verify, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--chains", type=int, default=4)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="easel-") as spare:
        folder = options.out or Path(spare)
        folder.mkdir(parents=True, exist_ok=True)
        loader = Loader(DEFAULT_CATALOGUE, "cpu", graphs=Path(spare) / "graphs")
        signer = Signer(*make_certificate())
        files = write(folder, options, loader, signer)
        files.sort(key=lambda file: file.name.split("-")[1])  # by their starts: engines are exchanged seldom
        tally = Counter[str]()
        with Redrawer(DEFAULT_CATALOGUE, loader) as redrawer:
            for file in files:
                verified = verify(open_file(file), signer.chain, redrawer)
                tally[verified.verdict] += 1
                if verified.verdict != EQUAL:
                    print(f"{file.name}: {verified.verdict} ({verified.redrawn})")
    figures = {"files": len(files), **dict(tally)}
    print(json.dumps(figures) if options.json else "\n".join(f"{name:45}{count}" for name, count in figures.items()))


def write(folder: Path, options: argparse.Namespace, loader: Loader, signer: Signer) -> list[Path]:
    """Signed pictures: so many of jobs of their own, and those of the chains, by one start after the other."""
    name = next(iter(DEFAULT_CATALOGUE)).name
    house = House(folder, signer)
    numbered = list(enumerate(islice(zip(cycle(prompts()), cycle(SHAPES), strict=False), options.count)))
    chained = enumerate(islice(zip(prompts(), cycle(CHAINED), strict=False), options.chains))
    chains = [house.chain(asked(f"{words}{shape}", number), number) for number, (words, shape) in chained]
    for place, (start, ways) in enumerate(STARTS.items()):
        house.begin(start, loader.load(name, ways))
        for number, (words, shape) in numbered[place :: len(STARTS)]:
            job = asked(f"{words}{shape}", number)
            house.write(job, house.draw(job), None if number % 4 == 3 else number % job.image_count)
        for chain in chains:
            for _ in islice(chain, 1 + len(PRESSED) // len(STARTS)):
                pass
        house.close()
    return house.files


def asked(words: str, seed: int) -> Job:
    """What `/imagine` makes of it, with its plan."""
    model = next(iter(DEFAULT_CATALOGUE))
    return planned(operators_job(f"{words} --seed {seed}", model, DEFAULT_CATALOGUE))


def planned(job: Job) -> Job:
    return replace(job, plan=plan(job, DEFAULT_CATALOGUE.named(job.model)))


class House:
    """Draws as a worker does: what a job starts from is the picture that was drawn before, not one drawn again."""

    def __init__(self, folder: Path, signer: Signer) -> None:
        self.files: list[Path] = []
        self._folder, self._signer = folder, signer

    def begin(self, start: str, warm: Warm) -> None:
        """A worker starts."""
        self._start, self._warm = start, warm

    def close(self) -> None:
        """It ends."""
        self._warm.engine.close()

    def draw(self, job: Job, source: Source | None = None) -> Result:
        assert job.plan is not None
        return make_alone(job, job.plan, DEFAULT_CATALOGUE.named(job.model), self._warm, source=source)

    def write(self, job: Job, result: Result, index: int | None) -> None:
        """A file of the folder, as it lies in a store, or for all of its pictures as it is posted."""
        match result:
            case Pictures(images=images) if index is None:
                file = encode_message(assemble_grid(images), parameters=parameters_text(job), limit_bytes=POSTED_BYTES)
            case Pictures(images=images):
                assert index is not None
                file = encode_lossless(images[index], parameters=parameters_text(job, index))
            case Animation(data=data):
                file = Encoded(data, "webp")
            case _:
                raise ValueError(f"a job of the kind {job.request.kind} draws nothing")
        path = self._folder / f"{len(self.files):03}-{self._start}-{job.request.kind}.{file.extension}"
        path.write_bytes(signed(self._signer, file, Recipe(job, index, result.drawn_by)).data)
        self.files.append(path)

    def chain(self, grid: Job, number: int) -> Iterator[None]:
        """One picture of a grid, what each button makes of it, and what a zoom makes of one of those, a button a
        turn."""
        index = number % grid.image_count
        picture = self._picture(self.draw(grid), index)
        single = self._follow(grid, Action.UPSCALE, index)
        self.write(single, Pictures((picture.picture,), drawn_by=picture.drawn_by), 0)
        for action in PRESSED:
            made = self._follow(single, action, 0)
            result = self.draw(made, picture)
            self.write(made, result, index % made.image_count)
            if isinstance(result, Pictures) and made.image_count > 1:
                alone = self._follow(made, Action.UPSCALE, index)
                further = self._follow(alone, Action.ZOOM_1_5, 0)
                self.write(further, self.draw(further, self._picture(result, index)), index)
            yield

    def _picture(self, result: Result, index: int) -> Source:
        assert isinstance(result, Pictures)
        return Source(result.images[index], result.drawn_by)

    def _follow(self, job: Job, action: Action, index: int) -> Job:
        number = len(self.files)
        fingerprint = DEFAULT_CATALOGUE.named(job.model).fingerprint
        press = Press(number, fingerprint, job.user, job.destination, 0, seed=number, region=Chosen(0b1100011))
        return planned(next_job(job, ButtonId(action, index if action.about_one_picture else None, job.id), press))


def prompts() -> list[str]:
    """Words of the default model's benchmark: phrases, Chinese, emoji, plain things."""
    found: dict[str, list[Any]] = json.loads(PROMPTS.read_text(encoding="utf-8"))
    return [str(one[0]) for group in ("phrases", "chinese", "emoji") for one in found[group]] + found["nouns"]


if __name__ == "__main__":
    main()
