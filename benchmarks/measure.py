"""What all benchmarks share: pairs, medians, pictures compared, one table and one line of JSON.

The stock side is diffusers' own pipeline, eager, on the same weights, seeds, sampler and steps. Both sides run in one
process in interleaved pairs (A B, B A, ...). On the CPU the clock is the process's own CPU time over all its threads,
so that neighbours on a busy machine are not counted; on a card it is the wall clock after a synchronisation.
"""

import argparse
import gc
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch

from model import seeds
from model.components import Bundle
from model.request import Request
from model.schedulers import SAMPLERS

DEFAULT = Path(__file__).parents[1] / "model" / "default"


def arguments(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """A parser with what every benchmark takes: `--json`, and `--pairs` where it has a default."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="print one line of JSON, last on stdout")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser


def on_card(parser: argparse.ArgumentParser) -> None:
    """`--device` and `--shape`: random weights shaped like a full-sized model, for timing on a card."""
    parser.add_argument("--device", default="cpu", help="cpu (the default) or cuda")
    parser.add_argument("--shape", choices=("default", "sd15", "sdxl"), default="default")


def clock(device: torch.device) -> float:
    """Seconds: CPU time of this process, or on a card the wall clock once the card has caught up."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def timed(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    """How long `work` takes by `clock`, and what it returns."""
    gc.collect()
    start = clock(device)
    result = work()
    return clock(device) - start, result


def pairs(
    stock: Callable[[], Any], ours: Callable[[], Any], count: int, device: torch.device
) -> tuple[float, float, float, list[float]]:
    """Run both `count` times, each first in turn, after one unmeasured run of each.

    Returns the median of the pairs' ratios (stock over ours), both medians in seconds, and all ratios.
    """
    stock()
    ours()
    stock_s, ours_s = [], []
    for number in range(count):
        first, second = (stock, ours) if number % 2 == 0 else (ours, stock)
        one, other = timed(first, device)[0], timed(second, device)[0]
        stock_s.append(one if first is stock else other)
        ours_s.append(other if first is stock else one)
    ratios = [a / b for a, b in zip(stock_s, ours_s, strict=True)]
    return statistics.median(ratios), statistics.median(stock_s), statistics.median(ours_s), sorted(ratios)


def parity(stock: Sequence[np.ndarray], ours: Sequence[np.ndarray]) -> dict[str, float]:
    """`max_level_diff` in levels of 255 and `psnr_db` (99 for equal pictures)."""
    differences = [one.astype(int) - other for one, other in zip(stock, ours, strict=True)]
    error = float(np.mean([np.square(difference).mean() for difference in differences]))
    return {
        "max_level_diff": max(int(np.abs(difference).max()) for difference in differences),
        "psnr_db": 99.0 if error == 0 else round(float(10 * np.log10(255**2 / error)), 1),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0..1) of all values do not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def stock_pipeline(bundle: Bundle, folder: Path | None = None) -> Any:
    """Diffusers' pipeline: loaded from `folder` by itself, or around the parts of a bundle of random weights."""
    import diffusers

    if folder is not None:
        pipeline = diffusers.StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    else:
        text: Any = bundle.text
        common = {
            "vae": bundle.vae,
            "unet": bundle.denoiser,
            "text_encoder": text.encoders[0],
            "tokenizer": text.tokenizers[0],
            "scheduler": diffusers.DDIMScheduler.from_config(dict(bundle.scheduler_config)),
        }
        if len(text.encoders) == 1:
            extra = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
            pipeline = diffusers.StableDiffusionPipeline(**common, **extra)
        else:
            pipeline = diffusers.StableDiffusionXLPipeline(
                **common, text_encoder_2=text.encoders[1], tokenizer_2=text.tokenizers[1], add_watermarker=False
            )
    pipeline = pipeline.to(bundle.device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def stock_scheduler(bundle: Bundle, sampler: str) -> Any:
    """The scheduler a diffusers user would set, with the documented bound for cosine schedules."""
    import diffusers

    config = dict(bundle.scheduler_config)
    cosine = config.get("beta_schedule") == "squaredcos_cap_v2"
    extra = {"lambda_min_clipped": -5.1} if cosine and sampler == "dpmpp_2m" else {}
    return getattr(diffusers, SAMPLERS[sampler].scheduler).from_config(config, **extra)


def stock_call(pipeline: Any, request: Request) -> list[Any]:
    """The request as a call of the stock pipeline: all its images in one batch, PIL images out."""
    return list(
        pipeline(
            prompt=request.prompt.parts[0][0],
            num_images_per_prompt=len(request.noises),
            num_inference_steps=request.sampling.num_inference_steps,
            guidance_scale=request.sampling.guidance_scale,
            width=request.size.width,
            height=request.size.height,
            generator=[seeds.generator(noise.seed, noise.index) for noise in request.noises],
        ).images
    )


def report(title: str, figures: Mapping[str, Any], as_json: bool, *, goals: Mapping[str, str] | None = None) -> None:
    """The table, and with `--json` the same figures as one line at the end."""
    print(title)
    for name, value in figures.items():
        goal = f"   (goal {goals[name]})" if goals and name in goals else ""
        print(f"  {name:18} {value:g}{goal}" if isinstance(value, (int, float)) else f"  {name:18} {value}{goal}")
    if as_json:
        print(json.dumps(dict(figures)), flush=True)


def rounded(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
