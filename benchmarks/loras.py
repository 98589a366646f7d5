"""P16: requests with different LoRAs drawn in one mixed batch, against one after the other with the LoRA merged.

Merging is what others do: the weights are changed before each request and changed back afterwards, and requests with
different LoRAs never share a forward. Here every row has its own matrices beside the layer's. Both draw the same
pictures; the LoRAs hold random numbers and change all attention layers.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from benchmarks import shapes
from benchmarks.measure import arguments, on_card, pairs, parity, report, rounded
from model.adapters.lora import Lora, read_lora
from model.components import Adapters, Bundle
from model.drawing import generate
from model.engine import Engine
from model.request import LoraUse, text_to_image

RANK = 8


def lora(bundle: Bundle, seed: int, folder: Path) -> Lora:
    """For every attention layer of the UNet."""
    chance = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, layer in bundle.denoiser.named_modules():
        if isinstance(layer, torch.nn.Linear) and name.endswith(("to_q", "to_k", "to_v", "to_out.0")):
            tensors[f"unet.{name}.lora_A.weight"] = torch.randn(RANK, layer.in_features, generator=chance) * 0.1
            tensors[f"unet.{name}.lora_B.weight"] = torch.randn(layer.out_features, RANK, generator=chance) * 0.1
    file = folder / f"{seed}.safetensors"
    save_file(tensors, file)
    return read_lora(file, type(bundle.family), bundle.parts.modules, bundle.device, bundle.dtype)


@contextmanager
def merged(bundle: Bundle, added: Lora) -> Iterator[None]:
    """Within, the UNet's weights are those with the LoRA."""
    layers = [(bundle.denoiser.get_submodule(path), layer) for path, layer in added.parts["unet"].items()]
    before = [module.weight.data for module, _ in layers]
    for module, layer in layers:
        module.weight.data = module.weight.data + layer.scale * (layer.up @ layer.down)
    try:
        yield
    finally:
        for (module, _), weight in zip(layers, before, strict=True):
            module.weight.data = weight


def main() -> None:
    parser = arguments(__doc__ or "", pairs=5, loras=4, steps=8)
    on_card(parser)
    options = parser.parse_args()
    torch.set_num_threads(1)
    bundle, _ = shapes.bundle(options.shape, options.device)
    with tempfile.TemporaryDirectory() as folder:
        loras = {f"lora {seed}": lora(bundle, seed, Path(folder)) for seed in range(options.loras)}
    bundle = replace(bundle, adapters=Adapters(loras))
    plain = [
        text_to_image("a red apple", seed=seed, size=bundle.native_size, images=1, num_inference_steps=options.steps)
        for seed in range(options.loras)
    ]
    drawn: dict[str, list[Any]] = {}

    def one_after_the_other() -> None:
        images = []
        for request, added in zip(plain, loras.values(), strict=True):
            with merged(bundle, added):
                images += generate(bundle, request)
        drawn["merged"] = images

    engine = Engine(bundle, quicken="off")
    engine.start()

    def mixed() -> None:
        tickets = [
            engine.submit(replace(request, controls=(LoraUse(name),)))
            for request, name in zip(plain, loras, strict=True)
        ]
        drawn["mixed"] = [image for ticket in tickets for image in ticket.result()]

    ratio, merged_s, mixed_s, ratios = pairs(one_after_the_other, mixed, options.pairs, bundle.device)
    engine.close()
    print(f"ratios of the pairs: {ratios[0]:.2f} to {ratios[-1]:.2f}")
    figures = {
        "ratio": rounded(ratio, 3),
        "merged_s": rounded(merged_s),
        "mixed_s": rounded(mixed_s),
        **parity(drawn["merged"], drawn["mixed"]),
    }
    report(f"P16 {options.loras} requests with a LoRA each", figures, options.json, goals={"ratio": "> 1"})


if __name__ == "__main__":
    main()
