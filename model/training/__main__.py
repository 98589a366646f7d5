"""`python -m model.training STAGE --out DIR`: train the default model, whole or one stage at a time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .folder import TrainingError
from .recipe import RECIPES
from .stages import STAGES, Run, run_stages


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m model.training", description="Train Easel's default model.")
    parser.add_argument("stage", choices=("all", *STAGES), help="which stage to run; 'all' runs them in this order")
    parser.add_argument("--out", type=Path, required=True, help="the run's folder; a run that is there is resumed")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="training time, shared among the stages of this call"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    parser.add_argument(
        "--recipe",
        choices=sorted(RECIPES),
        default="small",
        help="small: for a CPU, grows from model/default; large: for a GPU, from nothing",
    )
    parser.add_argument("--init", type=Path, help="start from the weights in this model folder instead of from nothing")
    parser.add_argument(
        "--checkpoint",
        type=Path,
        help="go on with the unfinished parts (vae, unet) in this folder; the rest from --init",
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
