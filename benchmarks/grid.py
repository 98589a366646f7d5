"""P1: a grid of four, from the start of the job to the encoded bytes.

Stock: the pipeline with `num_images_per_prompt=4`, `make_image_grid`, `save` as PNG. Ours: the engine, the grid
assembled from arrays, the message file and four lossless files for the store are what a job costs; the ratio counts the
message file, as the stock side makes one file too. Same prompt, seed, sampler (the model's own) and steps.
"""

import io
from typing import Any

import numpy as np
import torch

from benchmarks import shapes
from benchmarks.measure import arguments, on_card, pairs, parity, report, rounded, stock_call, stock_pipeline
from model.engine import Engine
from model.request import text_to_image
from worker.encoding import assemble_grid, encode_message


def main() -> None:
    parser = arguments(__doc__ or "", pairs=9, steps=20)
    on_card(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    from diffusers.utils import make_image_grid

    bundle, folder = shapes.bundle(options.shape, options.device)
    pipeline = stock_pipeline(bundle, folder)
    request = text_to_image("a red apple", seed=7, size=bundle.native_size, num_inference_steps=options.steps)
    pictures: dict[str, Any] = {}

    def stock() -> bytes:
        images = stock_call(pipeline, request)
        buffer = io.BytesIO()
        make_image_grid(images, 2, 2).save(buffer, "PNG")
        pictures["stock"] = images
        return buffer.getvalue()

    engine = Engine(bundle, quicken="off")
    engine.start()
    quick = engine.denoiser.quicken(engine.denoiser.usual_way()) if engine.denoiser.usual_way() != "off" else False

    def ours() -> bytes:
        images = engine.submit(request).result()
        pictures["ours"] = images
        return encode_message(assemble_grid(images), parameters="a red apple").data

    ratio, stock_s, ours_s, ratios = pairs(stock, ours, options.pairs, bundle.device)
    engine.close()
    same = parity([np.asarray(image) for image in pictures["stock"]], pictures["ours"])
    figures = {
        "ratio": rounded(ratio, 3),
        "stock_s": rounded(stock_s),
        "ours_s": rounded(ours_s),
        **same,
        "threads": torch.get_num_threads(),
        "steps": options.steps,
    }
    print(f"ratios of the pairs: {ratios[0]:.2f} to {ratios[-1]:.2f}; recorded graph: {quick}")
    report("P1 grid of four, job start to encoded bytes", figures, options.json, goals={"ratio": ">= 2.5"})


if __name__ == "__main__":
    main()
