"""P1: a grid of four as a person waits for it, from the prompt to the file.

Three pairs. *Exact*: the same sampler, steps and guidance on both sides, and pictures that must agree; the engine
alone, as stock enlarges nothing. *Served*: what the catalogue gives for the same words, enlarged, beside stock at
the fewest steps of its own sampler that the judge finds as good (`--stock-steps`; `benchmarks.default_model`). *Draft*:
the same with `--draft`. Stock is the pipeline with `num_images_per_prompt=4`, `make_image_grid`, `save` as PNG; ours
ends with the message file, as the stock side makes one file too.
"""

import io
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import shapes
from benchmarks.measure import arguments, on_card, pairs, parity, report, rounded, stock_call, stock_pipeline, timed
from contract.catalogue import DEFAULT_CATALOGUE, EASEL_SMALL
from contract.ids import job_id
from contract.jobs import DiscordChannel, Job, User
from contract.kinds.imagine import Imagine
from contract.planning import plan
from contract.prompt import parse
from model.engine import Engine
from model.request import text_to_image
from worker.alone import make_alone
from worker.encoding import assemble_grid, encode_message
from worker.engines import Warm
from worker.loading import Loader
from worker.results import Pictures

PROMPT, SEED = "a red apple", 7


def loaded(device: str, graphs: Path | None = None) -> Warm:
    """The model that ships as a worker has it once its graphs are recorded."""
    warm = Loader(DEFAULT_CATALOGUE, device, graphs=graphs).load(EASEL_SMALL.name)
    assert isinstance(warm.engine, Engine)
    way = warm.engine.denoiser.usual_way()
    if way != "off":
        warm.engine.denoiser.quicken(way)
    return warm


def asked(words: str) -> Job:
    """The default model's job for these words."""
    return Job(
        id=job_id(SEED, EASEL_SMALL.fingerprint, 1),
        request=Imagine(),
        prompt=parse(words).prompts[0],
        model=EASEL_SMALL.name,
        user=User(1, "someone"),
        destination=DiscordChannel(1),
        created_ms=0,
    )


def served(warm: Warm, words: str) -> Callable[[], bytes]:
    """What a worker does for these words, from the plan to the message file."""
    job = asked(words)

    def make() -> bytes:
        result = make_alone(job, plan(job, EASEL_SMALL), EASEL_SMALL, warm)
        assert isinstance(result, Pictures)
        return encode_message(assemble_grid(result.images), parameters=words).data

    return make


def main() -> None:
    parser = arguments(__doc__ or "", pairs=9, steps=20)
    parser.add_argument("--stock-steps", type=int, default=20, help="of stock beside what is served (default: 20)")
    on_card(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    from diffusers.utils import make_image_grid

    bundle, folder = shapes.bundle(options.shape, options.device)
    pipeline = stock_pipeline(bundle, folder)
    pictures: dict[str, Any] = {}

    def stock(steps: int) -> bytes:
        request = text_to_image(PROMPT, seed=SEED, size=bundle.native_size, num_inference_steps=steps)
        pictures["stock"] = stock_call(pipeline, request)
        buffer = io.BytesIO()
        make_image_grid(pictures["stock"], 2, 2).save(buffer, "PNG")
        return buffer.getvalue()

    engine = Engine(bundle, quicken="off")
    engine.start()
    quick = engine.denoiser.quicken(engine.denoiser.usual_way()) if engine.denoiser.usual_way() != "off" else False
    request = text_to_image(PROMPT, seed=SEED, size=bundle.native_size, num_inference_steps=options.steps)

    def ours() -> bytes:
        pictures["ours"] = engine.submit(request).result()
        return encode_message(assemble_grid(pictures["ours"]), parameters=PROMPT).data

    ratio, stock_s, ours_s, ratios = pairs(lambda: stock(options.steps), ours, options.pairs, bundle.device)
    engine.close()
    same = parity([np.asarray(image) for image in pictures["stock"]], pictures["ours"])
    figures = {"ratio": rounded(ratio, 3), "stock_s": rounded(stock_s), "ours_s": rounded(ours_s), **same}
    if options.shape == "default":
        figures |= _served(lambda: stock(options.stock_steps), options.pairs, bundle.device)
    figures |= {"threads": torch.get_num_threads(), "steps": options.steps}
    print(f"exact: ratios of the pairs {ratios[0]:.2f} to {ratios[-1]:.2f}; recorded graph: {quick}")
    goals = {"ratio": ">= 2.0", "served_ratio": ">= 4", "draft_ratio": ">= 8", "enlarge_s": "<= 0.08"}
    report("P1 grid of four, from the prompt to the file", figures, options.json, goals=goals)


def _served(stock: Callable[[], bytes], count: int, device: torch.device) -> dict[str, float]:
    """The catalogue's own model as a worker has it."""
    warm = loaded(str(device))
    figures: dict[str, float] = {}
    for name, words in (("served", PROMPT), ("draft", f"{PROMPT} --draft")):
        ratio, _, ours_s, _ = pairs(stock, served(warm, words), count, device)
        figures |= {f"{name}_ratio": rounded(ratio, 2), f"{name}_s": rounded(ours_s)}
    side = round(EASEL_SMALL.pixels**0.5)
    drawn = [np.full((side, side, 3), 40 * number, np.uint8) for number in range(1, 5)]
    if warm.enlarge is not None:
        enlarge, planned = warm.enlarge, plan(asked(PROMPT), EASEL_SMALL)
        enlarge(drawn, planned)
        figures["enlarge_s"] = rounded(
            statistics.median(timed(lambda: enlarge(drawn, planned), device)[0] for _ in range(count))
        )
    warm.engine.close()
    return figures


if __name__ == "__main__":
    main()
