"""An independent eye for the default model: a small convolutional classifier with features of its own.

It shares neither autoencoder nor text encoder with what it judges. It learns from the same icon sets, but from
pictures made another way (rotated, blurred, noisy, over textures), and for every noun one icon is held back from it:
its score on pictures of those held-back icons is the ceiling a generator can be measured against. The trained judge
ships beside this file; `python -m benchmarks.judge ICONS_ZIP` makes it again.
"""

from __future__ import annotations

import argparse
import colorsys
import itertools
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from model.training.data import IconData

JUDGE_FILE = Path(__file__).with_name("judge.safetensors")
SIZE = 64  # pixels of the pictures it learns from
INPUT = 32  # pixels it looks at: shapes and colours, not grain


class Eye(nn.Module):
    """Pictures (N, 3, 32, 32) in -1..1 to noun scores and unit features (N, 128)."""

    def __init__(self, nouns: int) -> None:
        super().__init__()
        widths = (3, 32, 64, 128)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.SiLU()]
            if before > 3:
                layers += [nn.Conv2d(after, after, 3, padding=1), nn.BatchNorm2d(after), nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.squeeze = nn.Linear(widths[-1] * 4, 128)
        self.noun = nn.Linear(128, nouns)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        pooled = functional.adaptive_avg_pool2d(self.body(pixels), 2).flatten(1)
        hidden = functional.silu(self.squeeze(functional.dropout(pooled, 0.2, self.training)))
        return self.noun(hidden), functional.normalize(hidden, dim=-1)


@dataclass(frozen=True)
class Judge:
    """A trained eye and what it knows."""

    eye: Eye
    nouns: tuple[str, ...]
    references: Tensor  # (M, 128) features of the icons of all nouns
    reference_nouns: tuple[int, ...]  # which noun each of them shows
    reference_sets: tuple[str, ...]  # which icon set each of them is from
    ceiling: dict[str, float]  # its own scores on real pictures of icons it was not trained on

    @torch.no_grad()
    def look(self, pictures: np.ndarray) -> tuple[Tensor, Tensor]:
        """Noun scores and features of pictures (N, H, W, 3) uint8 of any size."""
        parts = [self.eye(as_input(pictures[start : start + 128])) for start in range(0, len(pictures), 128)]
        nouns, features = zip(*parts, strict=True)
        return torch.cat(nouns), torch.cat(features)

    def set_of(self, features: Tensor, nouns: Sequence[str]) -> list[str]:
        """For features (N, 128) of pictures of known nouns: the icon set whose icon of that noun is most alike."""
        owners = torch.tensor(self.reference_nouns)
        alike = features @ self.references.T
        for row, noun in zip(alike, nouns, strict=True):
            row[owners != self.nouns.index(noun)] = -1
        return [self.reference_sets[number] for number in alike.argmax(1).tolist()]

    def save(self, path: Path) -> None:
        from safetensors.torch import save_file

        tensors = {name: tensor.half().contiguous() for name, tensor in self.eye.state_dict().items()}
        about = {"nouns": self.nouns, "reference_nouns": self.reference_nouns,
                 "reference_sets": self.reference_sets, "ceiling": self.ceiling}  # fmt: skip
        metadata = {name: json.dumps(value) for name, value in about.items()}
        save_file(tensors | {"references": self.references.half()}, path, metadata=metadata)

    @classmethod
    def load(cls, path: Path = JUDGE_FILE) -> Judge:
        """Raises FileNotFoundError or ValueError for a file that is missing or damaged."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="pt") as stored:
                tensors = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118
                about = {name: json.loads(value) for name, value in stored.metadata().items()}
        except SafetensorError as error:
            raise ValueError(f"the judge's weights in {path} cannot be read: {error}") from None
        references = tensors.pop("references")
        eye = Eye(len(about["nouns"]))
        eye.load_state_dict(
            {name: tensor.long() if "num_batches" in name else tensor for name, tensor in tensors.items()}
        )
        return cls(
            eye.eval(),
            tuple(about["nouns"]),
            references,
            tuple(about["reference_nouns"]),
            tuple(about["reference_sets"]),
            about["ceiling"],
        )


def as_input(pictures: np.ndarray) -> Tensor:
    """(N, H, W, 3) uint8 pictures as (N, 3, 32, 32) in -1..1, whatever size they have."""
    pixels = torch.tensor(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    return functional.interpolate(pixels, (INPUT, INPUT), mode="bilinear", antialias=True, align_corners=False)


HUE_ENDS = (("red", 12), ("orange", 42), ("yellow", 68), ("green", 160), ("teal", 192), ("blue", 255), ("purple", 300),
            ("pink", 342))  # fmt: skip


def colour_of(picture: np.ndarray) -> str | None:
    """What colour the object in a picture (H, W, 3) uint8 has: the commonest named hue of its vivid pixels.

    The object is what differs from the picture's border. None where nothing, or nothing vivid, stands out.
    """
    pixels = picture.astype(np.float32) / 255
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    different = np.abs(pixels - np.median(border, axis=0)).max(-1) > 0.15
    value = pixels.max(-1)
    vivid = different & (value - pixels.min(-1) > 0.3 * value) & (value > 0.2)
    if vivid.sum() < 0.02 * value.size:
        return None
    names = [name_of(*colour) for colour in pixels[vivid]]
    return max(set(names), key=names.count)


def name_of(red: float, green: float, blue: float) -> str:
    """The name of a vivid colour in 0..1."""
    hue, _, value = colorsys.rgb_to_hsv(red, green, blue)
    name = next((name for name, end in HUE_ENDS if hue * 360 < end), "red")
    return "brown" if name == "orange" and value < 0.6 else name


def windows(picture: np.ndarray) -> np.ndarray:
    """Six half-size windows of a picture, left and right at three heights: where two objects side by side can be."""
    size = picture.shape[0]
    half = round(size * 0.52)
    tops = (0, (size - half) // 2, size - half)
    return np.stack([picture[top : top + half, left : left + half] for left in (0, size - half) for top in tops])


def sees_both(judge: Judge, picture: np.ndarray, pair: tuple[str, str]) -> bool:
    """Whether one half of a picture (S, S, 3) shows one noun of the pair and the other half the other."""
    first, second = (judge.nouns.index(noun) for noun in pair)
    seen = judge.look(windows(picture))[0].argmax(1).tolist()
    left, right = seen[:3], seen[3:]
    return (first in left and second in right) or (second in left and first in right)


# ---- training the judge -------------------------------------------------------------------------------------------


def disturbed(pixels: np.ndarray, rng: random.Random) -> np.ndarray:
    """One training picture for the judge: an icon (S, S, 4) turned, tinted, blurred, over a background of its own."""
    icon = Image.fromarray(np.ascontiguousarray(pixels))
    if rng.random() < 0.4:
        icon = icon.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.4:
        icon = recoloured(icon, rng)
    icon = icon.rotate(rng.gauss(0, 7), Image.Resampling.BICUBIC)
    side = round(SIZE * rng.uniform(0.6, 1.0))
    icon = icon.resize((side, round(side * rng.uniform(0.9, 1.1))), Image.Resampling.BOX)
    canvas = backdrop(rng)
    spare = (SIZE - icon.width, SIZE - icon.height)
    canvas.paste(icon, (round(spare[0] * rng.random()), round(spare[1] * rng.random())), icon)
    if rng.random() < 0.6:
        canvas = canvas.filter(ImageFilter.GaussianBlur(rng.uniform(0.2, 1.6)))
    picture = np.asarray(canvas).astype(np.float32)
    grain = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, 9), picture.shape)
    return (picture * rng.uniform(0.85, 1.1) + grain).clip(0, 255).astype(np.uint8)


def recoloured(icon: Image.Image, rng: random.Random) -> Image.Image:
    """The icon with all its hues shifted by the same random angle."""
    hue, saturation, value = icon.convert("RGB").convert("HSV").split()
    shift = rng.randrange(256)
    turned = Image.merge("HSV", (hue.point(lambda old: (old + shift) % 256), saturation, value)).convert("RGB")
    turned.putalpha(icon.getchannel("A"))
    return turned


def backdrop(rng: random.Random) -> Image.Image:
    """White, one colour, or a blend of two at any angle."""
    if rng.random() < 0.4:
        return Image.new("RGB", (SIZE, SIZE), (255, 255, 255))
    first, second = ([rng.randrange(256) for _ in range(3)] for _ in range(2))
    if rng.random() < 0.6:
        return Image.new("RGB", (SIZE, SIZE), tuple(first))
    angle = rng.uniform(0, 2 * math.pi)
    across = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    blend = (across[0] * math.sin(angle) + across[1] * math.cos(angle) + 0.5).clip(0, 1)[..., None]
    return Image.fromarray((np.array(first) * (1 - blend) + np.array(second) * blend).astype(np.uint8))


def plainly(pixels: np.ndarray) -> np.ndarray:
    """An icon (S, S, 4) on white, as large as it will go: how generators usually draw it."""
    canvas = Image.new("RGB", (SIZE, SIZE), (255, 255, 255))
    icon = Image.fromarray(np.ascontiguousarray(pixels)).resize((58, 58), Image.Resampling.BOX)
    canvas.paste(icon, (3, 3), icon)
    return np.asarray(canvas)


def train_judge(icons: Path, steps: int = 3000, pictures: int = 40_000, seed: int = 7) -> Judge:
    """Train a judge on an icons.zip of model.training; about 10 minutes on one core, and repeatable."""
    from model.training.data import load_icons

    torch.manual_seed(seed)
    rng = random.Random(seed)
    data = load_icons(icons)
    kept = [number for number, icon in enumerate(data.icons) if data.concepts[icon.concept].practised is not None]
    nouns = sorted({data.icons[number].concept for number in kept})
    of_noun = {noun: [number for number in kept if data.icons[number].concept == noun] for noun in nouns}
    held_back = {noun: rng.choice(numbers) for noun, numbers in of_noun.items() if len(numbers) > 2}

    def answer(number: int) -> int:
        return nouns.index(data.icons[number].concept)

    chosen = []
    for _ in range(pictures):
        noun = rng.choice(nouns)
        chosen.append(rng.choice([number for number in of_noun[noun] if number != held_back.get(noun)]))
    seen = np.stack([disturbed(data.pictures[number], rng) for number in chosen])
    answers = torch.tensor([answer(number) for number in chosen])
    print(f"judge: {pictures} pictures, {len(nouns)} nouns", flush=True)

    eye = Eye(len(nouns))
    optimizer = torch.optim.AdamW(eye.parameters(), 2e-3, weight_decay=0.05)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = (
            2e-3 * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        )
        picked = torch.randint(pictures, (64,))
        scores, _ = eye(as_input(seen[picked.numpy()]))
        loss = functional.cross_entropy(scores, answers[picked], label_smoothing=0.05)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(f"judge: step {step} of {steps}, loss {loss.item():.3f}", flush=True)
    eye.eval()

    unread = Judge(eye, tuple(data.concepts[noun].names[0] for noun in nouns), torch.empty(0, 128), (), (), ceiling={})
    judge = replace(
        unread,
        references=unread.look(np.stack([plainly(data.pictures[number]) for number in kept]))[1],
        reference_nouns=tuple(answer(number) for number in kept),
        reference_sets=tuple(data.icons[number].set_name for number in kept),
    )
    tests = [number for number in held_back.values() for _ in range(4)]
    real = np.stack([plainly(data.pictures[number]) if turn % 2 else disturbed(data.pictures[number], rng)
                     for turn, number in enumerate(tests)])  # fmt: skip
    right = torch.tensor([answer(number) for number in tests])
    best = judge.look(real)[0].topk(5).indices
    ceiling = {
        "top1": (best[:, 0] == right).float().mean().item(),
        "top5": (best == right[:, None]).any(1).float().mean().item(),
        **measure_scenes(judge, data, seed),
    }
    print(f"judge: on real pictures {ceiling}", flush=True)
    return replace(judge, ceiling=ceiling)


def measure_scenes(judge: Judge, data: IconData, seed: int, count: int = 200) -> dict[str, float]:
    """The judge's scores on composed scenes: repainted objects, pairs, and objects whose style is named."""
    from model.training.compose import Composer, Mixture, Scene
    from model.training.data import styles_of

    rng = random.Random(seed)
    only = Mixture(two_objects=0, alike=0, repainted=1, natural_colour=0, white=1, styled=0, moved=0)
    name = [concept.names[0] for concept in data.concepts]

    def scenes(mixture: Mixture) -> list[tuple[np.ndarray, Scene]]:
        composer = Composer(data, mixture, SIZE)
        return [composer.draw(rng) for _ in range(count)]

    painted = [made for made in scenes(only) if made[1].colours[0] is not None]
    paired = scenes(replace(only, two_objects=1, repainted=0))
    styled = scenes(replace(only, styled=1, repainted=0.2, moved=0.2))
    _, features = judge.look(np.stack([picture for picture, _ in styled]))
    sets = judge.set_of(features, [name[scene.concepts[0]] for _, scene in styled])
    hits = {
        "color": [colour_of(picture) == scene.colours[0] for picture, scene in painted],
        "two_objects": [
            sees_both(judge, picture, (name[scene.concepts[0]], name[scene.concepts[1]])) for picture, scene in paired
        ],
        "style": [scene.style in styles_of(one) for one, (_, scene) in zip(sets, styled, strict=True)],
    }
    return {measure: float(np.mean(hit)) for measure, hit in hits.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge", description="Train the judge again.")
    parser.add_argument("icons", type=Path, help="icons.zip of a model.training run")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--pictures", type=int, default=40_000)
    parser.add_argument("--out", type=Path, default=JUDGE_FILE)
    options = parser.parse_args()
    train_judge(options.icons, options.steps, options.pictures).save(options.out)


if __name__ == "__main__":
    main()
