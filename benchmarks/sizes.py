"""What shapes and parts of a picture cost beside the square whole.

`--ar`: the time of a grid a pixel at each ratio, beside the square's, on the model that ships. Vary (Region): the time
of one picture with a quarter painted again (denoising and decoding, reading the source included), beside a new one's,
on a UNet and an autoencoder of SDXL's depth and size with a tenth of its width, at 1024x1024.

python -m benchmarks.sizes [--rounds 5] [--json]
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.measure import DEFAULT, arguments, report, rounded, timed
from benchmarks.operations import first, pressed
from benchmarks.shapes import random_bundle
from contract.actions import Action
from contract.catalogue import EASEL_SMALL
from contract.jobs import Job
from contract.planning import fit_size, plan
from model.engine import Engine
from model.loading import load
from model.request import Request, text_to_image
from worker.kinds import MAKERS, Bench

RATIOS = ((3, 2), (4, 3), (16, 9), (21, 9), (9, 16))
STEPS = 4
QUARTERS = {
    "corner": sum(1 << row * 5 + column for row in range(3) for column in range(2)),
    "middle": sum(1 << row * 5 + column for row in (1, 2, 3) for column in (1, 2)),
}
"""Six of 25 cells, at an edge and all round inside."""
SDXL = replace(EASEL_SMALL, pixels=1024 * 1024, size_multiple=64, num_inference_steps=STEPS, enlargement=1)
CPU = torch.device("cpu")


def main() -> None:
    """Measure both and say so."""
    parser = arguments(__doc__ or "", rounds=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, Any] = {f"pixel_{name}": value for name, value in shapes(options.rounds).items()}
    figures |= {f"region_{name}": value for name, value in regions(max(1, options.rounds // 2)).items()}
    goals = {name: "<= 1.2" if name.startswith("pixel") else "<= 0.45" for name in figures}
    report("The square whole is 1", figures, options.json, goals=goals)


def shapes(rounds: int) -> dict[str, float]:
    """Time a pixel at each ratio, as a multiple of the square's."""
    engine = Engine(load(DEFAULT, device="cpu"))
    engine.start()
    square = fit_size(EASEL_SMALL, 1, 1)
    sizes = {"1:1": square} | {f"{ratio[0]}:{ratio[1]}": fit_size(EASEL_SMALL, *ratio) for ratio in RATIOS}

    def drawn(size: tuple[int, int]) -> Callable[[], Any]:
        request = text_to_image("a red apple", seed=7, size=size, num_inference_steps=EASEL_SMALL.num_inference_steps)
        return lambda: engine.submit(request).result()

    times = _medians({name: drawn(size) for name, size in sizes.items()}, rounds)
    engine.close()
    pixels = {name: times[name] / (width * height) for name, (width, height) in sizes.items()}
    return {name: rounded(pixels[name] / pixels["1:1"], 3) for name in sizes if name != "1:1"}


def regions(rounds: int) -> dict[str, float]:
    """Time of a region of a quarter, as a share of a whole grid's."""
    engine = Engine(random_bundle("slim", CPU), quicken="off")
    engine.start()
    grid = first("a red apple", 4)
    single = pressed(grid, Action.UPSCALE, 1)
    source = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3)).astype(np.uint8)

    def drawn(job: Job) -> Callable[[], Any]:
        made = plan(job, SDXL)

        def draw_each(requests: Sequence[Request]) -> list[Any]:
            return [engine.submit(request).result() for request in requests]

        bench = Bench(
            replace(job, plan=made),
            made,
            {},
            range(1),
            draw_each,
            finish=lambda images, request: images,
            paints=lambda request: False,
            enlarge=lambda images: images,
            upscale=lambda image: image,
            draw_together=draw_each,
            source=source,
        )
        return lambda: MAKERS[job.request.kind](bench)

    jobs = {name: pressed(single, Action.VARY_REGION, 2 + cells, cells=cells) for name, cells in QUARTERS.items()}
    times = _medians({name: drawn(job) for name, job in {"grid": grid, **jobs}.items()}, rounds)
    engine.close()
    return {name: rounded(times[name] / times["grid"], 3) for name in jobs}


def _medians(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of each, all of them in turn; the first round does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(rounds + 1):
        for name, work in works.items():
            took = timed(work, CPU)[0]
            if number:
                times[name].append(took)
    return {name: statistics.median(took) for name, took in times.items()}


if __name__ == "__main__":
    main()
