"""P3: a mixed load, eight requests at a time: steps 4 to 30, guidance 1 to 9, three samplers, one image or four.

Stock: the pipeline, job after job in order of arrival, the scheduler set for each. Ours: the engine, always eight
requests in it, a new one for each that ends. Both draw the same jobs; the ratio is that of the times for all of them.
"""

from collections import deque
from typing import Any

import numpy as np
import torch

from benchmarks import shapes
from benchmarks.measure import (
    arguments,
    on_card,
    pairs,
    parity,
    report,
    rounded,
    stock_call,
    stock_pipeline,
    stock_scheduler,
)
from model.engine import Engine
from model.request import Request, text_to_image

AT_ONCE = 8


def jobs(count: int, size: tuple[int, int]) -> list[Request]:
    """A fixed sequence: half single images, half grids."""
    prompts = ("a red apple", "a blue car", "a rocket", "a green tree", "a yellow star")
    return [
        text_to_image(
            prompts[k % 5],
            seed=100 + k,
            size=size,
            images=(1, 4)[k % 2],
            num_inference_steps=(4, 8, 20, 30)[k * 7 % 4],
            guidance_scale=(1.0, 3.0, 5.0, 9.0, 7.0)[k * 3 % 5],
            sampler=("ddim", "dpmpp_2m", "euler")[k % 3],
        )
        for k in range(count)
    ]


def main() -> None:
    parser = arguments(__doc__ or "", pairs=3, jobs=12)
    on_card(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle, folder = shapes.bundle(options.shape, options.device)
    pipeline = stock_pipeline(bundle, folder)
    requests = jobs(options.jobs, bundle.native_size)
    schedulers = {
        sampler: stock_scheduler(bundle, sampler) for sampler in {request.sampling.sampler for request in requests}
    }
    pictures: dict[str, list[Any]] = {}

    def stock() -> None:
        results = []
        for request in requests:
            pipeline.scheduler = schedulers[request.sampling.sampler]
            results.append(stock_call(pipeline, request))
        pictures["stock"] = results

    engine = Engine(bundle, quicken="off")
    engine.start()
    quick = engine.denoiser.usual_way() != "off" and engine.denoiser.quicken(engine.denoiser.usual_way())

    def ours() -> None:
        waiting, running, results = deque(requests), deque[Any](), []
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                running.append(engine.submit(waiting.popleft()))
            results.append(running.popleft().result())
        pictures["ours"] = results

    ratio, stock_s, ours_s, ratios = pairs(stock, ours, options.pairs, bundle.device)
    engine.close()
    same = parity(
        [np.asarray(image) for images in pictures["stock"] for image in images],
        [image for images in pictures["ours"] for image in images],
    )
    equal = sum(
        all(np.array_equal(np.asarray(one), other) for one, other in zip(ones, others, strict=True))
        for ones, others in zip(pictures["stock"], pictures["ours"], strict=True)
    )
    print(f"ratios of the pairs: {ratios[0]:.2f} to {ratios[-1]:.2f}; recorded graph: {quick}")
    print(f"{equal} of {len(requests)} jobs are equal to stock bit by bit")
    figures = {
        "ratio": rounded(ratio, 3),
        "stock_s": rounded(stock_s),
        "ours_s": rounded(ours_s),
        **same,
        "threads": torch.get_num_threads(),
        "steps": sum(request.sampling.num_inference_steps for request in requests),
    }
    report(
        f"P3 mixed load of {len(requests)} jobs, {AT_ONCE} at a time", figures, options.json, goals={"ratio": ">= 1.6"}
    )


if __name__ == "__main__":
    main()
