"""What an operator's shortcuts gain and cost: time of a grid, and likeness to the grid drawn without them.

Both engines draw the same grids of the default model in turns, by the recorded graph, in CPU time. PSNR is over all
pixels of all grids; what it means to the eye is for the operator to judge, which is why nothing of this is on unless
the catalogue says so.
"""

from typing import Any

import torch

from benchmarks.measure import DEFAULT, arguments, pairs, parity, report, rounded
from model.engine import Engine
from model.loading import load
from model.request import text_to_image
from model.state import Shortcuts

SHORTCUTS = {
    "deep_every_2": Shortcuts(deep_every=2),
    "deep_every_3": Shortcuts(deep_every=3),
    "guidance_to_80": Shortcuts(guidance_interval=(0.0, 0.8)),
    "both": Shortcuts(guidance_interval=(0.0, 0.8), deep_every=2),
}
PROMPTS = ("a red apple", "a rocket", "a blue car")


def main() -> None:
    options = arguments(__doc__ or "", pairs=3, steps=20).parse_args()
    torch.set_num_threads(1)
    bundle = load(DEFAULT)
    requests = [
        text_to_image(prompt, seed=seed, size=bundle.native_size, num_inference_steps=options.steps)
        for seed, prompt in enumerate(PROMPTS)
    ]

    def started(shortcuts: Shortcuts) -> Engine:
        engine = Engine(bundle, shortcuts=shortcuts, quicken="off")
        engine.start()
        engine.denoiser.quicken("trace")
        return engine

    def grids(engine: Engine) -> list[Any]:
        return [image for request in requests for image in engine.submit(request).result()]

    plain = started(Shortcuts())
    expected = grids(plain)
    figures: dict[str, Any] = {}
    for name, shortcuts in SHORTCUTS.items():
        engine = started(shortcuts)
        ratio, _, _, ratios = pairs(lambda: grids(plain), lambda: grids(engine), options.pairs, bundle.device)  # noqa: B023
        figures[f"{name}_ratio"] = rounded(ratio, 2)
        figures[f"{name}_psnr_db"] = parity(expected, grids(engine))["psnr_db"]
        print(f"{name}: ratios of the pairs {ratios[0]:.2f} to {ratios[-1]:.2f}")
        engine.close()
    plain.close()
    report(f"P15 shortcuts: {len(requests)} grids of {options.steps} steps", figures, options.json)


if __name__ == "__main__":
    main()
