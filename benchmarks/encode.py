"""P7: a 2048x2048 grid as files, the CPU time of each and its size. Pixels are checked after a round trip.

The picture: four pictures by the default model, enlarged, with the fine grain that autoencoders leave.
"""

import io
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

from benchmarks.measure import DEFAULT, arguments, report, rounded
from model.drawing import generate
from model.loading import load
from model.request import text_to_image
from worker.encoding import UPLOAD_LIMIT_BYTES, assemble_grid, encode_lossless, encode_message

PARAMETERS = "a red apple --ar 1:1 --seed 7"


def pictures(grain: float) -> list[np.ndarray]:
    """Four pictures of 1024x1024."""
    bundle = load(DEFAULT)
    request = text_to_image("a red apple", seed=7, size=bundle.native_size, num_inference_steps=8)
    chance = np.random.default_rng(0)
    enlarged = [
        np.asarray(Image.fromarray(image).resize((1024, 1024), Image.Resampling.BICUBIC), dtype=float)
        for image in generate(bundle, request)
    ]
    return [(image + chance.normal(0, grain, image.shape)).round().clip(0, 255).astype(np.uint8) for image in enlarged]


def cpu_s(work: Callable[[], object], times: int) -> float:
    """Median CPU seconds of `work`, after one unmeasured run."""
    work()
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> None:
    parser = arguments(__doc__ or "", grain=3.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    images = pictures(options.grain)
    grid = assemble_grid(images)
    picture = Image.fromarray(grid)

    def pillow_default() -> bytes:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        return buffer.getvalue()

    lossless = encode_lossless(grid, parameters=PARAMETERS)
    message = encode_message(grid, parameters=PARAMETERS)
    if not np.array_equal(np.asarray(Image.open(io.BytesIO(lossless.data))), grid):
        raise SystemExit("The lossless file does not hold the pixels.")
    stock_s = cpu_s(pillow_default, 3)
    lossless_s = cpu_s(lambda: encode_lossless(grid, parameters=PARAMETERS), 9)
    message_s = cpu_s(lambda: encode_message(grid, parameters=PARAMETERS), 9)
    assembly_s = cpu_s(lambda: assemble_grid(images), 9)
    print(f"Pillow's default PNG: {stock_s * 1000:.0f} ms, {len(pillow_default()):,} bytes")
    print(f"ours: {lossless_s * 1000:.1f} ms lossless, {assembly_s * 1000:.1f} ms to assemble the grid")
    figures = {
        "lossless_ratio": rounded(stock_s / lossless_s, 1),
        "lossless_bytes": len(lossless.data),
        "message_ms": rounded(message_s * 1000, 1),
        "message_bytes": len(message.data),
    }
    goals = {
        "lossless_ratio": ">= 40",
        "lossless_bytes": f"<= {UPLOAD_LIMIT_BYTES}",
        "message_ms": "<= 30",
        "message_bytes": "<= 1000000",
    }
    report("P7 files of a 2048x2048 grid", figures, options.json, goals=goals)


if __name__ == "__main__":
    main()
