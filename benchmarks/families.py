"""Each family on its tiny model: time of a step and peak memory of a grid, beside diffusers' own pipeline.

Both draw the same request alone, in one process, in interleaved pairs, in CPU time; a step's time is that of eight more
steps, so encoding and decoding do not count. Memory is the most that the tensors made on the way take at a time. The
models are tiny: these figures say what our own loop costs beside theirs, not how fast a real model is.
"""

import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from benchmarks.measure import arguments, parity, report, rounded, timed
from benchmarks.stock import STOCK, comparable, prepared
from model import tiny
from model.drawing import generate
from model.forecast import Tally
from model.request import Reference, Request, text_to_image

FEW, MORE = 4, 12


def asked(bundle: Any, steps: int) -> Request:
    stock = STOCK[bundle.family.name]
    negatives = ("blue",) if stock.takes_negative else ()
    request = text_to_image(
        "a red apple", seed=7, size=stock.size, images=4, negatives=negatives, num_inference_steps=steps
    )
    if not bundle.family.needs_reference:
        return request
    return replace(request, controls=(Reference(bundle.example().controls[0].picture[:64, :64]),))


def peak_mib(work: Callable[[], Any]) -> float:
    with torch.inference_mode(), Tally() as tally:
        work()
    peak: int = tally.peak
    return peak / 2**20


def measure(name: str, pairs: int) -> dict[str, Any]:
    """One row of the table."""
    bundle = tiny.bundle(name)
    few, more = asked(bundle, FEW), asked(bundle, MORE)
    sides = {
        "stock": (prepared(bundle, few), prepared(bundle, more)),
        "ours": (lambda: generate(bundle, few), lambda: generate(bundle, more)),
    }
    pictures = {side: works[0]() for side, works in sides.items()}
    step_ms: dict[str, list[float]] = {side: [] for side in sides}
    for number in range(pairs):
        for side in sorted(sides, reverse=number % 2 == 0):
            short, long = (timed(work, bundle.device)[0] for work in sides[side])
            step_ms[side].append(1000 * (long - short) / (MORE - FEW))
    ratios = [stock / ours for stock, ours in zip(step_ms["stock"], step_ms["ours"], strict=True)]
    return {
        "stock_step_ms": rounded(statistics.median(step_ms["stock"]), 2),
        "our_step_ms": rounded(statistics.median(step_ms["ours"]), 2),
        "step_ratio": rounded(statistics.median(ratios), 2),
        "stock_peak_mib": rounded(peak_mib(sides["stock"][0]), 2),
        "our_peak_mib": rounded(peak_mib(sides["ours"][0]), 2),
        "levels": parity(pictures["stock"], pictures["ours"])["max_level_diff"],
    }


def main() -> None:
    parser = arguments(__doc__ or "", pairs=5)
    parser.add_argument("families", nargs="*", help="names of families; all of them if none")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, dict[str, Any]] = {}
    with comparable():
        for name in options.families or STOCK:
            rows[name] = measure(name, options.pairs)
    print("| family | ms a step: stock | ours | ratio | peak MiB: stock | ours | levels apart |")
    print("|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        print(f"| `{name}` | {' | '.join(format(value, 'g') for value in row.values())} |")
    figures = {f"{name}_{key}": value for name, row in rows.items() for key, value in row.items()}
    if options.json:
        report("Families beside stock", figures, True)


if __name__ == "__main__":
    main()
