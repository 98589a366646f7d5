"""P6: grids a second with a slow upload, over grids a second with none: what posting costs the drawing.

Grids are drawn one after another as a busy worker does it, two always in the engine; each is encoded and then sent to a
sink that takes 50 Mbit/s and answers after 100 ms. Wall clock, as an upload is waiting and not work; both ways are run
in turns, and the pace is the median time between two finished posts, so that a burst of other work does not count.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import torch

from benchmarks.measure import DEFAULT, arguments, report, rounded
from model.components import load
from model.engine import Engine
from model.text_to_image import text_to_image
from model.ticket import Ticket
from worker.encoding import assemble_grid, encode_lossless, encode_message

BYTES_A_SECOND = 50_000_000 / 8
ANSWER_S = 0.1


def main() -> None:
    parser = arguments(__doc__ or "", grids=8, rounds=4, steps=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load(DEFAULT)
    engine = Engine(bundle, quicken="off")
    engine.start()
    engine.denoiser.quicken("trace")

    def post(ticket: Ticket, upload: bool) -> float:
        images = ticket.result()
        files = [encode_message(assemble_grid(images), parameters="a rocket")]
        files += [encode_lossless(image, parameters="a rocket") for image in images]
        if upload:
            time.sleep(ANSWER_S + sum(len(file.data) for file in files) / BYTES_A_SECOND)
        return time.perf_counter()

    def intervals_s(upload: bool) -> list[float]:
        with ThreadPoolExecutor(max_workers=8) as posts:
            in_engine: list[Ticket] = []
            posted = []
            for number in range(options.grids):
                request = text_to_image(
                    "a rocket", seed=number, size=bundle.native_size, num_inference_steps=options.steps
                )
                in_engine.append(engine.submit(request))
                posted.append(posts.submit(post, in_engine[-1], upload))
                if len(in_engine) == 2:
                    in_engine.pop(0).result()
            ends = sorted(one.result() for one in posted)
            return [later - earlier for earlier, later in pairwise(ends)]

    intervals_s(False)
    with_upload: list[float] = []
    without: list[float] = []
    for number in range(options.rounds):
        for upload in (True, False) if number % 2 else (False, True):
            (with_upload if upload else without).extend(intervals_s(upload))
    engine.close()
    fast, slow = 1 / statistics.median(without), 1 / statistics.median(with_upload)
    print(f"{fast:.2f} grids a second without any upload, {slow:.2f} with it")
    figures = {"efficiency": rounded(slow / fast, 3)}
    report("P6 throughput beside a slow upload", figures, options.json, goals={"efficiency": ">= 0.98"})


if __name__ == "__main__":
    main()
