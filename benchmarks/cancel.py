"""P5: from `cancel()` until the rows are free, in steps the request still took, and in time past the running step.

Three requests share every forward; one of them is cancelled at a random moment, over and over. The extra time is that
between the end of the forward that was running (or had just ended) and the moment the rows were free.
"""

import random
import threading
import time
from bisect import bisect_right
from collections.abc import Sequence

import torch

from benchmarks.measure import DEFAULT, arguments, percentile, report, rounded
from model.engine import Engine
from model.errors import Cancelled
from model.loading import load
from model.request import text_to_image
from model.state import DenoisingState, Prediction
from model.ticket import Ticket


def main() -> None:
    parser = arguments(__doc__ or "", cancels=200)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = load(DEFAULT)
    engine = Engine(bundle, quicken="off")
    engine.start()
    engine.denoiser.quicken("trace")
    forwards_ended: list[float] = []
    predict = engine.denoiser.predict

    def watched(states: Sequence[DenoisingState], tile: bool = False) -> list[Prediction]:
        output = predict(states, tile)
        forwards_ended.append(time.monotonic())
        return output

    engine.denoiser.predict = watched  # type: ignore[method-assign]

    def endless(seed: int) -> Ticket:
        return engine.submit(
            text_to_image("a rocket", seed=seed, size=bundle.native_size, images=1, num_inference_steps=1000)
        )

    chance = random.Random(0)
    companions = [endless(seed) for seed in (1, 2)]
    steps: list[float] = []
    extra_ms: list[float] = []
    for number in range(options.cancels):
        companions = [one if not one.done else endless(number) for one in companions]
        victim = endless(number)
        next(victim.events())
        threading.Event().wait(chance.uniform(0, 0.04))
        before = len(forwards_ended)  # every forward holds the victim's rows
        victim.cancel()
        try:
            victim.result(60)
        except Cancelled:
            assert victim.finished_at is not None
            ended = bisect_right(forwards_ended, victim.finished_at)
            steps.append(ended - before)
            extra_ms.append((victim.finished_at - forwards_ended[ended - 1]) * 1000)
    for companion in companions:
        companion.cancel()
    engine.close()
    figures = {"steps_p99": percentile(steps, 0.99), "extra_ms_p99": rounded(percentile(extra_ms, 0.99), 2)}
    print(f"{len(steps)} cancels; extra time p50 {percentile(extra_ms, 0.5):.2f} ms")
    report("P5 cancelling", figures, options.json, goals={"steps_p99": "<= 1", "extra_ms_p99": "<= 5"})


if __name__ == "__main__":
    main()
