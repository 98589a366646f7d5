"""`python -m model.training STAGE --out DIR`: train the default model, whole or one stage at a time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .folder import TrainingError
from .recipe import RECIPES
from .run import Run
from .stages import ASKED_FOR, STAGES, run_stages


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.training", description="Train Easel's default model.")
    parser.add_argument(
        "stage",
        choices=("all", *STAGES, *ASKED_FOR),
        help="which stage to run; 'all' runs them in this order, up to 'export'",
    )
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; a run that is there is resumed")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="training time, shared among the stages of this call"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        default="small",
        help="small: for a CPU, 64 pixels, goes on from model/default; broad: the same, but things stay before one "
        "colour: empty places, people, icon sets by name, wide and tall pictures are new; "
        "placed: things and people in places that are out of focus behind them, goes on from both; "
        "medium: 128 pixels, grows from small; large: for a GPU, from nothing",
    )
    parser.add_argument("--init", type=Path, help="start from the weights in this model folder instead of from nothing")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="go on with the unfinished parts (vae, unet, text_encoder) in this folder; the rest from --init",
    )
    parser.add_argument(
        "--mix",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="begin with the mean of two denoisers: this share of --checkpoint, the rest of --init (default: 1)",
    )
    parser.add_argument("--icons", type=Path, help="icons.zip of another run, instead of fetching and rendering")
    parser.add_argument("--cache", type=Path, help="where npm packages are kept (default: OUT/npm)")
    parser.add_argument(
        "--processes",
        type=int,
        default=2,
        help="processes for rendering, composing and, on a CPU, the denoiser (default: 2)",
    )
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    run = Run(
        out=options.out,
        recipe=RECIPES[options.recipe],
        device=options.device,
        init=options.init,
        checkpoint=options.checkpoint,
        mix=options.mix,
        icons=options.icons,
        cache=options.cache or options.out / "npm",
        processes=options.processes,
        seed=options.seed,
    )
    try:
        run_stages(run, STAGES if options.stage == "all" else (options.stage,), options.minutes)
    except TrainingError as error:
        print(f"model.training: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"model.training: stopped. The same command goes on from the last checkpoint in {run.out}.", file=sys.stderr
        )
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
