"""`python -m model.training.upscaler`: a narrow upscaler, taught by the whole one on the default model's own pictures.

Half of each layer's channels go. Those stay that the next layer hears most of, and each layer is fitted by least
squares to what the whole network's layer gives for the same pictures, so that it makes good what the layers before it
lost (He et al. 2017, channel pruning, arXiv 1707.06168). Then all of it is trained against the whole network's output.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from model.drawing import generate
from model.loading import load
from model.request import text_to_image
from model.spelling import WORDS_FILE
from model.upscale import NARROW, Upscaler, load_upscaler

DEFAULT = Path(__file__).parents[1] / "default"
WIDTH = 32

_PICTURES, _HELD_OUT, _FITTED = 1680, 64, 48
_POSITIONS = 24_000
"""Positions of the pictures that a layer is fitted on."""
_RIDGE = 1e-4
_BATCH, _LEARNING_RATE, _WARM_UP = 4, 7e-4, 50
_COLOURS = ("red", "blue", "green", "yellow", "black", "white", "purple", "orange", "pink", "brown")
_ENDINGS = ("", "", "", " at night", " on a beach", " in a forest", ", watercolor", ", pixel art", ", line art",
            ", oil painting", " in the snow")  # fmt: skip


def prompts(words: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Things of all colours, at places and in styles, alone and by twos."""
    while True:
        thing, colour = rng.choice(words), rng.choice(_COLOURS)
        if rng.random() < 0.75:
            yield f"a {colour + ' ' if rng.random() < 0.5 else ''}{thing}{rng.choice(_ENDINGS)}"
        else:
            yield f"a {colour} {thing} and a {rng.choice(_COLOURS)} {rng.choice(words)}"


def draw_pictures(folder: Path, count: int, seed: int) -> Tensor:
    """(count, 3, H, W) in 0..1, drawn by the model in `folder` as it is served."""
    bundle = load(folder)
    lines = (folder / "tokenizer" / WORDS_FILE).read_text(encoding="utf-8").splitlines()
    words = [line.partition("\t")[0] for line in lines][:600]
    asked, images = prompts(words, random.Random(seed)), []
    for number in range(math.ceil(count / 4)):
        size = bundle.native_size
        request = text_to_image(next(asked), seed=number, size=size, num_inference_steps=8, sampler="dpmpp_2m")
        images += [torch.from_numpy(image) for image in generate(bundle, request)]
    pictures = torch.stack(images[:count]).permute(0, 3, 1, 2).float() / 255
    return pictures[torch.randperm(count, generator=torch.Generator().manual_seed(seed))]


@torch.no_grad()
def narrowed(whole: Upscaler, pictures: Tensor, width: int, seed: int = 0) -> Upscaler:
    """An upscaler with `width` channels, whose layers give what those of `whole` give, as far as they can."""
    narrow = Upscaler(width)
    chance = torch.Generator().manual_seed(seed)
    seen_by_whole = seen = pictures
    kept = torch.arange(pictures.shape[1])
    for place in range(len(whole.convolutions)):
        layer, own = _convolution(whole, place), _convolution(narrow, place)
        wanted: Tensor = layer(functional.pad(seen_by_whole, (1, 1, 1, 1)))
        weight, bias = _fitted(layer, seen, wanted, kept, chance)
        last = place == len(whole.activations)
        kept = torch.arange(len(bias)) if last else _loudest(whole, place, wanted, width)
        own.load_state_dict({"weight": weight[kept], "bias": bias[kept]})
        if not last:
            slopes = whole.activations[place].state_dict()["weight"]
            narrow.activations[place].load_state_dict({"weight": slopes[kept]})
            seen_by_whole = whole.activations[place](wanted)
            seen = narrow.activations[place](own(functional.pad(seen, (1, 1, 1, 1))))
    return narrow


def _convolution(upscaler: Upscaler, place: int) -> nn.Conv2d:
    layer = upscaler.convolutions[place]
    assert isinstance(layer, nn.Conv2d)
    return layer


def _loudest(whole: Upscaler, place: int, wanted: Tensor, width: int) -> Tensor:
    """The channels of this layer that weigh most in the next one, in their order."""
    heard = _convolution(whole, place + 1).weight.square().sum((0, 2, 3)).sqrt()
    weights: Tensor = heard * whole.activations[place](wanted).std((0, 2, 3))
    return weights.argsort(descending=True)[:width].sort().values


def _fitted(
    layer: nn.Conv2d, seen: Tensor, wanted: Tensor, kept: Tensor, chance: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Weight and bias of a convolution that gives `wanted` (B, C, H, W) for what it sees, near those of `layer`."""
    channels = seen.shape[1]
    patches = functional.unfold(functional.pad(seen, (1, 1, 1, 1)), 3).transpose(1, 2).reshape(-1, channels * 9)
    chosen = torch.randperm(len(patches), generator=chance)[:_POSITIONS]
    inputs = torch.cat([patches[chosen], torch.ones(len(chosen), 1)], 1).double()
    outputs = wanted.permute(0, 2, 3, 1).flatten(0, 2)[chosen].double()
    bias = layer.state_dict()["bias"]
    former = torch.cat([layer.weight[:, kept].flatten(1), bias[:, None]], 1).double()
    gram = inputs.T @ inputs
    ridge = _RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    solution = former + torch.linalg.solve(gram + ridge, inputs.T @ (outputs - inputs @ former.T)).T
    return solution[:, :-1].reshape(-1, channels, 3, 3).float(), solution[:, -1].float()


def train(narrow: Upscaler, pictures: Tensor, wanted: Tensor, minutes: float, seed: int = 0) -> None:
    """Teach `narrow` to give `wanted` (N, 3, 4H, 4W), for so many minutes of the processor's time."""
    narrow.requires_grad_(True).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(narrow.parameters(), betas=(0.9, 0.99))
    chance = torch.Generator().manual_seed(seed)
    begun, step = time.process_time(), 0
    while (share := (time.process_time() - begun) / (60 * minutes)) < 1:
        rate = min(1, step / _WARM_UP) * (0.5 * (1 + math.cos(math.pi * share)) + 1e-3)
        for group in optimizer.param_groups:
            group["lr"] = _LEARNING_RATE * rate
        rows = torch.randint(len(pictures), (_BATCH,), generator=chance)
        small, large = pictures[rows], wanted[rows].float()
        if torch.rand((), generator=chance) < 0.5:
            small, large = small.flip(3), large.flip(3)
        error = narrow(small.contiguous(memory_format=torch.channels_last)) - large
        loss = error.square().mean() + 0.002 * error.abs().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(narrow.parameters(), 0.1)
        optimizer.step()
        step += 1
    narrow.requires_grad_(False)


@torch.no_grad()
def enlarged(upscaler: Upscaler, pictures: Tensor) -> Tensor:
    """(N, 3, 4H, 4W) in half precision."""
    parts = [upscaler(part.contiguous(memory_format=torch.channels_last)) for part in pictures.split(8)]
    return torch.cat(parts).half()


def psnr_db(ones: Tensor, others: Tensor) -> float:
    """Of all pictures together, in levels of 255."""
    apart = (ones.float() * 255).round() - (others.float() * 255).round()
    return float(10 * torch.log10(255**2 / apart.square().mean()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m model.training.upscaler", description=__doc__)
    parser.add_argument("--out", type=Path, default=NARROW, help=f"the weights' file (default: {NARROW})")
    parser.add_argument(
        "--model", type=Path, default=DEFAULT, help="whose pictures it learns on (default: the default)"
    )
    parser.add_argument("--width", type=int, default=WIDTH, help=f"channels of a layer (default: {WIDTH})")
    parser.add_argument("--minutes", type=float, default=14, help="of the processor's time (default: 14)")
    parser.add_argument("--pictures", type=int, default=_PICTURES, help=f"default: {_PICTURES}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    whole = load_upscaler()
    pictures = draw_pictures(options.model, options.pictures, seed=1)
    held, own = pictures[:_HELD_OUT], pictures[_HELD_OUT:]
    wanted = enlarged(whole, pictures)
    narrow = narrowed(whole, own[:_FITTED], options.width)
    begun = psnr_db(enlarged(narrow, held), wanted[:_HELD_OUT])
    train(narrow, own, wanted[_HELD_OUT:], options.minutes)
    ended = psnr_db(enlarged(narrow, held), wanted[:_HELD_OUT])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.half().contiguous() for name, value in narrow.state_dict().items()}, options.out)
    print(json.dumps({"fitted_db": round(begun, 2), "trained_db": round(ended, 2), "file": str(options.out)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
