"""What an operator's shortcuts gain and cost: time of a grid, and likeness to the grid drawn without them.

Both engines draw the same grids in turns, in CPU time; of the default model by the recorded graph. `--model FOLDER`
takes another one, a transformer too, whose blocks after the first are then kept. `--tiny FAMILY` takes random weights
of a family's own classes, of few narrow blocks: it shows what the steps between cost, and the likeness of what random
weights draw, not of pictures that people look at. PSNR is over all pixels of all grids; what it means to the eye is for
the operator to judge, which is why nothing of this is on unless the catalogue says so.
"""

from dataclasses import replace
from typing import Any

import torch

from benchmarks.measure import DEFAULT, arguments, pairs, parity, report, rounded
from model.components import Bundle, assemble
from model.engine import Engine
from model.families import FAMILIES, Guidance
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


TINY_BLOCKS = 8


def tiny_of(name: str) -> Bundle:
    """A tiny model of a family, with more blocks than the tests' has where it is a transformer."""
    kind = FAMILIES[name]
    parts = kind.tiny()
    own = parts.modules[kind.denoiser_part]
    if "num_layers" not in own.config:
        return assemble(kind, parts)
    torch.manual_seed(0)
    deeper = type(own).from_config({**own.config, "num_layers": TINY_BLOCKS})
    return assemble(kind, replace(parts, modules={**parts.modules, kind.denoiser_part: deeper}))


def main() -> None:
    parser = arguments(__doc__ or "", pairs=3, steps=20, model=str(DEFAULT), device="cpu")
    parser.add_argument("--tiny", choices=sorted(FAMILIES), help="random weights of a family in place of a model")
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle = tiny_of(options.tiny) if options.tiny else load(options.model, device=options.device)
    size = bundle.native_size if not options.tiny else (8 * bundle.grid, 8 * bundle.grid)
    requests = [
        text_to_image(prompt, seed=seed, size=size, num_inference_steps=options.steps)
        for seed, prompt in enumerate(PROMPTS)
    ]

    def started(shortcuts: Shortcuts) -> Engine:
        engine = Engine(bundle, shortcuts=shortcuts, quicken="off")
        engine.start()
        if engine.denoiser.usual_way() != "off":
            engine.denoiser.quicken("trace")
        return engine

    def grids(engine: Engine) -> list[Any]:
        return [image for request in requests for image in engine.submit(request).result()]

    plain = started(Shortcuts())
    expected = grids(plain)
    figures: dict[str, Any] = {}
    for name, shortcuts in SHORTCUTS.items():
        if not _serves(shortcuts, bundle):
            continue
        engine = started(shortcuts)
        ratio, _, _, ratios = pairs(lambda: grids(plain), lambda: grids(engine), options.pairs, bundle.device)  # noqa: B023
        figures[f"{name}_ratio"] = rounded(ratio, 2)
        figures[f"{name}_psnr_db"] = parity(expected, grids(engine))["psnr_db"]
        print(f"{name}: ratios of the pairs {ratios[0]:.2f} to {ratios[-1]:.2f}")
        engine.close()
    plain.close()
    report(f"P15 shortcuts: {len(requests)} grids of {options.steps} steps", figures, options.json)


def _serves(shortcuts: Shortcuts, bundle: Bundle) -> bool:
    """Whether this model can take it, and it changes anything."""
    guided = bundle.family.guidance is Guidance.CLASSIFIER_FREE
    return (bundle.family.reuses or shortcuts.deep_every == 1) and (guided or shortcuts.guidance_interval == (0.0, 1.0))


if __name__ == "__main__":
    main()
