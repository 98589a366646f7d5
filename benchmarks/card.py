"""The first thing to run on a card: what its models take and give there, and where they differ from diffusers' own.

    python -m benchmarks.card                     all models of the catalogue (CATALOGUE), real weights, device cuda
    python -m benchmarks.card sdxl --steps 30     one of them; a folder, a file or a hub id will do as well

Of each model: expected and measured memory, a grid of the model's own size, steps and sampler against diffusers' own
pipeline in interleaved pairs, how far their pixels are apart, and one denoising step of a grid, as it is and with its
blocks compiled, with the share of what a matrix product reaches in the same run. Nothing here was run on a card yet:
please send what it prints.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import arguments, pairs, parity, report, rounded, timed
from benchmarks.shapes import matmul_peak_tflops
from benchmarks.stock import STOCK, prepared
from contract.catalogue import DEFAULT_CATALOGUE, Catalogue, Model, read_catalogue
from contract.errors import UserError
from model.components import Bundle
from model.denoiser import Denoiser
from model.engine import Engine
from model.errors import ModelError
from model.forecast import forecast
from model.loading import Source
from model.memory import peak_bytes
from model.request import Request, Sampling, Size
from worker.loading import drawn_by, quiet_libraries, source_of

ROWS = 8
"""Of a guided grid of four."""
MOST_COMPILES = 8
"""torch compiles a function for so many kinds of shapes before it gives up."""


def options_of(words: Sequence[str] | None = None) -> argparse.Namespace:
    """What was asked for."""
    parser = arguments(__doc__ or "", pairs=3, steps=0)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("models", nargs="*", help="names of the catalogue, folders, files or hub ids; all if none")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default=None, help="float32, bfloat16 or float16; the device's best if not given")
    parser.add_argument("--no-compile", action="store_true", help="leave out the blocks compiled by torch.compile")
    return parser.parse_args(words)


def offered() -> Catalogue:
    """The operator's catalogue, or the one that ships."""
    path = os.environ.get("CATALOGUE", "")
    return read_catalogue(Path(path).read_text(encoding="utf-8")) if path else DEFAULT_CATALOGUE


def grid_of(bundle: Bundle, entry: Model | None, steps: int) -> Request:
    """Four pictures of the model's own size, as the catalogue would have them drawn."""
    request = bundle.example(4)
    sampling = Sampling(steps or 20)
    if entry is not None:
        sampling = Sampling(steps or entry.num_inference_steps, entry.guidance_scale, entry.sampler)
    return replace(request, sampling=sampling)


def step(bundle: Bundle, request: Request, repeat: int = 3) -> dict[str, float]:
    """Seconds of a forward of a grid's rows, and what share of the matrix-product peak that is."""
    size = Size(*bundle.native_size)
    shape = (ROWS, *bundle.latent_shape(size))
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(bundle.device)
    timesteps = torch.full((ROWS,), 500.0, device=bundle.device)

    def forward(family: Any) -> Callable[[], Any]:
        rows: Any = list(latents) if bundle.family.mixes_shapes else latents
        return lambda: family.predict(rows, timesteps, conditions)

    with torch.inference_mode():
        conditions = _conditions(bundle, request)
        plain = forward(bundle.family)
        plain()
        with FlopCounterMode(display=False) as counter:
            plain()
        seconds = min(timed(plain, bundle.device)[0] for _ in range(repeat))
    tflops, peak = counter.get_total_flops() / seconds / 1e12, matmul_peak_tflops(bundle.device)
    return {"step_s": rounded(seconds, 5), "tflops": rounded(tflops, 3), "peak_share": rounded(tflops / peak, 3)}


def compiled_step(bundle: Bundle, request: Request, repeat: int = 3) -> dict[str, float]:
    """The same with the repeated blocks compiled; nothing where that is not possible."""
    denoiser = Denoiser(bundle, ROWS)
    if not denoiser.quicken("compile") or denoiser._quick is None:
        return {}
    predicts = denoiser._quick
    latents = torch.zeros(ROWS, *bundle.latent_shape(Size(*bundle.native_size)), device=bundle.device)
    timesteps = torch.full((ROWS,), 500.0, device=bundle.device)
    rows: Any = list(latents) if bundle.family.mixes_shapes else latents
    with torch.inference_mode():
        conditions = _conditions(bundle, request)
        compile_s = _settled(lambda: predicts.predict(rows, timesteps, conditions), bundle.device)
        times = [timed(lambda: predicts.predict(rows, timesteps, conditions), bundle.device)[0] for _ in range(repeat)]
    return {"compiled_step_s": rounded(min(times), 5), "compile_s": rounded(compile_s, 1)}


def _settled(work: Callable[[], Any], device: torch.device) -> float:
    """Do `work` until torch compiles nothing more for it, and say for how many seconds it has compiled.

    A first call compiles what its shapes need, and a second one may find that a shape has to be open after all.
    """
    from torch._dynamo.utils import counters

    compiling_s = 0.0
    for _ in range(MOST_COMPILES):
        graphs = counters["stats"]["unique_graphs"]
        seconds, _ = timed(work, device)
        if counters["stats"]["unique_graphs"] == graphs:
            break
        compiling_s += seconds
    return compiling_s


def _conditions(bundle: Bundle, request: Request) -> list[Any]:
    """Of a grid's rows, as the engine would have them."""
    from model.state import DenoisingState

    [*_, conditions] = DenoisingState(bundle, request).rows()
    return (list(conditions) * ROWS)[:ROWS]


def measure(bundle: Bundle, request: Request, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one model."""
    made = bundle.placement.forecast or forecast(bundle, request.size)
    figures: dict[str, Any] = {
        "weights_mib": rounded(sum(made.weights.values()) / 2**20, 1),
        "expected_mib": rounded((sum(made.weights.values()) + made.activations) / 2**20, 1),
        "streamed": ", ".join(sorted(bundle.placement.streamed)) or "nothing",
    }
    engine = Engine(bundle)
    engine.start()
    try:
        engine.submit(bundle.example()).result()
        pictures = engine.submit(request).result()
        if bundle.device.type == "cuda":
            figures["peak_mib"] = rounded(peak_bytes(bundle.device) / 2**20, 1)
        if bundle.family.name in STOCK:
            stock = prepared(bundle, request)
            compared = parity(stock(), pictures)
            ratio, stock_s, ours_s, _ = pairs(
                stock, lambda: engine.submit(request).result(), options.pairs, bundle.device
            )
            figures |= {"grid_ratio": rounded(ratio, 2), "stock_s": rounded(stock_s, 3), "ours_s": rounded(ours_s, 3)}
            figures |= compared
    finally:
        engine.close()
    figures |= step(bundle, request)
    return figures if options.no_compile else figures | compiled_step(bundle, request)


def describe(device: torch.device) -> str:
    """The device and what drives it."""
    import diffusers

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    peak = matmul_peak_tflops(device)
    return f"{name}; torch {torch.__version__}, diffusers {diffusers.__version__}; matrix product {peak:.3g} TFLOP/s"


def main(words: Sequence[str] | None = None) -> int:
    """Exit status 2 when a model, or the device, cannot be had."""
    options = options_of(words)
    quiet_libraries()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(
            "There is no card here that torch can use: `--device cpu` runs the same on the processor.", file=sys.stderr
        )
        return 2
    if device.type == "cpu":
        torch.set_num_threads(1)
    print(describe(device))
    catalogue = offered()
    for name in options.models or [model.name for model in catalogue]:
        entry = next((model for model in catalogue if model.name == name), None)
        try:
            bundle = drawn_by(Source(name) if entry is None else source_of(entry), entry, options.device, options.dtype)
            figures = measure(bundle, grid_of(bundle, entry, options.steps), options)
        except (ModelError, UserError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 2
        report(f"{name} ({bundle.family.name}, {bundle.dtype}, {bundle.native_size[0]} pixels)", figures, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
