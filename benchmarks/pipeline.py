"""P6: grids a second with a slow upload, over grids a second with none: what posting costs the drawing.

Grids are drawn one after another as a busy worker does it, two always in the engine; each is encoded and then sent to a
sink that takes 50 Mbit/s and answers after 100 ms. Wall clock, as an upload is waiting and not work, less the time in
which the engine's thread could have run and other work on the machine had the processor (`schedstat`): that would be
counted as the upload's. Both ways are run in turns, and the pace is counted from the first finished post to the last,
as an upload delays all of them alike; the figure is the median of the pairs.
"""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from benchmarks.measure import DEFAULT, arguments, report, rounded
from model.engine import Engine
from model.loading import load
from model.request import text_to_image
from model.ticket import Ticket
from worker.encoding import assemble_grid, encode_lossless, encode_message

BYTES_A_SECOND = 50_000_000 / 8
ANSWER_S = 0.1


def own_time_s(thread: int) -> float:
    """Seconds of a steady clock that stands still while a thread waits for a processor."""
    delay_ns = int(Path(f"/proc/self/task/{thread}/schedstat").read_text().split()[1])
    return time.perf_counter() - delay_ns / 1e9


def main() -> None:
    parser = arguments(__doc__ or "", grids=8, rounds=10, steps=20)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load(DEFAULT)
    engine = Engine(bundle, quicken="off")
    engine.start()
    engine.denoiser.quicken(engine.denoiser.usual_way())
    drawing = next(thread.native_id for thread in threading.enumerate() if thread.name == "denoise")
    assert drawing is not None

    def post(ticket: Ticket, upload: bool) -> float:
        images = ticket.result()
        files = [encode_message(assemble_grid(images), parameters="a rocket")]
        files += [encode_lossless(image, parameters="a rocket") for image in images]
        if upload:
            time.sleep(ANSWER_S + sum(len(file.data) for file in files) / BYTES_A_SECOND)
        return own_time_s(drawing)

    def grids_a_second(upload: bool) -> float:
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
            return (len(ends) - 1) / (ends[-1] - ends[0])

    grids_a_second(False)
    paces: dict[bool, list[float]] = {True: [], False: []}
    for number in range(options.rounds):
        for upload in (True, False) if number % 2 else (False, True):
            paces[upload].append(grids_a_second(upload))
    engine.close()
    ratios = sorted(one / other for one, other in zip(paces[True], paces[False], strict=True))
    slow, fast = (statistics.median(paces[upload]) for upload in (True, False))
    print(f"{fast:.2f} grids a second without any upload, {slow:.2f} with it")
    print(f"ratios of the rounds: {ratios[0]:.2f} to {ratios[-1]:.2f}")
    figures = {"efficiency": rounded(statistics.median(ratios), 3)}
    report("P6 throughput beside a slow upload", figures, options.json, goals={"efficiency": ">= 0.98"})


if __name__ == "__main__":
    main()
